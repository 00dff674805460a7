"""The twin: a quantized circuit as a float circuit whose float64 run is exactly the integer one.

Grid values as floats, and the chip's rounding of decays, gains and graded outputs carried as data
(ChipRounding). Run by the circuit engine, which shares no code with the integer arithmetic.

Units: where the scales of a population are powers of two, a membrane unit of its twin is worth what it is in the source
(2^-f · scale); where they are free, and where the membrane itself is sent (graded), the twin counts in whole
units instead, so that everything stays exact and its outputs are the integers. `membrane_unit` says which.
"""

from collections.abc import Mapping

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import INPUT, Circuit, CircuitReadOut, Input, Population, Projection
from snn2chip.neuron import ChipRounding, Compare, Emits, NeuronModel
from snn2chip.quantize.grid import is_power_of_two
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation, QuantizedProjection


def twin(qc: QuantizedCircuit) -> Circuit:
    """The float circuit that fires exactly the spikes of `qc` on `dequantize_input(qc.input, integers)`."""
    scales = {p.name: weight_unit(p) for p in qc.populations}
    return Circuit(
        input=Input(
            shape=qc.input.shape,
            kind=qc.input.kind,
            scale=qc.input.scale,
            bits=qc.input.bits,
            signed=qc.input.signed,
        ),
        steps=qc.steps,
        populations=tuple(twin_population(p, qc.v_limit) for p in qc.populations),
        projections=tuple(twin_projection(p, scales, qc.input.scale) for p in qc.projections),
        joins=qc.joins,
        readout=CircuitReadOut(population=qc.readout.population, mean=qc.readout.mean),
        provenance=qc.provenance,
    )


def membrane_unit(p: QuantizedPopulation) -> FloatArray:
    """[C,1,1]: worth of one membrane unit in the twin."""
    return (weight_unit(p) / 2.0**p.fraction_bits)[:, None, None]


def weight_unit(p: QuantizedPopulation) -> FloatArray:
    """[C]: worth of one weight unit in the twin."""
    if p.neuron.emits is Emits.GRADED:
        return np.full(p.shape[0], 2.0 ** (p.fraction_bits - p.neuron.graded_shift))
    return p.scale if is_power_of_two(p.scale) else np.ones(p.shape[0])


def twin_projection(
    p: QuantizedProjection, scales: Mapping[str, FloatArray], input_scale: float
) -> Projection:
    """`p` with weights worth what they are in the twin's units; sources send 1 per integer, the input its scale."""
    unit = scales[p.target] * 2.0**p.exponent / (input_scale if p.sources[0] == INPUT else 1.0)
    return Projection(
        name=p.name,
        sources=p.sources,
        target=p.target,
        kernel=p.kernel,
        weight=floats(p.weight * unit.reshape(-1, *(1,) * (p.weight.ndim - 1))),
    )


def twin_population(p: QuantizedPopulation, v_limit: int) -> Population:
    """`p` in floats, with the rounding of the chip as data."""
    n, unit = p.neuron, membrane_unit(p)
    multispike = n.emits is Emits.MULTISPIKE
    thresholds = n.amounts if multispike else n.levels
    model = NeuronModel(
        levels=tuple(floats(x * unit) for x in thresholds),
        decay=floats((4096 - n.delta) / 4096),
        compare=Compare.GREATER_EQUAL if multispike and n.multispike_ge else Compare.GREATER,
        reset=n.reset,
        late_reset=n.late_reset,
        emits=n.emits,
        v_min=None if n.v_min is None else n.v_min * float(unit.flat[0]),
        gain=None if n.gain is None else floats(n.gain / 2.0**n.gain_shift),
        rounding=ChipRounding(
            unit=floats(unit),
            decay_4096=floats(4096.0 - n.delta),
            v_limit=v_limit,
            current_unit=floats(weight_unit(p)[:, None, None]),
            gain_divisor=1,
            graded_divisor=1 << n.graded_shift,
            amounts=tuple(floats(x * unit) for x in n.amounts),
        ),
    )
    return Population(
        name=p.name, shape=p.shape, neuron=model, bias=floats(p.bias * unit), origin=p.origin
    )
