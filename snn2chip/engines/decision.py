"""The answer of a run, in the source's own units."""

from collections.abc import Mapping

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs


def decide(
    qc: QuantizedCircuit, outputs: Mapping[str, Outputs], potentials: Mapping[str, Outputs]
) -> FloatArray:
    """[N, classes]: the read-out's potentials (or its spikes summed over T) in real units, / T if it is a mean."""
    population = qc.population(qc.readout.population)
    if population.neuron.emits is Emits.NOTHING:
        unit = population.scale[:, None, None] / 2.0**population.fraction_bits
        answer = potentials[population.name] * unit
    else:
        answer = outputs[population.name].sum(0, dtype=np.int64) * population.unit
    flat = answer.reshape(len(answer), -1).astype(np.float64)
    return flat / qc.steps if qc.readout.mean else flat
