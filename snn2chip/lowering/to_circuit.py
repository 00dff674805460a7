"""The last pass: neurons become populations, what feeds them becomes projections, joins become tuples of summands.

    a ─┐                                       a ──┐
       ├─▶ + (x#out) ─▶ conv ─▶ neurons sn      b ──┴─▶ [conv: one weight on the sum a + b] ─▶ population sn
    b ─┘                                ⇒
                                                Join(x#out, summands (a, b))

The current of every population is Σ_projections W·(Σ sources) + bias, the same sum as before. Populations are
called as their layers of neurons, projections as their convolutions or linear layers. A summand that counts m times
(joins of joins) has a projection of its own with m·W; so have the input and graded neurons, because they have other
units than spikes. What the network answers, if it is a current, becomes a population that only accumulates.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import (
    Circuit,
    CircuitReadOut,
    Input,
    Join,
    Origin,
    Population,
    Projection,
    Role,
)
from snn2chip.lowering.currents import Current, Reader, Term, Unmergeable
from snn2chip.lowering.graph import Report
from snn2chip.network.ranges import spiking_layers
from snn2chip.network.shapes import shapes
from snn2chip.network.types import INPUT, Add, Conv2d, Layer, Linear, Network, Neuron
from snn2chip.neuron import Emits, NeuronModel, Reset

_READOUT = NeuronModel(emits=Emits.NOTHING, reset=Reset.NONE)


def to_circuit(network: Network, report: Report) -> Circuit | None:
    """The circuit, or None after findings."""
    layers = {layer.name: layer for layer in network.layers}
    reader = Reader(layers=layers, shapes=shapes(network), spiking=spiking_layers(network))
    populations: list[Population] = []
    projections: list[Projection] = []
    names: set[str] = set()
    for layer in network.layers:
        if isinstance(layer.op, Neuron):
            current = _current(reader, layer.inputs[0], report)
            if current is not None:
                populations.append(_population(layer, layer.op, current, reader))
                projections += _projections(layer.name, current.terms, reader, names)
    readout = network.readout.layer
    if not isinstance(layers[readout].op, Neuron):
        current = _current(reader, readout, report)
        if current is not None:
            name = _readout_name(reader, readout, {p.name for p in populations})
            populations.append(_readout(name, current, reader.shapes[readout]))
            projections += _projections(name, current.terms, reader, names)
            readout = name
    if report.findings:
        return None
    return Circuit(
        input=Input(shape=network.input.shape, kind=network.input.kind),
        steps=network.steps,
        populations=tuple(populations),
        projections=tuple(projections),
        joins=_joins(network, reader),
        readout=CircuitReadOut(population=readout, mean=network.readout.mean),
        provenance=network.provenance,
    )


def _current(reader: Reader, name: str, report: Report) -> Current | None:
    try:
        return reader.current(name)
    except Unmergeable as error:
        report.refuse("lower-linear", error.name, "no projection can say what this layer does here")
        return None


def _population(layer: Layer, op: Neuron, current: Current, reader: Reader) -> Population:
    gain = 1.0 if op.model.gain is None else op.model.gain
    bias = gain * current.bias + (0.0 if op.bias is None else op.bias)
    return Population(
        name=layer.name,
        shape=reader.shapes[layer.name],
        neuron=op.model,
        bias=floats(bias),
        origin=_origin(layer.name, op),
    )


def _origin(name: str, op: Neuron) -> Origin:
    if op.part is not None:
        role = Role.RELAY if op.part.helper else Role.GATE
        return Origin(layer=op.part.layer, role=role, level=op.part.level)
    if op.model.emits is Emits.NOTHING:
        return Origin(layer=name, role=Role.READOUT)
    path, _, call = name.rpartition("@")
    if path and call.isdigit():
        return Origin(layer=path, role=Role.NEURON, call=int(call))
    return Origin(layer=name, role=Role.NEURON)


def _readout(name: str, current: Current, shape: tuple[int, int, int]) -> Population:
    origin = Origin(layer=name, role=Role.READOUT)
    return Population(name=name, shape=shape, neuron=_READOUT, bias=current.bias, origin=origin)


def _readout_name(reader: Reader, readout: str, taken: Iterable[str]) -> str:
    """The last linear layer's name, or the read-out's own."""
    name, layer = readout, reader.layers.get(readout)
    while layer is not None and not isinstance(layer.op, Conv2d | Linear):
        layer = reader.layers.get(layer.inputs[0])
    if layer is not None and readout not in reader.spiking:
        name = layer.name
    return f"{name}#read" if name in taken or name in reader.spiking else name


def _projections(
    target: str, terms: tuple[Term, ...], reader: Reader, names: set[str]
) -> list[Projection]:
    found: list[Projection] = []
    for term in terms:
        for sources, weight in _groups(term, reader):
            name = _unique(term.layer or f"{target}#in", names)
            found.append(
                Projection(
                    name=name, sources=sources, target=target, kernel=term.kernel, weight=weight
                )
            )
    return found


def _groups(term: Term, reader: Reader) -> list[tuple[tuple[str, ...], FloatArray]]:
    """Summands of one unit and multiplicity, with their weight."""
    grouped: dict[tuple[str, int], list[str]] = {}
    for name, count in term.sources.items():
        grouped.setdefault((_unit(name, reader), count), []).append(name)
    return [
        (tuple(sources), floats(term.weight * count)) for (_, count), sources in grouped.items()
    ]


def _unit(name: str, reader: Reader) -> str:
    """What one unit of the output is worth: spikes all the same, the input and graded neurons each their own."""
    op = None if name == INPUT else reader.layers[name].op
    graded = isinstance(op, Neuron) and op.model.emits is Emits.GRADED
    return name if name == INPUT or graded else ""


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}#{number}"
    taken.add(candidate)
    return candidate


def _joins(network: Network, reader: Reader) -> tuple[Join, ...]:
    """Sums of outputs that are worth the same; those in front of graded relays are not."""
    sums = (x for x in network.layers if isinstance(x.op, Add) and x.name in reader.spiking)
    sources = {layer.name: reader.sources(layer.name) for layer in sums}
    return tuple(
        Join(name=name, summands=tuple(_expanded(found)))
        for name, found in sources.items()
        if len({_unit(x, reader) for x in found}) == 1
    )


def _expanded(sources: Counter[str]) -> list[str]:
    return list(np.repeat(list(sources), list(sources.values())).tolist())
