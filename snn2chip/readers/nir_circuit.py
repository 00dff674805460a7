"""A Circuit as a Network, so that a `.nir` file of our own enters every command as any other model does.

Populations are neuron layers, projections convolutions, linear layers or scales before them:

    projection.weight · (summands)  ->  + other projections  ->  · gain  ->  + bias  ->  neurons
"""

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import (
    INPUT,
    Circuit,
    Conv,
    Dense,
    Identity,
    Population,
    Projection,
    Role,
)
from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import (
    Add,
    Conv2d,
    Layer,
    Linear,
    Network,
    NetworkInput,
    Neuron,
    Op,
    Part,
    ReadOut,
    Scale,
    SumPool2d,
)
from snn2chip.neuron import Emits


def network_of(circuit: Circuit, steps: int | None = None) -> Network:
    """The Network whose lowering fires the spikes of `circuit`; neuron layers are called as its populations.

    A named join that no projection sums has no place in a Network, where every layer leads to the answer.
    `steps`: another T than the circuit's, refused (Snn2ChipError) where gains or biases are given step by step.
    """
    layers = _Layers(circuit)
    for p in circuit.populations:
        layers.population(p)
    return Network(
        input=NetworkInput(shape=circuit.input.shape, kind=circuit.input.kind),
        steps=_steps(circuit, steps),
        layers=tuple(layers.made),
        readout=ReadOut(layer=circuit.readout.population, mean=circuit.readout.mean),
        provenance=circuit.provenance,
    )


def _steps(circuit: Circuit, steps: int | None) -> int:
    if steps is None or steps == circuit.steps:
        return circuit.steps
    for p in circuit.populations:
        if p.bias.ndim == 4 or (p.neuron.gain is not None and p.neuron.gain.ndim == 4):
            raise Snn2ChipError(
                "nir-steps",
                p.name,
                "its gains or biases are given step by step",
                have=f"{steps} steps",
                need=str(circuit.steps),
            )
    return steps


class _Layers:
    """Layers in order; names of populations and joins are reserved, the rest gives way."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.made: list[Layer] = []
        self.taken = {
            INPUT,
            *(p.name for p in circuit.populations),
            *(j.name for j in circuit.joins),
        }
        self.sums: dict[tuple[str, ...], str] = {}

    def population(self, p: Population) -> None:
        """All layers from the sources of one population to its neurons; a plain read-out is its linear layer alone."""
        if _is_sum(self.circuit, p):
            self._readout(p, self.circuit.into(p.name)[0])
            return
        op = Neuron(model=p.neuron, bias=p.bias, part=_part(p))
        self.made.append(Layer(name=p.name, op=op, inputs=(self._current(p),)))

    def _readout(self, p: Population, projection: Projection) -> None:
        source = self._source(projection)
        bias = floats(np.broadcast_to(p.bias, (p.shape[0], 1, 1))[:, 0, 0])
        op = _kernel(projection, bias if p.bias.any() else None)
        self.made.append(Layer(name=p.name, op=op, inputs=(source,)))

    def _current(self, p: Population) -> str:
        into = self.circuit.into(p.name)
        if not into:
            raise Snn2ChipError("nir-graph", p.name, "no projection drives it")
        currents = tuple(self._projection(projection) for projection in into)
        if len(currents) == 1:
            return currents[0]
        return self._add(f"{p.name}#in", Add(), *currents)

    def _projection(self, p: Projection) -> str:
        return self._add(p.name, _kernel(p, None), self._source(p))

    def _source(self, p: Projection) -> str:
        """What the kernel of a projection reads."""
        source = self._summed(p.sources)
        if not isinstance(p.kernel, Dense) or not p.kernel.pooled:
            return source
        _, rows, columns = self._shape(p.sources[0])
        pool = SumPool2d(kernel=(rows, columns), stride=(rows, columns))
        return self._add(f"{p.name}#sum", pool, source)

    def _summed(self, sources: tuple[str, ...]) -> str:
        """The source itself, or the sum of several: the circuit's join of these summands, else one of its own."""
        if len(sources) == 1:
            return sources[0]
        if sources not in self.sums:
            join = next((j.name for j in self.circuit.joins if j.summands == sources), None)
            if join is None:
                self.sums[sources] = self._add(f"{sources[-1]}#join", Add(), *sources)
            else:
                self.made.append(Layer(name=join, op=Add(), inputs=sources))
                self.sums[sources] = join
        return self.sums[sources]

    def _shape(self, name: str) -> tuple[int, int, int]:
        return self.circuit.input.shape if name == INPUT else self.circuit.population(name).shape

    def _add(self, wish: str, op: Op, *inputs: str) -> str:
        name, number = wish, 1
        while name in self.taken:
            number += 1
            name = f"{wish}~{number}"
        self.taken.add(name)
        self.made.append(Layer(name=name, op=op, inputs=inputs))
        return name


def _kernel(p: Projection, bias: FloatArray | None) -> Conv2d | Linear | Scale:
    k = p.kernel
    if isinstance(k, Conv):
        return Conv2d(
            weight=p.weight,
            bias=bias,
            stride=k.stride,
            padding=k.padding,
            dilation=k.dilation,
            groups=k.groups,
        )
    if isinstance(k, Dense):
        return Linear(weight=p.weight, bias=bias)
    # Also of weight 1: a plain sum of spikes would be a join that the circuit has no name for.
    return Scale(scale=floats(p.weight[:, None, None]))


def _is_sum(circuit: Circuit, p: Population) -> bool:
    """Whether a population is what lowering makes of a network's last linear layer: its sum over the steps."""
    m, into = p.neuron, circuit.into(p.name)
    keeps = bool(np.all(m.decay == 1)) and m.gain is None and m.rounding is None
    one = len(into) == 1 and into[0].name == p.name and not isinstance(into[0].kernel, Identity)
    even = p.bias.ndim == 3 and p.bias.shape[1:] == (1, 1)
    return (
        p.name == circuit.readout.population and m.emits is Emits.NOTHING and keeps and one and even
    )


def _part(p: Population) -> Part | None:
    """What the neurons stand for, where they are neither a neuron layer of the paper nor the answer."""
    if p.origin.role not in (Role.GATE, Role.RELAY):
        return None
    return Part(layer=p.origin.key, level=p.origin.level, helper=p.origin.role is Role.RELAY)
