"""What the numbers of a QuantizedCircuit can reach at most, from its weights: engines choose their integers by it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn2chip import fixed
from snn2chip.circuit.types import INPUT, Dense
from snn2chip.errors import StatementError
from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation, QuantizedProjection

INT64 = 1 << 62
"""Sums are refused from here on: one bit below what int64 holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Largest absolute values, for any input in the input's range.

    outputs: population (or `input`) -> (lowest, highest) output. currents: population -> |a|; drives: population ->
    |(c << f) + b|. sums: projection -> |W · Σ summands| before the exponent.
    """

    outputs: Mapping[str, tuple[int, int]]
    currents: Mapping[str, int]
    drives: Mapping[str, int]
    sums: Mapping[str, int]

    def summed(self, sources: tuple[str, ...]) -> tuple[int, int]:
        """(lowest, highest) sum of the outputs of `sources`."""
        ranges = [self.outputs[s] for s in sources]
        return sum(low for low, _ in ranges), sum(high for _, high in ranges)


def bounds(qc: QuantizedCircuit) -> Bounds:
    """Bounds of every population; a StatementError where a current could leave 64 bits."""
    outputs: dict[str, tuple[int, int]] = {INPUT: (qc.input.low, qc.input.high)}
    currents: dict[str, int] = {}
    drives: dict[str, int] = {}
    sums: dict[str, int] = {}
    known = Bounds(outputs=outputs, currents=currents, drives=drives, sums=sums)
    for p in qc.populations:
        projections = qc.into(p.name)
        for projection in projections:
            sums[projection.name] = _largest_sum(projection, known, qc)
        currents[p.name] = sum(sums[j.name] << j.exponent for j in projections)
        drives[p.name] = _drive(p, currents[p.name])
        if drives[p.name] + qc.v_limit >= INT64:
            raise StatementError(
                "range", p.name, "its current can leave 64 bits", help="use fewer fraction bits"
            )
        outputs[p.name] = _outputs(p, drives[p.name], qc.v_limit)
    return known


def _largest_sum(projection: QuantizedProjection, known: Bounds, qc: QuantizedCircuit) -> int:
    low, high = known.summed(projection.sources)
    weight = np.abs(projection.weight)
    total = weight.reshape(len(weight), -1).sum(1).max() if weight.size else 0
    if isinstance(projection.kernel, Dense) and projection.kernel.pooled:
        source = projection.sources[0]
        _, rows, columns = qc.input.shape if source == INPUT else qc.population(source).shape
        total = total * rows * columns
    return int(total) * max(high, -low)


def _drive(p: QuantizedPopulation, current: int) -> int:
    n = p.neuron
    if n.gain is not None:
        current *= int(np.abs(n.gain).max(initial=0))
    return (current << p.fraction_bits) + int(np.abs(p.bias).max(initial=0))


def _outputs(p: QuantizedPopulation, drive: int, v_limit: int) -> tuple[int, int]:
    n = p.neuron
    if n.emits is Emits.NOTHING:
        return 0, 0
    if n.emits is Emits.SPIKE:
        return 0, len(n.levels)
    if n.emits is Emits.MULTISPIKE:
        return 0, len(n.levels) * int(
            fixed.thresholds_reached(np.array(v_limit), n.multispike_shift, True)
        )
    largest = int(fixed.round_half_even(np.array(min(drive, v_limit)), n.graded_shift))
    return -largest, largest
