"""The certificate: what every core holds of each resource, and what would have to change to need one chip fewer.

Everything is counted from the packed words; nothing is taken from the splitter's own numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from snn2chip.chip.formats.format import ONE_TILE, format_of
from snn2chip.chip.mesh import capacity, mesh_of
from snn2chip.chip.program import Program
from snn2chip.chip.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreHolds:
    """One core: where it lies, and what it holds: tiles of `layer`, and in `uses` words (or neurons, ...) by limit."""

    number: int
    chip: int
    core: int
    layer: str
    uses: Mapping[str, int]
    binds: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """`limits`: limit -> what the target allows. `usable`: cores of a chip that programs can use.

    `boards`: board of the target -> how many of them hold the program. `bound`: cores if they all were full of what
    binds most, layer by layer where a core holds one tile. `shared`: cores with tiles of several layers. `fewer`:
    what would have to change to need one chip fewer, in sentences.
    """

    limits: Mapping[str, int]
    cores: tuple[CoreHolds, ...]
    chips: int
    usable: int
    board: str
    boards: Mapping[str, int]
    bound: int
    shared: int
    fewer: tuple[str, ...]

    def lines(self) -> list[str]:
        """For people: the whole, not core by core."""
        boards = ", ".join(f"{n} × {name}" for name, n in self.boards.items())
        n = len(self.cores)
        shared = f" ({self.shared} shared by several layers)" if self.shared else ""
        held = f"certificate: {n} core{'s' * (n != 1)}{shared} on {self.chips} chip(s) of {self.usable}"
        return [f"{held}{f'; boards: {boards}' if boards else ''}", *(f"  {s}" for s in self.fewer)]

    def to_dict(self) -> dict[str, object]:
        """Plain values, for certificate.json."""
        return {
            "cores": len(self.cores),
            "chips": self.chips,
            "usable_cores_of_a_chip": self.usable,
            "board": self.board,
            "boards_needed": dict(self.boards),
            "lower_bound_cores": self.bound,
            "shared_cores": self.shared,
            "one_chip_fewer": list(self.fewer),
            "limits": dict(self.limits),
            "each": [
                {
                    "core": c.number,
                    "chip": c.chip,
                    "place": c.core,
                    "layer": c.layer,
                    "uses": dict(c.uses),
                    "binds": c.binds,
                    "share": round(c.share, 4),
                }
                for c in self.cores
            ],
        }


def certificate(program: Program, target: Target) -> Certificate:
    """The certificate of a placed program. Errors: StatementError program-bytes."""
    count = format_of(program.format).count
    mesh = mesh_of(target, program.placement.board or None)
    uses = [count(core, f"core {i}").counts for i, core in enumerate(program.cores)]
    limits = {limit: target.limit(limit) for limit in (uses[0] if uses else {})}
    cores = tuple(_holds(program, i, use, limits) for i, use in enumerate(uses))
    usable = mesh.grid_cores - len(mesh.dead)
    boards = {name: capacity(mesh_of(target, name)) or 0 for name in target.boards}
    apart = program.format in ONE_TILE
    bound = _bound(cores, limits, apart)
    return Certificate(
        limits=limits,
        cores=cores,
        chips=program.chips,
        usable=usable,
        board=program.placement.board,
        boards={name: -(-len(cores) // room) for name, room in boards.items() if room},
        bound=bound,
        shared=sum(len(core.populations) > 1 for core in program.cores),
        fewer=tuple(_fewer(cores, limits, program.chips, usable, bound, apart)),
    )


def _holds(
    program: Program, number: int, uses: Mapping[str, int], limits: Mapping[str, int]
) -> CoreHolds:
    binds = max(uses, key=lambda name: uses[name] / limits[name])
    return CoreHolds(
        number=number,
        chip=int(program.placement.chip[number]),
        core=int(program.placement.core[number]),
        layer=" + ".join(program.cores[number].populations),
        uses=uses,
        binds=binds,
        share=uses[binds] / limits[binds],
    )


def _bound(cores: tuple[CoreHolds, ...], limits: Mapping[str, int], apart: bool) -> int:
    """The largest of ⌈what cores hold of a limit / the limit⌉; summed over layers where they must lie `apart`."""
    held: dict[str, dict[str, int]] = {}
    for core in cores:
        layer = held.setdefault(core.layer if apart else "", dict.fromkeys(limits, 0))
        for limit, use in core.uses.items():
            layer[limit] += use
    return sum(
        max(-(-use // limits[limit]) for limit, use in layer.items()) for layer in held.values()
    )


def _fewer(
    cores: tuple[CoreHolds, ...],
    limits: Mapping[str, int],
    chips: int,
    usable: int,
    bound: int,
    apart: bool,
) -> Iterator[str]:
    """What would have to change to need one chip fewer."""
    if chips < 2:
        yield "one chip is the fewest"
        return
    goal = (chips - 1) * usable
    spare = max(len(cores) - goal, 0)
    yield f"one chip fewer: {spare} cores must go, to {goal}"
    how = "layer by layer, " if apart else ""
    if bound <= goal:
        yield f"fuller cores might do: {how}what they hold would fill {bound}"
    else:
        yield f"fuller cores alone cannot do it: {how}what they hold fills {bound}"
    for limit in limits:
        binding = sum(core.binds == limit for core in cores)
        if binding > spare > 0:
            more = -(-limits[limit] * binding // (binding - spare))
            rule = f"{limit.replace('_', ' ')} bind on {binding} cores"
            larger = f"with {more:,} in a core (now {limits[limit]:,})"
            less = f"or {100 * spare / binding:.1f} % less in those layers"
            yield f"{rule}: {larger}, {less}, about {spare} would go"
