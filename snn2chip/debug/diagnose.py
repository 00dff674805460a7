"""From trials to a diagnosis: what is lost, layer by layer, by bisection, and what would mend it."""

from dataclasses import replace

from snn2chip.circuit.types import INPUT
from snn2chip.debug.bisect import needed
from snn2chip.debug.settings import Subject, tried
from snn2chip.debug.trials import Trials
from snn2chip.debug.types import Counts, Diagnosis, LayerCost, Measure
from snn2chip.progress import Progress
from snn2chip.quantize.types import QuantizedCircuit


def diagnose(
    trials: Trials,
    qc: QuantizedCircuit,
    subject: Subject,
    by: Measure | None,
    share: float,
    progress: Progress,
) -> Diagnosis:
    """All of a diagnosis. `by` None: the first of top-1, decisions and outputs of which rounding lost something.

    Where nothing of it was lost there is nothing to bisect or to mend; where no output differs, no layer to try.
    """
    places = frozenset(trials.places)
    with progress.stage("both ends") as done:
        original, rounded = trials.mixes([places, frozenset()], done)
    found = Diagnosis(
        by=by or measure(original, rounded),
        share=share,
        original=original,
        rounded=rounded,
        layers=(),
        culprits=(),
        mended=None,
        settings=(),
        exact=trials.exact,
    )
    if not rounded.differing and rounded.same == rounded.samples:
        return found
    found = replace(found, layers=_layers(trials, qc, progress))
    if found.lost <= 0:
        return found
    with progress.stage("bisection") as done:
        culprits = needed(
            trials.places, lambda s: trials.mixes([s], done)[0].score(found.by), found.enough
        )
        mended = trials.mixes([frozenset(culprits)], done)[0]
    settings = tried(
        subject, culprits, lambda words, qc: trials.rounding(words, qc, progress), found.mends
    )
    return replace(found, culprits=culprits, mended=mended, settings=tuple(settings))


def measure(original: Counts, rounded: Counts) -> Measure:
    """What a loss shows in: top-1 where it fell, else decisions where some changed, else single outputs."""
    lost = (m for m in Measure if rounded.score(m) < original.score(m))
    return next(lost, Measure.OUTPUTS)


def _layers(trials: Trials, qc: QuantizedCircuit, progress: Progress) -> tuple[LayerCost, ...]:
    every = frozenset(trials.places)
    one_by_one = [frozenset((name,)) for name in trials.places]
    with progress.stage("one by one") as done:
        found = trials.mixes([*one_by_one, *(every - one for one in one_by_one)], done)
    count = len(trials.places)
    costs = zip(trials.places, found[:count], found[count:], strict=True)
    return tuple(
        LayerCost(name=name, floated=floated, alone=alone, rounded=_rounded(qc, name))
        for name, floated, alone in costs
    )


def _rounded(qc: QuantizedCircuit, name: str) -> tuple[str, ...]:
    if name == INPUT:
        return (f"rounded to {qc.input.bits} bits, one is worth {qc.input.scale:.3g}",)
    return tuple(qc.loss.get(name, ())) or ("membranes: not proved never to clip",)
