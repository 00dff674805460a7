"""A folded network as a module that trains on the chip's grid: what it computes is what the chip computes.

Forward, weights, biases, thresholds, decays and the input are the chip's, in real units: sums of grid values are exact
in float32 while they are below 2^24 units. Backward, rounding counts as the identity where it does not clip (the
straight-through estimator of Bengio et al. 2013, arXiv 1308.3432), and firing has a surrogate gradient.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from snn2chip.arrays import FloatArray, floats
from snn2chip.network.ops import convolve, evaluate, folded
from snn2chip.network.types import INPUT, Conv2d, Layer, Linear, Network, Neuron
from snn2chip.quantize.types import QuantizedInput
from snn2chip.training.folded import Grid, LayerGrid, NeuronGrid
from snn2chip.training.folded_neurons import (
    NeuronLayer,
    arrays_of,
    grid_of_arrays,
    single,
    through,
)
from snn2chip.zoo.surrogates import Surrogate


class _Kernel(nn.Module):
    """A convolution or linear layer: weight and bias (if it has one) as parameters, their grid as buffers."""

    unit: Tensor
    bias_unit: Tensor

    def __init__(self, op: Conv2d | Linear, grid: LayerGrid) -> None:
        super().__init__()
        self.op = op
        self.weight = nn.Parameter(single(op.weight))
        self.bias = None if op.bias is None else nn.Parameter(single(op.bias))
        self.register_buffer("unit", torch.tensor(grid.unit))
        self.register_buffer("bias_unit", torch.tensor(grid.bias_unit))

    def forward(self, x: Tensor, low: int, high: int) -> Tensor:
        """On the grid of integers in low … high; unrounded where they are equal."""
        weight, bias = self.weight, self.bias
        if low != high:
            unit, bias_unit = self.unit.to(x.dtype), self.bias_unit.to(x.dtype)
            weight = through((weight / unit).clamp(low, high)) * unit
            bias = None if bias is None else through(bias / bias_unit) * bias_unit
        if isinstance(self.op, Conv2d):
            op = self.op
            return folded(lambda y: convolve(op, y, weight, bias), x)
        return folded(lambda y: functional.linear(y.flatten(1), weight, bias)[..., None, None], x)


class FoldedNet(nn.Module):
    """Weights and biases of a folded network, and gains of single steps, as parameters.

    `chip` False: it computes the float network. Images [N, C, H, W] or frames [T, N, C, H, W] to answers
    [N, classes].
    """

    low: int
    high: int
    chip: bool
    layers: nn.ModuleList

    def __init__(
        self, network: Network, surrogate: Surrogate, input: QuantizedInput, grid: Grid
    ) -> None:
        super().__init__()
        self.network = network
        self.input = input
        self.low, self.high, self.chip = grid.low, grid.high, True
        self.names: dict[str, int] = {}
        self.layers = nn.ModuleList()
        for layer in network.layers:
            if isinstance(layer.op, Conv2d | Linear):
                self._add(layer.name, _Kernel(layer.op, grid.layers[layer.name]))
            elif isinstance(layer.op, Neuron):
                neurons = grid.neurons[layer.name]
                self._add(layer.name, NeuronLayer(layer.op, neurons, network.steps, surrogate))

    def use(self, grid: Grid) -> None:
        """Compute on this grid from now on."""
        for name, g in grid.layers.items():
            _copy(self._of(name), {"unit": g.unit, "bias_unit": g.bias_unit})
        for name, g in grid.neurons.items():
            _copy(self._of(name), arrays_of(g))

    def grid(self) -> Grid:
        """The grid that it computes on."""
        layers: dict[str, LayerGrid] = {}
        neurons: dict[str, NeuronGrid] = {}
        for name in self.names:
            held = {k: floats(v.cpu().numpy()) for k, v in self._of(name).named_buffers()}
            if isinstance(self._of(name), _Kernel):
                layers[name] = LayerGrid(unit=held["unit"], bias_unit=held["bias_unit"])
            else:
                neurons[name] = grid_of_arrays(held)
        return Grid(layers=layers, neurons=neurons, low=self.low, high=self.high)

    def trained(self) -> Network:
        """The network with the weights and biases of now, unrounded."""
        return replace(self.network, layers=tuple(self._now(x) for x in self.network.layers))

    def forward(self, x: Tensor) -> Tensor:
        """Answers: the read-out's sum or mean over the steps."""
        values = {INPUT: self._entered(x if x.dim() == 5 else x[None])}
        low, high = (self.low, self.high) if self.chip else (0, 0)
        for layer in self.network.layers:
            sources = [values[name] for name in layer.inputs]
            if isinstance(layer.op, Neuron):
                values[layer.name] = self._of(layer.name)(sources[0], self.chip)
            elif isinstance(layer.op, Conv2d | Linear):
                values[layer.name] = self._of(layer.name)(sources[0], low, high)
            else:
                values[layer.name] = evaluate(layer.op, sources)
        answer = values[self.network.readout.layer].mean(0).flatten(1)
        return answer if self.network.readout.mean else answer * self.network.steps

    def _add(self, name: str, module: nn.Module) -> None:
        self.names[name] = len(self.layers)
        self.layers.append(module)

    def _of(self, name: str) -> nn.Module:
        return self.layers[self.names[name]]

    def _entered(self, x: Tensor) -> Tensor:
        q = self.input
        return (x / q.scale).round().clamp(q.low, q.high) * q.scale if self.chip else x

    def _now(self, layer: Layer) -> Layer:
        held, op = self._of(layer.name) if layer.name in self.names else None, layer.op
        if isinstance(held, NeuronLayer) and isinstance(op, Neuron) and held.gain is not None:
            model = replace(op.model, gain=_array(held.gain))
            return replace(layer, op=replace(op, model=model, bias=_array(held.own_bias)))
        if not isinstance(held, _Kernel) or not isinstance(op, Conv2d | Linear):
            return layer
        bias = None if held.bias is None else _array(held.bias)
        return replace(layer, op=replace(op, weight=_array(held.weight), bias=bias))


def _copy(module: nn.Module, arrays: Mapping[str, FloatArray]) -> None:
    for name, array in arrays.items():
        buffer = module.get_buffer(name)
        setattr(module, name, torch.tensor(array, device=buffer.device))


def _array(parameter: Tensor) -> FloatArray:
    return floats(parameter.detach().cpu().numpy().astype(np.float64))
