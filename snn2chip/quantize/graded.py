"""How many bits of a membrane a graded output sends: 2^p membrane units are one unit of the payload."""

from collections.abc import Iterator

import numpy as np

from snn2chip import fixed
from snn2chip.circuit.types import INPUT, Circuit, Dense, Identity, Population, Projection, Shape
from snn2chip.neuron import Emits
from snn2chip.quantize.facts import Facts
from snn2chip.quantize.grid import grid_of, power
from snn2chip.quantize.neurons import Built
from snn2chip.quantize.ranges import Reach
from snn2chip.quantize.scales import Scales, limit_of
from snn2chip.quantize.types import Widths
from snn2chip.quantize.weights import weight_range

UNLIMITED = 24
"""Payload bits where the target has none: the missing feature is a finding of its own."""


def payload_shift(
    circuit: Circuit, f: Facts, s: Scales, built: Built, reach: Reach, widths: Widths
) -> int:
    """p: the finest at which the payload has its bits and no consumer's current must lose weight bits for it.

    Nor may it be so fine that a relay cannot hold it beside spikes: an Identity weighs those 2^m payload units.
    Where everything is exact, the bits below the weight unit are zeros and are not sent. 0 for neurons that spike.
    """
    if f.population.neuron.emits is not Emits.GRADED:
        return 0
    largest = int(reach.membrane.magnitude.max())
    most = (1 << ((widths.payload_bits or UNLIMITED) - 1)) - 1
    for p in circuit.projections:
        if f.population.name in p.sources:
            most = min(most, _bearable(p, f.population.shape, widths) // len(p.sources))
    shift = 0
    while int(fixed.round_half_even(np.asarray(largest), shift)) > max(most, 1):
        shift += 1
    unit = float(s.x.max()) - s.fraction_bits
    coarsest = max(_beside_spikes(circuit, f.population, widths), default=-np.inf)
    return max(shift, zero_bits(s, built), int(max(coarsest - unit, 0.0)))


def _beside_spikes(circuit: Circuit, p: Population, widths: Widths) -> Iterator[float]:
    """Exponents below which the payload's unit is too fine for a relay that also copies spikes, worth 1 each."""
    most = widths.weight_bits - 2 + widths.exponent_max
    for own in circuit.projections:
        if p.name not in own.sources or not isinstance(own.kernel, Identity):
            continue
        smallest = np.abs(own.weight[own.weight != 0]).min(initial=np.inf)
        for other in circuit.into(own.target):
            if isinstance(other.kernel, Identity) and _spikes(circuit, other.sources[0]):
                largest = np.abs(other.weight).max(initial=0.0)
                if largest and np.isfinite(smallest):
                    yield float(np.ceil(np.log2(largest / smallest))) - most


def _spikes(circuit: Circuit, source: str) -> bool:
    return source != INPUT and circuit.population(source).neuron.emits is not Emits.GRADED


def _bearable(p: Projection, shape: Shape, widths: Widths) -> int:
    """Largest payload at which the weights, with the bits that they need, cannot overflow the current."""
    rows = np.abs(p.weight).reshape(len(p.weight), -1)
    rows = rows[rows.any(1)]
    if not len(rows):
        return limit_of(widths)
    top = np.minimum(rows.max(1) / power(grid_of(rows)), weight_range(widths.weight_bits)[1])
    pooled = isinstance(p.kernel, Dense) and p.kernel.pooled
    positions = shape[1] * shape[2] if pooled else 1
    largest = float((rows.sum(1) / rows.max(1) * top).max()) * positions
    bits = widths.fraction_bits if widths.fraction_fixed else 0
    return int(limit_of(widths) / (largest * 2.0**bits))


def zero_bits(s: Scales, built: Built) -> int:
    """Low bits of the membrane that are always 0."""
    if not s.exact.all():
        return 0
    return s.fraction_bits if not (built.bias & ((1 << s.fraction_bits) - 1)).any() else 0
