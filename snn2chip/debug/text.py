"""A diagnosis as lines for people."""

from collections.abc import Iterator

from snn2chip.debug.types import WORDS, Counts, Diagnosis, LayerCost, Measure, Setting
from snn2chip.inputs import few

SHOWN = 8
"""Layers that are listed; the page and --json have all."""

NAMES = {Measure.TOP1: "top-1", Measure.DECISIONS: "decisions", Measure.OUTPUTS: "outputs"}
"""What a measure is called in a line of scores."""

WIDTH = 60
"""Letters of a setting before what it gave; longer ones push it on."""


def lines_of(d: Diagnosis) -> Iterator[str]:
    """What was lost, where, and what would mend it."""
    yield from _loss(d)
    if d.layers:
        yield from _layers(d)
    if d.lost > 0 and d.mended is not None:
        yield from _bisection(d)
        yield from _settings(d)


def scores(c: Counts) -> str:
    """`top-1 90.00 %, decisions 95.00 %, outputs 99.123 %`: right, and as the original's."""
    parts = [] if c.right is None else [f"top-1 {percent(c.right, c.samples, 2)}"]
    parts.append(f"decisions {percent(c.same, c.samples, 2)}")
    return ", ".join([*parts, f"outputs {percent(c.compared - c.differing, c.compared, 3)}"])


def percent(part: int, whole: int, digits: int) -> str:
    """Rounded to the nearest, as `deploy` does, but 100 % is said of all alone.

    >>> percent(147, 180, 2), percent(99_999, 100_000, 2), percent(1, 1, 2)
    ('81.67 %', '99.99 %', '100.00 %')
    """
    below = 100 - 10**-digits if part < whole else 100
    return f"{min(100 * (part / max(whole, 1)), below):.{digits}f} %"


def headline(d: Diagnosis) -> str:
    """What rounding lost, in one sentence."""
    if not d.rounded.differing and d.rounded.same == d.rounded.samples:
        return "rounding loses nothing: every output and every decision is the original's"
    total = d.original.total(d.by)
    if d.lost <= 0:
        return f"rounding loses nothing of what is asked for: {WORDS[d.by]} are no fewer"
    if d.by is Measure.OUTPUTS and d.rounded.same == d.rounded.samples:
        return f"no decision is lost; {d.lost:,} of {total:,} single outputs differ"
    return f"rounding loses {d.lost:,} of {total:,} {WORDS[d.by]}"


def advice(d: Diagnosis) -> str:
    """What to do, in one sentence."""
    if d.best is not None and d.best.counts is not None:
        return f"{d.best.words} mends it: {scores(d.best.counts)}"
    if d.by is Measure.OUTPUTS:
        kept = d.rounded.same == d.rounded.samples
        return "no setting mends it" + ("; no decision is lost: nothing to mend" if kept else "")
    return (
        "no setting that can be said here mends it: train with the rounding in the loop "
        "(snn2chip finetune, which takes data sets by name only)"
    )


def _loss(d: Diagnosis) -> Iterator[str]:
    yield f"original  {scores(d.original)}"
    yield f"rounded   {scores(d.rounded)}   on {d.rounded.samples} samples"
    yield headline(d)
    yield from doubts(d)


def doubts(d: Diagnosis) -> list[str]:
    """What to know of the samples before a layer or a setting is believed."""
    return few(d.rounded.samples, "what decisions say") if d.lost > 0 else []


def _layers(d: Diagnosis) -> Iterator[str]:
    ranked = sorted(
        d.layers, key=lambda c: (c.floated.score(d.by), c.alone.differing), reverse=True
    )
    width = max(len(c.name) for c in ranked[:SHOWN])
    others = f"; nothing is rounded in {d.exact} others" if d.exact else ""
    yield (
        f"places that round, those first that give back most in floats ({NAMES[d.by]}), "
        f"then those that cost most outputs alone{others}"
    )
    for c in ranked[:SHOWN]:
        yield f"  {c.name:<{width}}  in floats alone: {scores(c.floated)}"
        yield f"  {'':<{width}}  rounded alone:   {scores(c.alone)}"
    if len(ranked) > SHOWN:
        yield f"  and {len(ranked) - SHOWN} more"
    if d.worst is not None:
        yield f"worst: {named(d, d.worst)}"


def named(d: Diagnosis, c: LayerCost) -> str:
    """The layer, what floating it gives back, and what rounding did to its numbers."""
    given = c.floated.score(d.by) - d.rounded.score(d.by)
    back = f" gives back {given:,} of {d.lost:,} in floats" if d.lost > 0 else ""
    return f"{c.name}{back} ({'; '.join(c.rounded)})"


def _bisection(d: Diagnosis) -> Iterator[str]:
    if d.mended is None:
        return
    names = ", ".join(d.culprits)
    yield (
        f"bisection: with {names} in floats at least {100 * d.share:g} % of it is back: "
        f"{scores(d.mended)}"
    )
    if d.worst is not None and d.worst.name not in d.culprits:
        yield f"another set than one by one, which names {d.worst.name}: several layers hurt"


def _settings(d: Diagnosis) -> Iterator[str]:
    yield "settings, each tried on these samples"
    width = min(WIDTH, max(len(s.words) for s in d.settings))
    for s in d.settings:
        gave = s.refused if s.counts is None else scores(s.counts)
        yield f"  {s.words:<{width}}  {gave}: {verdict(d, s)}"
    yield advice(d)


def verdict(d: Diagnosis, s: Setting) -> str:
    """Whether a setting mends, in words."""
    if s.counts is None:
        return "cannot be used"
    if not d.mends(s.counts):
        return "does not mend"
    return "mends" if s.reachable else "mends, but no option of ours rounds layers apart"
