"""A float circuit whose numbers are all dyadic as a QuantizedCircuit, exactly."""

from dataclasses import replace

import numpy as np

from snn2chip.arrays import floats, ints
from snn2chip.circuit.types import Circuit, Identity
from snn2chip.neuron import Emits
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
    QuantizedReadOut,
)

FRACTION = 2
INPUT_SCALE = 2.0**-3


def on_grid(circuit: Circuit, bits: int = 12) -> QuantizedCircuit:
    """`circuit` with weight units of 2^-bits, fraction bits, and an input in eighths."""
    scale = 2.0**-bits
    unit = scale / 2.0**FRACTION
    populations, projections = [], []
    for p in circuit.populations:
        n = p.neuron
        levels = tuple(ints(t / unit - 1) for t in n.levels)
        neuron = IntegerNeuron(
            levels=levels,
            amounts=tuple(ints(t / unit) for t in n.levels),
            delta=ints((1 - n.decay) * 4096),
            reset=n.reset,
            late_reset=False,
            emits=n.emits if p.name != circuit.readout.population else Emits.NOTHING,
        )
        populations.append(
            QuantizedPopulation(
                name=p.name,
                shape=p.shape,
                neuron=neuron,
                bias=ints(p.bias / unit),
                fraction_bits=FRACTION,
                scale=floats(np.full(p.shape[0], scale)),
                unit=1.0,
                origin=p.origin,
            )
        )
        for q in circuit.into(p.name):
            exponent = bits if isinstance(q.kernel, Identity) else 1
            source = INPUT_SCALE if q.sources == ("input",) else 1.0
            projections.append(
                QuantizedProjection(
                    name=q.name,
                    sources=q.sources,
                    target=q.target,
                    kernel=q.kernel,
                    weight=ints(q.weight * source / scale / 2**exponent),
                    exponent=exponent,
                    bits=16,
                )
            )
    return QuantizedCircuit(
        input=QuantizedInput(
            shape=circuit.input.shape,
            kind=circuit.input.kind,
            scale=INPUT_SCALE,
            bits=5,
            signed=False,
        ),
        steps=circuit.steps,
        populations=tuple(populations),
        projections=tuple(projections),
        joins=circuit.joins,
        readout=QuantizedReadOut(population=circuit.readout.population, mean=circuit.readout.mean),
        v_limit=1 << 30,
        target="none",
        provenance=circuit.provenance,
    )


def with_population(qc: QuantizedCircuit, name: str, **changes) -> QuantizedCircuit:
    """`qc` with one population changed."""
    changed = tuple(replace(p, **changes) if p.name == name else p for p in qc.populations)
    return replace(qc, populations=changed)
