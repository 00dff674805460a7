"""Σ|w||x| of the sums behind a layer of neurons: what its rounding errors are measured by."""

from collections.abc import Mapping

import numpy as np
import torch

from snn2chip.network.judge import Magnitudes
from snn2chip.network.ops import convolve, evaluate, folded
from snn2chip.network.types import (
    INPUT,
    BatchNorm,
    Bias,
    Conv2d,
    Layer,
    Linear,
    Network,
    Op,
    Scale,
)

_BATCH_NORM_OPERATIONS = 4


def exact_sources(network: Network, spiking: Mapping[str, float]) -> dict[str, tuple[str, ...]]:
    """For every layer: the inputs and spikes (exact values) that its sums start from."""
    found: dict[str, tuple[str, ...]] = {}
    for layer in network.layers:
        names: list[str] = []
        for name in layer.inputs:
            names += [name] if name == INPUT or name in spiking else found[name]
        found[layer.name] = tuple(dict.fromkeys(names))
    return found


def magnitudes(
    network: Network, name: str, values: Mapping[str, torch.Tensor], spiking: Mapping[str, float]
) -> Magnitudes:
    """Σ|w||x| and K of the value `name`, which need not be a layer of sums.

    `values` holds the tensors of `exact_sources`; everything between them and `name` is followed with absolute values.
    """
    with torch.no_grad():
        total, terms = _follow({x.name: x for x in network.layers}, name, values, spiking)
    return Magnitudes(values=total.numpy(), terms=terms)


def _follow(
    layers: Mapping[str, Layer],
    name: str,
    values: Mapping[str, torch.Tensor],
    spiking: Mapping[str, float],
) -> tuple[torch.Tensor, int]:
    if name == INPUT or name in spiking:
        return values[name].to(torch.float64).abs(), 0
    layer = layers[name]
    parts = [_follow(layers, x, values, spiking) for x in layer.inputs]
    own = len(parts) + _terms(layer.op)
    return _absolute(layer.op, [x for x, _ in parts]), max(k for _, k in parts) + own


def _absolute(op: Op, inputs: list[torch.Tensor]) -> torch.Tensor:
    """The layer with |w| and |b| in place of w and b, for inputs that are not negative."""
    if isinstance(op, Conv2d):
        weight = torch.tensor(np.abs(op.weight))
        bias = None if op.bias is None else torch.tensor(np.abs(op.bias))
        return folded(lambda x: convolve(op, x, weight, bias), inputs[0])
    if isinstance(op, Linear):
        bias = None if op.bias is None else np.abs(op.bias)
        return evaluate(Linear(weight=np.abs(op.weight), bias=bias), inputs)
    if isinstance(op, Scale):
        return evaluate(Scale(scale=np.abs(op.scale)), inputs)
    if isinstance(op, Bias):
        return evaluate(Bias(bias=np.abs(op.bias)), inputs)
    if isinstance(op, BatchNorm):
        absolute = BatchNorm(
            weight=np.abs(op.weight),
            bias=np.abs(op.bias),
            mean=-np.abs(op.mean),
            var=op.var,
            eps=op.eps,
            eps_outside=op.eps_outside,
            factor=abs(op.factor),
        )
        return evaluate(absolute, inputs)
    return evaluate(op, inputs)


def _terms(op: Op) -> int:
    """Summands of one of the layer's sums."""
    if isinstance(op, Conv2d):
        return int(np.prod(op.weight.shape[1:]))
    if isinstance(op, Linear):
        return op.weight.shape[1]
    if isinstance(op, BatchNorm):
        return _BATCH_NORM_OPERATIONS
    kernel = getattr(op, "kernel", None)
    return 1 if kernel is None else int(kernel[0] * kernel[1])
