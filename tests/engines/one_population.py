"""A circuit of one population, driven by frames through one projection."""

import numpy as np

from snn2chip.arrays import floats, ints
from snn2chip.circuit.types import INPUT, Identity, InputKind, Kernel, Origin, Provenance, Role
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
    QuantizedReadOut,
)

ZERO = ints([[[0]]])
RELAY = IntegerNeuron(
    levels=(ZERO,),
    amounts=(ZERO,),
    delta=ZERO,
    reset=Reset.ZERO,
    late_reset=False,
    emits=Emits.GRADED,
)
"""Sends its current on as it is."""


def one_population(
    neuron: IntegerNeuron,
    frames: np.ndarray,
    kernel: Kernel | None = None,
    weight: np.ndarray | None = None,
    *,
    shape: tuple[int, int, int] | None = None,
    bias: np.ndarray = ZERO,
    exponent: int = 0,
) -> QuantizedCircuit:
    """Population `n` behind frames [T, N, C, H, W]; without a kernel each pixel drives its own neuron."""
    source = frames.shape[2:]
    weight = np.ones(source[0]) if weight is None else weight
    population = QuantizedPopulation(
        name="n",
        shape=shape or source,
        neuron=neuron,
        bias=ints(bias),
        fraction_bits=0,
        scale=floats(np.ones((shape or source)[0])),
        unit=1.0,
        origin=Origin(layer="n", role=Role.NEURON),
    )
    projection = QuantizedProjection(
        name="w",
        sources=(INPUT,),
        target="n",
        kernel=kernel or Identity(),
        weight=ints(weight),
        exponent=exponent,
        bits=9,
    )
    return QuantizedCircuit(
        input=QuantizedInput(shape=source, kind=InputKind.FRAMES, scale=1.0, bits=25, signed=True),
        steps=len(frames),
        populations=(population,),
        projections=(projection,),
        joins=(),
        readout=QuantizedReadOut(population="n", mean=False),
        v_limit=(1 << 23) - 1,
        target="none",
        provenance=Provenance(path="", sha256="", system="test", arch="one population"),
    )
