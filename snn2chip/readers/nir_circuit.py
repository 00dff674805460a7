"""A Circuit as a Network, so that a `.nir` file of our own enters every command as any other model does.

Populations are neuron layers, projections convolutions, linear layers or scales before them:

    projection.weight · (summands)  ->  + other projections  ->  · gain  ->  + bias  ->  neurons
"""

import dataclasses

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import INPUT, Circuit, Conv, Dense, Population, Projection, Role
from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import (
    Add,
    BatchNorm,
    Bias,
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


def network_of(circuit: Circuit, steps: int | None = None) -> Network:
    """The Network whose lowering fires the spikes of `circuit`; neuron layers are called as its populations.

    `steps`: another T than the circuit's, refused (Snn2ChipError) where gains or biases are given step by step.
    """
    layers = _Layers(circuit)
    for p in circuit.populations:
        layers.population(p)
    layers.joins(everything=True)
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
        """All layers from the sources of one population to its neurons."""
        self.joins(everything=False)
        current = self._current(p)
        model = p.neuron
        if model.gain is not None and p.bias.any():
            # A Network's neuron scales all that it gets; the bias has to come after the gain.
            current = self._add(f"{p.name}#gain", _gain(p, self.circuit.steps), current)
            model = dataclasses.replace(model, gain=None)
        if p.bias.any():
            current = self._add(f"{p.name}#bias", Bias(bias=p.bias), current)
        self.made.append(
            Layer(name=p.name, op=Neuron(model=model, part=_part(p)), inputs=(current,))
        )

    def joins(self, *, everything: bool) -> None:
        """Add layers of the circuit's named joins whose summands are there by now."""
        there = {INPUT, *(layer.name for layer in self.made)}
        for join in self.circuit.joins:
            ready = everything or there.issuperset(join.summands)
            if ready and join.name not in there:
                self.made.append(Layer(name=join.name, op=Add(), inputs=join.summands))
                self.sums[join.summands] = join.name

    def _current(self, p: Population) -> str:
        into = self.circuit.into(p.name)
        if not into:
            raise Snn2ChipError("nir-graph", p.name, "no projection drives it")
        currents = tuple(self._projection(projection) for projection in into)
        if len(currents) == 1:
            return currents[0]
        return self._add(f"{p.name}#in", Add(), *currents)

    def _projection(self, p: Projection) -> str:
        source = self._summed(p.sources)
        if isinstance(p.kernel, Conv):
            k = p.kernel
            op: Op = Conv2d(
                weight=p.weight,
                stride=k.stride,
                padding=k.padding,
                dilation=k.dilation,
                groups=k.groups,
            )
            return self._add(p.name, op, source)
        if isinstance(p.kernel, Dense):
            if p.kernel.pooled:
                _, rows, columns = self._shape(p.sources[0])
                pool = SumPool2d(kernel=(rows, columns), stride=(rows, columns))
                source = self._add(f"{p.name}#sum", pool, source)
            return self._add(p.name, Linear(weight=p.weight), source)
        if np.all(p.weight == 1):
            return source
        return self._add(p.name, Scale(scale=floats(p.weight[:, None, None])), source)

    def _summed(self, sources: tuple[str, ...]) -> str:
        if len(sources) == 1:
            return sources[0]
        if sources not in self.sums:
            self.sums[sources] = self._add(f"{sources[-1]}#join", Add(), *sources)
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


def _gain(p: Population, steps: int) -> Op:
    gain = floats([[[1.0]]]) if p.neuron.gain is None else p.neuron.gain
    if gain.ndim == 3:
        return Scale(scale=gain)
    if gain.shape[2:] != (1, 1) or p.neuron.rounding is not None:
        raise Snn2ChipError(
            "nir-graph", p.name, "a gain per neuron and step with a bias is no network layer"
        )
    weight = np.broadcast_to(gain[:, :, 0, 0], (steps, p.shape[0]))
    zeros: FloatArray = floats(np.zeros_like(weight))
    # Exactly gain · x: nothing is subtracted and the root of 1 is 1.
    return BatchNorm(
        weight=floats(weight), bias=zeros, mean=zeros, var=floats(np.ones_like(weight)), eps=0.0
    )


def _part(p: Population) -> Part | None:
    """What the neurons stand for, where that is not a neuron layer of their own name."""
    if p.origin.role is Role.NEURON and p.origin.key == p.name:
        return None
    helper = p.origin.role in (Role.RELAY, Role.READOUT)
    return Part(layer=p.origin.key, level=p.origin.level, helper=helper)
