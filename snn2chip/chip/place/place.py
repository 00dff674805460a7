"""Place: each core of a plan on a chip and a tile of its mesh."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module

from snn2chip.arrays import IntArray, ints
from snn2chip.chip.formats.format import format_of
from snn2chip.chip.mesh import Mesh, capacity, grid_of, mesh_of
from snn2chip.chip.pack import Plan
from snn2chip.chip.place.placing import Placing
from snn2chip.chip.place.traffic import Traffic, traffic_of
from snn2chip.chip.place.types import Place, cost
from snn2chip.chip.placement import Placement
from snn2chip.chip.program import Program
from snn2chip.chip.target import Target
from snn2chip.errors import Finding, Severity


def place_program(
    program: Program,
    plan: Plan,
    target: Target,
    placing: Placing,
    spikes: Mapping[str, IntArray] | None,
) -> tuple[Program, tuple[Finding, ...]]:
    """`program` with its cores placed; without cores where they do not fit the board (an error map-board).

    `spikes`: population -> how often each neuron fires [C, H, W]; None: an estimate, all as often.
    """
    mesh = mesh_of(target, placing.board)
    misfit = check_board(program, target, mesh)
    if misfit:
        return replace(program, cores=(), input_axons={}), misfit
    traffic = traffic_of(plan, spikes)
    placement, notes = place_cores(traffic, mesh, placing, measured=spikes is not None)
    cores = tuple(
        replace(core, chip=chip)
        for core, chip in zip(program.cores, placement.chip.tolist(), strict=True)
    )
    return replace(program, cores=cores, placement=placement), notes


def method(name: str) -> Place:
    """The function of a method; imported only when it is asked for."""
    return import_module(f"snn2chip.chip.place.{name}").place


def place_cores(
    traffic: Traffic, mesh: Mesh, placing: Placing, *, measured: bool
) -> tuple[Placement, tuple[Finding, ...]]:
    """The placement, with a note place-cut where the clock ended the search. The cores must fit the board.

    `measured`: the traffic is that of a recording, not an estimate. Errors: package-missing, place-exact.
    """
    grid = grid_of(mesh, traffic.cores)
    if grid is None:
        raise ValueError(f"{traffic.cores} cores do not fit the board")
    found = method(placing.method)(traffic, grid, placing.seed, placing.seconds)
    placement = Placement(
        board=mesh.board,
        chip_columns=grid.chip_columns,
        method=placing.method,
        seed=placing.seed,
        rates="measured" if measured else "estimated",
        spike_hops=cost(traffic, grid, found.places),
        bound=found.bound,
        chip=ints(grid.chip[found.places]),
        core=ints(grid.core[found.places]),
    )
    return placement, (_cut(placing),) if found.cut else ()


def _cut(placing: Placing) -> Finding:
    return Finding(
        code="place-cut",
        severity=Severity.NOTE,
        where=f"--place {placing.method}",
        why="the time limit ended the search: another run with the same seed may place cores elsewhere",
        have=f"{placing.seconds:g} s",
        help="give it more time with --place-seconds",
    )


def check_board(program: Program, target: Target, mesh: Mesh) -> tuple[Finding, ...]:
    """An error map-board where the program has more cores than the board."""
    room, cores = capacity(mesh), len(program.cores)
    if room is None or cores <= room:
        return ()
    usable = mesh.grid_cores - len(mesh.dead)
    dead = (mesh.chips or 0) * usable - room
    broken = f", {dead} of them dead" if dead else ""
    need = _many(-(-cores // usable), "chip") if usable else "a chip with cores that are alive"
    return (
        Finding(
            code="map-board",
            severity=Severity.ERROR,
            where=f"board {mesh.board}",
            why=f"the program has more cores than the board; {_binding(program, target)}",
            have=f"{_many(room, 'core')} on {_many(mesh.chips or 0, 'chip')} of {usable}{broken}",
            need=f"{_many(cores, 'core')}, {need}",
            help="take a larger board, or fewer neurons, channels or weight bits",
        ),
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _binding(program: Program, target: Target) -> str:
    """The limit that is the fullest on most cores, in words."""
    found: Counter[str] = Counter()
    for number, core in enumerate(program.cores):
        uses = format_of(program.format).count(core, f"core {number}").counts
        found[max(uses, key=lambda limit: uses[limit] / target.limit(limit))] += 1
    limit, cores = found.most_common(1)[0]
    return f"{limit.replace('_', ' ')} bind on {cores} of {len(program.cores)}"
