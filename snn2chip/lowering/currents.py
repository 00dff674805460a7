"""What feeds a layer of neurons: a sum of kernels on sums of populations, and a constant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import Dense, Identity, Kernel
from snn2chip.lowering.compose import kernel_of, per_channel
from snn2chip.lowering.merge_linear import is_whole
from snn2chip.network.types import (
    INPUT,
    Add,
    AvgPool2d,
    Bias,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    Neuron,
    Scale,
    Shape,
    SumPool2d,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Term:
    """One kernel on the sum of `sources`: how often each population (or INPUT) counts. `layer` names it."""

    sources: Counter[str]
    kernel: Kernel
    weight: FloatArray
    layer: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Current:
    """Σ terms + bias (broadcasts against (C, H, W), or leads with T)."""

    terms: tuple[Term, ...]
    bias: FloatArray


class Unmergeable(Exception):
    """A layer that no kernel of the circuit can say; `name` is the layer's."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads the currents of a network whose layers, shapes and spiking layers are known."""

    layers: Mapping[str, Layer]
    shapes: Mapping[str, Shape]
    spiking: Mapping[str, float]

    def sources(self, name: str) -> Counter[str]:
        """Populations whose outputs add up to the value `name`, with multiplicity."""
        if name == INPUT:
            return Counter({INPUT: 1})
        layer = self.layers[name]
        if isinstance(layer.op, Neuron):
            return Counter({name: 1})
        if not isinstance(layer.op, Add | Flatten) or name not in self.spiking:
            raise Unmergeable(name=name)
        total: Counter[str] = Counter()
        for source in layer.inputs:
            total.update(self.sources(source))
        return total

    def current(self, name: str) -> Current:
        """The value `name` as kernels and a constant. Raises Unmergeable."""
        if name == INPUT or name in self.spiking:
            return self._kernel(name, Identity(), np.ones(self.shapes[name][0]), None, name)
        layer = self.layers[name]
        op = layer.op
        if isinstance(op, Add):
            parts = [self.current(x) for x in layer.inputs]
            terms = tuple(t for part in parts for t in part.terms)
            return Current(terms=terms, bias=floats(sum(part.bias for part in parts)))
        if isinstance(op, Bias):
            inner = self.current(layer.inputs[0])
            return Current(terms=inner.terms, bias=floats(inner.bias + op.bias))
        if isinstance(op, Conv2d):
            return self._kernel(layer.inputs[0], kernel_of(op), op.weight, op.bias, name)
        if isinstance(op, Linear):
            return self._dense(layer, op)
        if isinstance(op, Scale):
            weight = per_channel(op.scale, self.shapes[layer.inputs[0]])
            if weight is not None:
                return self._kernel(layer.inputs[0], Identity(), weight, None, name)
        raise Unmergeable(name=name)

    def _dense(self, layer: Layer, op: Linear) -> Current:
        (source,) = layer.inputs
        while source != INPUT and isinstance(self.layers[source].op, Flatten):
            (source,) = self.layers[source].inputs
        pool = None if source == INPUT else self.layers[source].op
        if not isinstance(pool, AvgPool2d | SumPool2d):
            return self._kernel(source, Dense(), op.weight, op.bias, layer.name)
        (pooled,) = self.layers[source].inputs
        if not is_whole(pool, self.shapes[pooled]):
            raise Unmergeable(name=source)
        positions = pool.kernel[0] * pool.kernel[1] if isinstance(pool, AvgPool2d) else 1
        weight = op.weight / positions
        return self._kernel(pooled, Dense(pooled=True), weight, op.bias, layer.name)

    def _kernel(
        self,
        source: str,
        kernel: Kernel,
        weight: FloatArray,
        bias: FloatArray | None,
        name: str | None,
    ) -> Current:
        named = None if isinstance(kernel, Identity) and name == source else name
        term = Term(sources=self.sources(source), kernel=kernel, weight=floats(weight), layer=named)
        constant = np.zeros((1, 1, 1)) if bias is None else bias[:, None, None]
        return Current(terms=(term,), bias=floats(constant))
