"""What a population needs that the target has not."""

from collections.abc import Iterator

from snn2chip.chip.target import Target, available, load_target
from snn2chip.chip.wiring import Wiring
from snn2chip.errors import Finding, Severity
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.neurons import compact
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation


def check_features(qc: QuantizedCircuit, target: Target, wiring: Wiring) -> tuple[Finding, ...]:
    """A finding map-feature for each thing that a population with cores needs and cannot have."""
    return tuple(
        Finding(
            code="map-feature",
            severity=Severity.ERROR,
            where=p.name,
            why=f"needs {what}",
            help=f"{target.name} does not have it; {_who_has(p, what)}",
        )
        for p in qc.populations
        if p.name in wiring.links
        for what in _missing(p, target)
    )


def _who_has(p: QuantizedPopulation, what: str) -> str:
    """Which of the shipped targets have what the population needs."""
    having = [name for name in available() if what not in _missing(p, load_target(name))]
    return f"targets that do: {', '.join(having) or 'none that comes with snn2chip'}"


def _missing(p: QuantizedPopulation, target: Target) -> Iterator[str]:
    n, widths = p.neuron, target.widths
    stepwise = any(x is not None and compact(x, p.shape).ndim == 4 for x in (p.bias, n.gain))
    if n.gain is not None and not widths.gain_bits:
        yield "gains on its input current"
    if stepwise and not widths.per_step:
        yield "gains or biases that change from step to step"
    if len(n.levels) > 1 and not widths.levels:
        yield "several thresholds for one neuron"
    if n.reset is Reset.SUBTRACT and not widths.subtract_reset:
        yield "a reset that subtracts"
    binary = n.emits is Emits.NOTHING or (n.emits is Emits.SPIKE and len(n.levels) == 1)
    if not binary and not widths.graded:
        yield "spikes that carry integers"
