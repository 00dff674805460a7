"""Where the cores lie: the mesh as a heat map of messages, the links between chips, the certificate."""

from collections.abc import Mapping
from typing import Any

from snn2chip.chip.certificate import Certificate
from snn2chip.chip.mesh import Mesh, mesh_of
from snn2chip.chip.program import Program
from snn2chip.chip.target import Target
from snn2chip.energy.estimate import Estimate
from snn2chip.energy.text import number
from snn2chip.report.data import ChipFrame, Fact, Places, TileSquare, Way

GAP = 1
"""Space between chips in the picture, in tiles."""

MOST_WAYS = 20


def places(
    program: Program, target: Target, estimate: Estimate | None, held: Certificate
) -> Places:
    """The placement; loads are of the estimate's run, and left out where there is none."""
    p, mesh = program.placement, mesh_of(target, program.placement.board or None)
    cores: Mapping[str, Any] = (estimate.counts["cores"] if estimate else None) or {}  # type: ignore[assignment]
    links: Mapping[str, Any] = cores.get("links", {})
    samples = estimate.samples if estimate else 1
    through: list[list[int]] = links.get("through", [])
    busiest = max((n for row in through for n in row), default=0)
    frames = {
        int(chip): _frame(int(chip), p.chip_columns, mesh) for chip in sorted(set(p.chip.tolist()))
    }
    return Places(
        facts=tuple(_facts(program, mesh, cores, samples)),
        width=max((f.x + mesh.columns for f in frames.values()), default=1),
        height=max((f.y + mesh.rows for f in frames.values()), default=1),
        chips=tuple(frames.values()),
        tiles=_tiles(program, mesh, frames, through, busiest, samples),
        ways=tuple(
            Way(chips=f"{a} → {b}", messages=n / samples)
            for a, b, n in sorted(links.get("crossings", []), key=lambda w: -w[2])[:MOST_WAYS]
        ),
        certificate=tuple(held.lines()),
    )


def _frame(chip: int, chip_columns: int, mesh: Mesh) -> ChipFrame:
    return ChipFrame(
        number=chip,
        x=chip % chip_columns * (mesh.columns + GAP),
        y=chip // chip_columns * (mesh.rows + GAP),
        columns=mesh.columns,
        rows=mesh.rows,
    )


def _tiles(
    program: Program,
    mesh: Mesh,
    frames: Mapping[int, ChipFrame],
    through: list[list[int]],
    busiest: int,
    samples: int,
) -> tuple[TileSquare, ...]:
    """The tiles that hold cores, and those that messages go through."""
    p = program.placement
    held: dict[tuple[int, int, int], list[int]] = {}
    column, row = mesh.tile_of(p.core)
    for number_, chip in enumerate(p.chip.tolist()):
        held.setdefault((chip, int(column[number_]), int(row[number_])), []).append(number_)
    found: list[TileSquare] = []
    for chip, frame in frames.items():
        for x in range(mesh.columns):
            for y in range(mesh.rows):
                at = (
                    chip // p.chip_columns * mesh.rows + y,
                    chip % p.chip_columns * mesh.columns + x,
                )
                load = _load(through, *at)
                cores = held.get((chip, x, y), [])
                if cores or load:
                    text = _text(program, chip, x, y, cores, load / samples if through else None)
                    share = load / busiest if busiest else 0.0
                    found.append(TileSquare(x=frame.x + x, y=frame.y + y, share=share, text=text))
    return tuple(found)


def _load(through: list[list[int]], row: int, column: int) -> int:
    """Links are listed as far as cores lie; beyond, nothing goes."""
    inside = row < len(through) and column < len(through[row])
    return through[row][column] if inside else 0


def _text(program: Program, chip: int, x: int, y: int, cores: list[int], load: float | None) -> str:
    layers = list(dict.fromkeys(name for c in cores for name in program.cores[c].populations))
    inside = f"cores {', '.join(map(str, cores))} ({', '.join(layers)})" if cores else "no cores"
    sent = "" if load is None else f"; {number(load)} messages leave for a neighbour"
    return f"chip {chip}, tile {x}, {y}: {inside}{sent}"


def _facts(program: Program, mesh: Mesh, cores: Mapping[str, Any], samples: int) -> list[Fact]:
    p = program.placement
    proved = f"; none has fewer than {p.bound:,}" if p.bound else ""
    facts = [
        Fact(
            label="placed by",
            value=f"{p.method}, seed {p.seed}",
            note=f"{p.spike_hops:,} spike-hops of {p.rates} traffic{proved}; chip to chip is {mesh.crossing_hops}",
        ),
        Fact(
            label="chips in use",
            value=str(p.chips),
            note=f"board {p.board}, {mesh.chips} chips" if p.board else "as many as are needed",
        ),
    ]
    if "hops_ew" in cores:
        messages = cores["messages"]
        hops = cores["hops_ew"] + cores["hops_ns"]
        mean = f"{hops / messages:.2f} for each message" if messages else "no messages"
        links = cores["links"]
        facts += [
            Fact(label="hops of a sample", value=number(hops / samples), note=mean),
            Fact(
                label="busiest link",
                value=f"{number(max(links['busiest_ew'], links['busiest_ns']) / samples)} messages",
                note="of one sample; a message goes east or west first, then north or south",
            ),
            Fact(
                label="ways from chip to chip",
                value=number(cores["crossings"] / samples),
                note="of one sample",
            ),
        ]
    return facts
