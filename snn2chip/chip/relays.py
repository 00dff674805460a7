"""What relays do, as populations: the circuit that is laid out on the chip. Its meaning is that of the one without."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from snn2chip.arrays import floats, ints
from snn2chip.chip.program import Schedule
from snn2chip.chip.target import Target
from snn2chip.circuit.types import INPUT, Identity, Origin, Role, Shape
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedPopulation,
    QuantizedProjection,
)


def carries_spikes(qc: QuantizedCircuit, relays: Mapping[str, tuple[str, ...]], name: str) -> bool:
    """Whether a population, a relay or the input sends nothing but 0 and 1."""
    while name in relays:
        if len(relays[name]) > 1:
            return False
        name = relays[name][0]
    if name == INPUT:
        return qc.input.bits == 1 and not qc.input.signed
    n = qc.population(name).neuron
    return n.emits is Emits.SPIKE and len(n.levels) == 1


def relayed_on(target: Target, qc: QuantizedCircuit, schedule: Schedule) -> QuantizedCircuit:
    """As `relayed`, with the fraction bits that the target wants of every membrane."""
    widths = target.widths
    return relayed(qc, schedule, fraction_bits=widths.fraction_bits if widths.fraction_fixed else 0)


def relayed(
    qc: QuantizedCircuit, schedule: Schedule, *, fraction_bits: int = 0
) -> QuantizedCircuit:
    """`qc` with the relays of `schedule`, each before the first population that reads it.

    `fraction_bits` of their membranes: 0, or what the target fixes.
    """
    if not schedule.relays:
        return qc
    populations: dict[str, QuantizedPopulation] = {}
    for p in qc.populations:
        for q in qc.into(p.name):
            for name in _unplaced(schedule, schedule.through.get(q.name, ()), populations):
                shape = _shape(qc, populations, schedule.relays[name][0])
                populations[name] = _population(qc, schedule, name, shape, fraction_bits)
        populations[p.name] = p
    kept = [replace(q, sources=schedule.through.get(q.name, q.sources)) for q in qc.projections]
    copies = [
        _projection(name, populations[name].shape, sources)
        for name, sources in schedule.relays.items()
    ]
    return replace(qc, populations=tuple(populations.values()), projections=tuple(kept + copies))


def _unplaced(
    schedule: Schedule, sources: tuple[str, ...], placed: Mapping[str, QuantizedPopulation]
) -> Iterator[str]:
    """The relays among `sources`, those which they read before them."""
    for name in dict.fromkeys(sources):
        if name in schedule.relays and name not in placed:
            yield from _unplaced(schedule, schedule.relays[name], placed)
            yield name


def _shape(
    qc: QuantizedCircuit, populations: Mapping[str, QuantizedPopulation], name: str
) -> Shape:
    return qc.input.shape if name == INPUT else populations[name].shape


def _population(
    qc: QuantizedCircuit, schedule: Schedule, name: str, shape: Shape, fraction_bits: int
) -> QuantizedPopulation:
    nothing = ints(np.zeros((1, 1, 1), np.int64))
    spikes = carries_spikes(qc, schedule.relays, name)
    neuron = IntegerNeuron(
        levels=(nothing,),
        amounts=(nothing,),
        delta=nothing,
        reset=Reset.ZERO,
        late_reset=False,
        emits=Emits.SPIKE if spikes else Emits.GRADED,
        graded_shift=0 if spikes else fraction_bits,
    )
    return QuantizedPopulation(
        name=name,
        shape=shape,
        neuron=neuron,
        bias=nothing,
        fraction_bits=fraction_bits,
        scale=floats(np.ones(shape[0])),
        unit=1.0,
        origin=Origin(layer=name, role=Role.RELAY),
    )


def _projection(name: str, shape: Shape, sources: tuple[str, ...]) -> QuantizedProjection:
    return QuantizedProjection(
        name=f"->{name}",
        sources=sources,
        target=name,
        kernel=Identity(),
        weight=ints(np.ones(shape[0], np.int64)),
        exponent=0,
        bits=2,
    )
