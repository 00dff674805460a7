"""The picture of a network: one row per population, and lines for the edges that skip rows."""

from collections.abc import Iterable, Mapping

from snn2chip.chip.program import Schedule
from snn2chip.circuit.types import INPUT
from snn2chip.quantize.types import QuantizedCircuit, QuantizedProjection
from snn2chip.report.data import Branch, Node, Picture
from snn2chip.report.numbers import shape_text


def picture(qc: QuantizedCircuit, schedule: Schedule) -> Picture:
    """Rows in the order of the circuit, the input first."""
    names = [INPUT, *(p.name for p in qc.populations)]
    rows = {name: i for i, name in enumerate(names)}
    edges = {(rows[s], rows[p.target]) for p in qc.projections for s in p.sources}
    return Picture(
        nodes=(_input(qc), *(_node(qc, p.name, schedule) for p in qc.populations)),
        steps=tuple(sorted(a for a, b in edges if b == a + 1)),
        branches=_branches((a, b) for a, b in edges if b != a + 1),
    )


def _input(qc: QuantizedCircuit) -> Node:
    q = qc.input
    detail = f"{shape_text(q.shape)} · {q.bits} bits {'with' if q.signed else 'without'} sign"
    reads = "one image for all steps" if q.kind.value == "static" else "one frame per step"
    return Node(name=INPUT, role="input", detail=detail, reads=reads)


def _node(qc: QuantizedCircuit, name: str, schedule: Schedule) -> Node:
    p = qc.population(name)
    into = qc.into(name)
    size = p.shape[0] * p.shape[1] * p.shape[2]
    return Node(
        name=name,
        role=p.origin.role.value,
        detail=f"{shape_text(p.shape)} · {size:,} neurons · depth {schedule.depth.get(name, 0)}",
        reads="; ".join(_reads(q, schedule.delays) for q in into),
    )


def _reads(q: QuantizedProjection, delays: Mapping[tuple[str, str], int]) -> str:
    def one(source: str) -> str:
        held = delays.get((q.name, source), 0)
        return f"{source} (held {held})" if held else source

    kernel = type(q.kernel).__name__.lower()
    return f"{kernel} of {' + '.join(map(one, q.sources))}"


def _branches(edges: Iterable[tuple[int, int]]) -> tuple[Branch, ...]:
    """One line per source, in the lane closest to the rows that is free from the source to its last target."""
    targets: dict[int, list[int]] = {}
    for a, b in edges:
        targets.setdefault(a, []).append(b)
    ends: list[list[tuple[int, int]]] = []  # of each lane: the stretches that are taken
    found: list[Branch] = []
    for a in sorted(targets, key=lambda a: (max(targets[a]) - a, a)):
        stretch = (a, max(targets[a]))
        lane = next((i for i, e in enumerate(ends) if _free(e, stretch)), len(ends))
        if lane == len(ends):
            ends.append([])
        ends[lane].append(stretch)
        found.append(Branch(source=a, targets=tuple(sorted(targets[a])), lane=lane))
    return tuple(sorted(found, key=lambda b: b.source))


def _free(taken: list[tuple[int, int]], stretch: tuple[int, int]) -> bool:
    return all(stretch[1] < a or stretch[0] > b for a, b in taken)
