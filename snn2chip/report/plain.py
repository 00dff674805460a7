"""The verdict for somebody who did not run the tool: a few sentences, and the layer that changed most."""

from collections.abc import Iterator, Sequence

from snn2chip.report.chart import Axis, Chart, Line, Mark, axis
from snn2chip.report.data import Fact, LayerRow
from snn2chip.report.numbers import percent
from snn2chip.verify.types import Rung, Verdict

ADDS_UP = "change adds up from all layers before it"
"""Why the layer that changed most is not the one whose rounding is to blame: usually it is one of the last."""


def plain(verdict: Verdict, layers: Sequence[LayerRow]) -> tuple[str, ...]:
    """What holds or does not, what rounding cost, and where; one sentence each."""
    rungs = {r.rung: r for r in verdict.rungs}
    return (*_equal(verdict, rungs), *_rounding(rungs.get("2b"), layers))


def worst_layer(layers: Sequence[LayerRow]) -> int | None:
    """The row of the layer of which rounding changed the largest part; None where it changed nothing."""
    parts = [changed(r) for r in layers]
    return parts.index(max(parts)) if any(parts) else None


def changed(r: LayerRow) -> float:
    """The part of a layer's outputs that rounding changed; 0 where that was not measured."""
    return (r.differing or 0) / r.compared if r.compared else 0.0


def worst_fact(layers: Sequence[LayerRow]) -> tuple[Fact, ...]:
    """The tile that leads to the layer that changed most, and says what it is not: the cause."""
    row = worst_layer(layers)
    if row is None:
        return ()
    part = percent(changed(layers[row]))
    return (
        Fact(
            label="most changed by rounding",
            value=layers[row].name,
            note=f"{part} of its outputs; {ADDS_UP}; whose rounding causes it: snn2chip debug MODEL",
            link=f"row-{row}",
        ),
    )


def profile(layers: Sequence[LayerRow]) -> Chart | None:
    """What rounding changed from the input to the answer: a mark for each layer, the worst in red."""
    worst = worst_layer(layers)
    if worst is None:
        return None
    shown = [(i, r) for i, r in enumerate(layers) if r.compared]
    marks = tuple(
        Mark(
            x=i,
            y=100 * changed(r),
            text=f"{r.name}: {percent(changed(r))} of its outputs",
            kind="bad" if i == worst else "plain",
        )
        for i, r in shown
    )
    return Chart(
        name="outputs that rounding changed, layer by layer",
        x=Axis(
            label="layers, from the input to the answer",
            low=-0.5,
            high=len(layers) - 0.5,
            ticks=tuple((float(i), r.name) for i, r in shown),
        ),
        y=axis("changed", 0.0, max(m.y for m in marks), " %"),
        marks=marks,
        lines=(Line(points=tuple((m.x, m.y) for m in marks)),),
        width=1140,
        height=240,
    )


def _equal(verdict: Verdict, rungs: dict[str, Rung]) -> Iterator[str]:
    if not verdict.passed:
        names = ", ".join(f"{r.rung} ({r.title})" for r in verdict.rungs if not r.passed)
        yield f"Do not use this build: what should be equal is not, in rung {names}."
        return
    if "3" in rungs:
        yield (
            f"The chip's program, simulated, fires every spike that the rounded network fires: {len(rungs['3'].sides)} "
            "executors of the same integers agree on every output."
        )
    if "4" in rungs:
        yield "What is packed for the cores says that network exactly, for every input."


def _rounding(rung: Rung | None, layers: Sequence[LayerRow]) -> Iterator[str]:
    """What rung 2b measured."""
    if rung is None or not rung.compared:
        return
    if not rung.differing:
        yield "Rounding changed nothing: every output is the original network's."
        return
    samples = int(rung.measures.get("samples", 0))
    kept = round(rung.measures.get("agreement", 0.0) * samples)
    row = worst_layer(layers)
    most = (
        ""
        if row is None
        else f", most in {layers[row].name} ({percent(changed(layers[row]))}; {ADDS_UP})"
    )
    yield (
        f"Rounding changed {percent(rung.differing / rung.compared)} of the original network's outputs{most}, and "
        f"{samples - kept} of {samples} decisions."
    )
