"""What a population needs that the target, or its packed format, has not."""

from collections.abc import Iterator

from snn2chip.chip.target import Target
from snn2chip.chip.wiring import Wiring
from snn2chip.errors import Finding, Severity
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation


def check_features(qc: QuantizedCircuit, target: Target, wiring: Wiring) -> tuple[Finding, ...]:
    """A finding map-feature for each thing that a population with cores needs and cannot have."""
    return tuple(
        Finding(
            code="map-feature",
            severity=Severity.ERROR,
            where=p.name,
            why=f"needs {what}",
            help=help_,
        )
        for p in qc.populations
        if p.name in wiring.links
        for what, help_ in _missing(p, target)
    )


def _missing(p: QuantizedPopulation, target: Target) -> Iterator[tuple[str, str]]:
    """(what is missing, what helps)."""
    n, widths = p.neuron, target.widths
    format_ = f"the packed format of {target.format} has no field for them yet"
    of_chip = f"{target.name} does not have it"
    if n.gain is not None:
        yield "gains on its input current", format_
    if p.bias.ndim > 3:
        yield "biases that change from step to step", format_
    if len(n.levels) > 1 and not widths.levels:
        yield "several thresholds for one neuron", of_chip
    if n.reset is Reset.SUBTRACT and not widths.subtract_reset:
        yield "a reset that subtracts", of_chip
    binary = n.emits is Emits.NOTHING or (n.emits is Emits.SPIKE and len(n.levels) == 1)
    if not binary and not widths.graded:
        yield "spikes that carry integers", of_chip
