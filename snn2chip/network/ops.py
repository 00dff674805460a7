"""The layers without membranes in torch, as plain as the papers: tensors [T or 1, N, C, H, W] in, one out.

T is 1 where a value is the same at every step. Convolutions and pools run with the steps folded into the batch.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray

from snn2chip.network.types import (
    Add,
    And,
    AndNot,
    AvgPool2d,
    BatchNorm,
    Bias,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Neuron,
    Op,
    Or,
    Scale,
    SumPool2d,
)

MembranelessOp = (
    Conv2d
    | Linear
    | BatchNorm
    | AvgPool2d
    | SumPool2d
    | MaxPool2d
    | Flatten
    | Scale
    | Bias
    | Add
    | And
    | AndNot
    | Or
)


def evaluate(op: Op, inputs: list[torch.Tensor]) -> torch.Tensor:
    """The output of a layer without membranes."""
    if isinstance(op, Neuron):
        raise TypeError("neurons have membranes")
    if isinstance(op, Add | And | AndNot | Or):
        return _join(op, inputs)
    (x,) = inputs
    if isinstance(op, BatchNorm):
        return batch_norm(op, x)
    if isinstance(op, Scale):
        return x * like(op.scale, x)
    if isinstance(op, Bias):
        return x + like(op.bias[:, None] if op.bias.ndim == 4 else op.bias, x)
    return folded(_spatial(op), x)


def folded(function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """`function` of [T·N, C, H, W], unfolded again."""
    y = function(x.reshape(-1, *x.shape[2:]))
    return y.reshape(*x.shape[:2], *y.shape[1:])


def convolve(
    op: Conv2d, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """The convolution of [B, C, H, W] with other numbers than the layer's own."""
    return functional.conv2d(x, weight, bias, op.stride, op.padding, op.dilation, op.groups)


def like(values: NDArray[np.float64], x: torch.Tensor) -> torch.Tensor:
    """A tensor of `values` in x's float type, where x is (a copy: our arrays are read-only)."""
    return torch.tensor(values, dtype=x.dtype, device=x.device)


def batch_norm(op: BatchNorm, x: torch.Tensor) -> torch.Tensor:
    """(x - mean) / sqrt(var + eps) · weight + bias; per step where the arrays are [T, C]."""
    plain = op.weight.ndim == 1 and not op.eps_outside and op.factor == 1.0
    if plain:
        mean, var, weight, bias = (like(a, x) for a in (op.mean, op.var, op.weight, op.bias))
        return folded(lambda y: functional.batch_norm(y, mean, var, weight, bias, eps=op.eps), x)
    mean, var, weight, bias = (
        _per_channel(like(a, x)) for a in (op.mean, op.var, op.weight, op.bias)
    )
    root = var.sqrt() + op.eps if op.eps_outside else (var + op.eps).sqrt()
    return op.factor * (x - mean) / root * weight + bias


def _per_channel(values: torch.Tensor) -> torch.Tensor:
    """[C] or [T, C] as [1 or T, 1, C, 1, 1]."""
    return values.reshape(-1, 1, values.shape[-1], 1, 1)


def _join(op: Add | And | AndNot | Or, inputs: list[torch.Tensor]) -> torch.Tensor:
    if isinstance(op, Add):
        total = inputs[0]
        for x in inputs[1:]:
            total = total + x
        return total
    a, b = inputs
    if isinstance(op, And):
        return a * b
    return a * (1 - b) if isinstance(op, AndNot) else a + b - a * b


def _spatial(
    op: Conv2d | Linear | AvgPool2d | SumPool2d | MaxPool2d | Flatten,
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The function of [B, C, H, W] that a layer computes."""
    if isinstance(op, Conv2d):
        return lambda x: convolve(op, x, like(op.weight, x), _optional(op.bias, x))
    if isinstance(op, Linear):
        return lambda x: functional.linear(x.flatten(1), like(op.weight, x), _optional(op.bias, x))[
            ..., None, None
        ]
    if isinstance(op, Flatten):
        return lambda x: x.flatten(1)[..., None, None]
    if isinstance(op, MaxPool2d):
        return lambda x: functional.max_pool2d(x, op.kernel, op.stride, op.padding)
    divisor = 1 if isinstance(op, SumPool2d) else None
    return lambda x: functional.avg_pool2d(
        x, op.kernel, op.stride, op.padding, divisor_override=divisor
    )


def _optional(values: NDArray[np.float64] | None, x: torch.Tensor) -> torch.Tensor | None:
    return None if values is None else like(values, x)
