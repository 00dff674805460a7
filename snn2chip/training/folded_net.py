"""A folded network as a module that trains on the chip's grid: what it computes is what the chip computes.

Forward, weights, biases, thresholds, decays and the input are the chip's, in real units: sums of grid values are exact
in float32 while they are below 2^24 units. Backward, rounding counts as the identity where it does not clip (the
straight-through estimator of Bengio et al. 2013, arXiv 1308.3432), and firing has a surrogate gradient.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from snn2chip.arrays import FloatArray, floats
from snn2chip.network.ops import convolve, evaluate, folded
from snn2chip.network.types import INPUT, Conv2d, Layer, Linear, Network, Neuron
from snn2chip.neuron import Compare, Reset
from snn2chip.quantize.types import QuantizedInput
from snn2chip.training.folded import Grid, NeuronGrid
from snn2chip.zoo.surrogate import Surrogate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Neurons:
    """Tensors of one layer; `keep` of 4096, `unit` 0: nothing is rounded."""

    thresholds: tuple[Tensor, ...]
    amounts: tuple[Tensor, ...]
    keep: Tensor
    unit: Tensor
    bias: Tensor


class FoldedNet(nn.Module):
    """Weights and biases of a folded network as parameters.

    Without a grid (`use(None)`) it computes the float network. Images [N, C, H, W] or frames [T, N, C, H, W] to answers
    [N, classes].
    """

    def __init__(self, network: Network, surrogate: Surrogate, input: QuantizedInput) -> None:
        super().__init__()
        self.network, self.surrogate, self.input = network, surrogate, input
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        self.kernels = {
            x.name: x.op for x in network.layers if isinstance(x.op, Conv2d | Linear)
        }
        self.number = {name: i for i, name in enumerate(self.kernels)}
        for op in self.kernels.values():
            bias = np.zeros(len(op.weight)) if op.bias is None else op.bias
            self.weights.append(nn.Parameter(_tensor(op.weight)))
            self.biases.append(nn.Parameter(_tensor(bias)))
        self.grid: Grid | None = None
        self.units = nn.ParameterList()

    def use(self, grid: Grid | None) -> None:
        """Compute on this grid from now on."""
        self.grid = grid

    def trained(self) -> Network:
        """The network with the weights and biases of now, unrounded."""
        layers = tuple(self._now(x) for x in self.network.layers)
        return replace(self.network, layers=layers)

    def forward(self, x: Tensor) -> Tensor:
        """Answers: the read-out's sum or mean over the steps."""
        steps = self.network.steps
        values = {INPUT: self._entered(x if x.dim() == 5 else x[None])}
        for layer in self.network.layers:
            sources = [values[name] for name in layer.inputs]
            if isinstance(layer.op, Neuron):
                values[layer.name] = self._fired(layer, layer.op, sources[0])
            elif isinstance(layer.op, Conv2d | Linear):
                values[layer.name] = self._weighted(layer.name, layer.op, sources[0])
            else:
                values[layer.name] = evaluate(layer.op, sources)
        answer = values[self.network.readout.layer].mean(0).flatten(1)
        return answer if self.network.readout.mean else answer * steps

    def _entered(self, x: Tensor) -> Tensor:
        if self.grid is None:
            return x
        q = self.input
        return (x / q.scale).round().clamp(q.low, q.high) * q.scale

    def _weighted(self, name: str, op: Conv2d | Linear, x: Tensor) -> Tensor:
        weight, bias = self.weights[self.number[name]], self.biases[self.number[name]]
        if self.grid is not None:
            g = self.grid.layers[name]
            unit = _tensor(g.unit, x)
            weight = _through((weight / unit).clamp(self.grid.low, self.grid.high)) * unit
            bias = _through(bias / _tensor(g.bias_unit, x)) * _tensor(g.bias_unit, x)
        if isinstance(op, Conv2d):
            return folded(lambda y: convolve(op, y, weight, bias), x)
        return folded(lambda y: functional.linear(y.flatten(1), weight, bias)[..., None, None], x)

    def _fired(self, layer: Layer, op: Neuron, currents: Tensor) -> Tensor:
        n = self._neurons(layer, op, currents)
        strict = self.grid is not None or op.model.compare is Compare.GREATER
        fire = self.surrogate.above if strict else self.surrogate.reached
        total = torch.zeros(())
        for threshold, amount in zip(n.thresholds, n.amounts, strict=True):
            width = threshold.abs().mean().clamp(min=1e-6)
            v = torch.zeros_like(currents[0])
            spikes: list[Tensor] = []
            for t in range(self.network.steps):
                x = currents[t if len(currents) > 1 else 0]
                v = _decayed(v, n) + x + n.bias
                s = fire((v - threshold) / width)
                v = _after(op.model.reset, v, s.detach(), amount)
                spikes.append(s)
            total = total + torch.stack(spikes)
        return total

    def _neurons(self, layer: Layer, op: Neuron, like: Tensor) -> _Neurons:
        if self.grid is not None:
            return _on_grid(self.grid.neurons[layer.name], like)
        m = op.model
        thresholds = tuple(_tensor(x, like) for x in m.levels)
        return _Neurons(
            thresholds=thresholds,
            amounts=thresholds,
            keep=_tensor(m.decay, like) * 4096,
            unit=torch.zeros(()),
            bias=_tensor(np.zeros((1, 1, 1)) if op.bias is None else op.bias, like),
        )

    def _now(self, layer: Layer) -> Layer:
        op = layer.op
        if not isinstance(op, Conv2d | Linear):
            return layer
        i = self.number[layer.name]
        weight, bias = (_array(p[i]) for p in (self.weights, self.biases))
        return replace(layer, op=replace(op, weight=weight, bias=bias))


def _on_grid(g: NeuronGrid, like: Tensor) -> _Neurons:
    return _Neurons(
        thresholds=tuple(_tensor(x, like) for x in g.thresholds),
        amounts=tuple(_tensor(x, like) for x in g.amounts),
        keep=_tensor(g.keep, like),
        unit=_tensor(g.unit, like),
        bias=_tensor(g.bias, like),
    )


def _decayed(v: Tensor, n: _Neurons) -> Tensor:
    """The chip's decay, toward zero in membrane units; backward, the decay itself."""
    if bool((n.keep == 4096).all()):
        return v
    kept = v * (n.keep / 4096)
    if not bool(n.unit.any()):
        return kept
    chip = (v.detach() / n.unit * n.keep / 4096).trunc() * n.unit
    return kept + (chip - kept).detach()


def _after(reset: Reset, v: Tensor, s: Tensor, amount: Tensor) -> Tensor:
    if reset is Reset.NONE:
        return v
    return v - s * amount if reset is Reset.SUBTRACT else v * (1.0 - s)


def _through(x: Tensor) -> Tensor:
    """Rounded, halves to even; backward, the identity."""
    return x + (x.round() - x).detach()


def _tensor(values: FloatArray, like: Tensor | None = None) -> Tensor:
    device = None if like is None else like.device
    return torch.tensor(values, dtype=torch.float32, device=device)


def _array(parameter: Tensor) -> FloatArray:
    return floats(parameter.detach().cpu().numpy().astype(np.float64))
