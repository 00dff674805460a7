"""The page of `debug`: where rounding hurts, as a plot and a table, and which settings mend it."""

from dataclasses import dataclass

from snn2chip.debug.text import NAMES, advice, doubts, headline, scores, verdict
from snn2chip.debug.types import WORDS, Counts, Diagnosis, LayerCost, Measure, Setting
from snn2chip.report.chart import Chart, Line, Mark, axis, names_axis
from snn2chip.report.page import page

ROW = 20
"""Height of a layer's row in the plot, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A number of things of all: for the table, which sorts by `share`."""

    text: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """A row of the table. `back`: of what was lost, when this one is in floats; `hurts`: a culprit."""

    name: str
    rounded: tuple[str, ...]
    floated: Part
    floated_outputs: Part
    alone: Part
    alone_outputs: Part
    back: Part | None
    hurts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """A setting. `good`: it mends, and can be said."""

    words: str
    gives: str
    verdict: str
    good: bool


def render_accuracy(d: Diagnosis, title: str, target: str) -> str:
    """The page."""
    fallen = d.lost > 0
    return page(
        "accuracy.html",
        title=f"Accuracy of {title}",
        subtitle=f"rounded for {target}, {d.rounded.samples} samples",
        kind="debug",
        d=d,
        headline=headline(d),
        advice=advice(d) if fallen else "",
        doubts=doubts(d),
        good=not fallen,
        measure=WORDS[d.by],
        name=NAMES[d.by],
        ends=(("original", scores(d.original)), ("rounded", scores(d.rounded))),
        rows=tuple(_row(d, c) for c in d.layers),
        plot=plot(d) if d.layers else None,
        settings=tuple(_setting(d, s) for s in d.settings),
        mended="" if d.mended is None else scores(d.mended),
    )


def plot(d: Diagnosis) -> Chart:
    """A row for each place: from all rounded to this one in floats (full), and this one alone rounded (hollow)."""
    by, total = d.by, d.original.total(d.by)

    def at(c: Counts) -> float:
        return 100 * c.score(by) / total

    base, top = at(d.rounded), at(d.original)
    values = [at(c) for layer in d.layers for c in (layer.floated, layer.alone)]
    x = axis(f"{WORDS[by]}, %", min(base, top, *values), max(base, top, *values))
    last = -len(d.layers) + 0.4
    lines: list[Line] = [
        Line(points=((base, 0.6), (base, last)), kind="rule", text=f"all rounded: {base:.4g} %"),
        Line(points=((top, 0.6), (top, last)), kind="rule", text=f"original: {top:.4g} %"),
    ]
    marks: list[Mark] = []
    for i, c in enumerate(d.layers):
        kind = "bad" if c.name in d.culprits else "plain"
        now, alone = at(c.floated), at(c.alone)
        lines.append(Line(points=((base, -i), (now, -i)), kind="span"))
        marks.append(
            Mark(x=alone, y=-i, kind="hollow", text=f"{c.name} alone rounded: {alone:.4g} %")
        )
        marks.append(Mark(x=now, y=-i, kind=kind, text=f"{c.name} in floats: {now:.4g} %"))
    return Chart(
        name=f"{WORDS[by]}, by the place that is not rounded",
        x=x,
        y=names_axis("", tuple(c.name for c in d.layers)),
        marks=tuple(marks),
        lines=tuple(lines),
        width=1000,
        height=70 + ROW * len(d.layers),
    )


def _row(d: Diagnosis, c: LayerCost) -> PlaceRow:
    back = d.back(c.floated)
    return PlaceRow(
        name=c.name,
        rounded=c.rounded,
        floated=_part(c.floated, d.by),
        floated_outputs=_part(c.floated, Measure.OUTPUTS),
        alone=_part(c.alone, d.by),
        alone_outputs=_part(c.alone, Measure.OUTPUTS),
        back=Part(text=f"{100 * back:.0f} %", share=back) if d.lost > 0 else None,
        hurts=c.name in d.culprits,
    )


def _setting(d: Diagnosis, s: Setting) -> SettingRow:
    return SettingRow(
        words=s.words,
        gives=s.refused if s.counts is None else scores(s.counts),
        verdict=verdict(d, s),
        good=d.mends(s.counts) and s.reachable,
    )


def _part(c: Counts, by: Measure) -> Part:
    share = c.score(by) / c.total(by)
    return Part(text=f"{100 * share:.4g} %", share=share)
