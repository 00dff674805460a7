"""Two linear layers as one: the algebra of the passes that remove linear layers between projections.

All of it is exact in real numbers or refused (None): a composed kernel sees zeros outside the map, so it may only
stand for windows of the second layer that, outside the first layer's output, see nothing but padding of the first.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from snn2chip.arrays import FloatArray, IntArray, floats
from snn2chip.circuit.convolve import convolve
from snn2chip.circuit.types import Conv
from snn2chip.network.types import AvgPool2d, Conv2d, Linear, Shape, SumPool2d

Combine = Callable[[FloatArray, FloatArray], FloatArray]


def pool_as_conv(op: AvgPool2d | SumPool2d, channels: int) -> Conv2d:
    """The pool as a depthwise convolution; an average divides by the whole window, padding included."""
    kh, kw = op.kernel
    weight = 1.0 if isinstance(op, SumPool2d) else 1.0 / (kh * kw)
    return Conv2d(
        weight=floats(np.full((channels, 1, kh, kw), weight)),
        stride=op.stride,
        padding=op.padding,
        groups=channels,
    )


def kernel_of(op: Conv2d) -> Conv:
    """The convolution's geometry."""
    return Conv(stride=op.stride, padding=op.padding, dilation=op.dilation, groups=op.groups)


def apply(op: Conv2d | Linear, values: FloatArray) -> FloatArray:
    """The layer without its bias on maps [B, C, H, W]."""
    if isinstance(op, Linear):
        return (values.reshape(len(values), -1) @ op.weight.T)[..., None, None]
    return convolve(values, op.weight, kernel_of(op))


def bias_map(op: Conv2d | Linear, values: FloatArray, shape: Shape) -> FloatArray:
    """What the layer makes of a constant that broadcasts against `shape`: [O, H, W], or [T, O, H, W].

    It differs at the borders, where zero padding stands in place of the constant. A map without differences is [O,
    1, 1].
    """
    steps = values if values.ndim == 4 else values[None]
    out = apply(op, np.broadcast_to(steps, (len(steps), *shape)))
    if np.array_equal(out, np.broadcast_to(out[:, :, :1, :1], out.shape)):
        out = out[:, :, :1, :1]
    return floats(out if values.ndim == 4 else out[0])


def scale_inputs(op: Conv2d | Linear, scale: FloatArray, shape: Shape) -> Conv2d | Linear | None:
    """The layer for unscaled inputs: op(scale · x).

    None where the scale differs inside a channel, before a convolution.
    """
    if isinstance(op, Linear):
        return replace(op, weight=floats(op.weight * np.broadcast_to(scale, shape).reshape(1, -1)))
    channels = per_channel(scale, shape)
    if channels is None:
        return None
    per_group = op.weight.shape[1]
    group = np.arange(len(op.weight)) // (len(op.weight) // op.groups)
    inputs = group[:, None] * per_group + np.arange(per_group)[None]
    return replace(op, weight=floats(op.weight * channels[inputs][:, :, None, None]))


def per_channel(values: FloatArray, shape: Shape) -> FloatArray | None:
    """[C] of an array that broadcasts against (C, H, W); None where it differs inside a channel."""
    whole = np.broadcast_to(values, shape)
    return (
        whole[:, 0, 0] if np.array_equal(whole, np.broadcast_to(whole[:, :1, :1], shape)) else None
    )


def compose_linear(first: Conv2d | Linear, second: Linear, seen: Shape, middle: Shape) -> Linear:
    """The layer second ∘ first without biases; `seen` is the first one's input, `middle` its output."""
    if isinstance(first, Linear):
        return Linear(weight=floats(second.weight @ first.weight))
    return Linear(weight=floats(_adjoint(first, second.weight.reshape(-1, *middle), seen)))


def compose_convs(
    first: Conv2d, second: Conv2d, seen: Shape, middle: Shape, out: Shape
) -> Conv2d | None:
    """The layer second ∘ first without biases, or None where no one kernel is exact at the borders."""
    if not all(_borders_agree(first, second, seen, middle, out, axis) for axis in (0, 1)):
        return None
    taps = [_tap_offsets(first, second, axis) for axis in (0, 1)]
    dilation = (taps[0][1], taps[1][1])
    size = (int(taps[0][0].max()) + 1, int(taps[1][0].max()) + 1)
    stride = (first.stride[0] * second.stride[0], first.stride[1] * second.stride[1])
    padding = (
        first.padding[0] + second.padding[0] * first.stride[0],
        first.padding[1] + second.padding[1] * first.stride[1],
    )
    for axis in (0, 1):
        reach = (size[axis] - 1) * dilation[axis] + 1
        if (seen[1 + axis] + 2 * padding[axis] - reach) // stride[axis] + 1 != out[1 + axis]:
            return None
    one, two, combine, groups = _combination(first, second)
    weight = np.zeros((len(second.weight), seen[0] // groups, *size))
    for ky, kx in np.ndindex(second.weight.shape[2:]):
        for jy, jx in np.ndindex(first.weight.shape[2:]):
            at = (..., taps[0][0][ky, jy], taps[1][0][kx, jx])
            weight[at] += combine(two[..., ky, kx], one[..., jy, jx])
    return Conv2d(
        weight=floats(weight), stride=stride, padding=padding, dilation=dilation, groups=groups
    )


def _tap_offsets(first: Conv2d, second: Conv2d, axis: int) -> tuple[IntArray, int]:
    """(place in the composed kernel of every pair of taps [second, first], its dilation) along one axis."""
    step_two = second.dilation[axis] * first.stride[axis]
    step_one = first.dilation[axis]
    k2, k1 = second.weight.shape[2 + axis], first.weight.shape[2 + axis]
    dilation = math.gcd(step_two if k2 > 1 else 0, step_one if k1 > 1 else 0) or 1
    offsets = np.arange(k2)[:, None] * step_two + np.arange(k1)[None] * step_one
    return offsets // dilation, dilation


def _borders_agree(
    first: Conv2d, second: Conv2d, seen: Shape, middle: Shape, out: Shape, axis: int
) -> bool:
    """Every tap of `second` outside the middle map stands for a window of `first` that sees only padding."""
    k2, k1 = second.weight.shape[2 + axis], first.weight.shape[2 + axis]
    start = np.arange(out[1 + axis]) * second.stride[axis] - second.padding[axis]
    taps = (start[:, None] + np.arange(k2) * second.dilation[axis]).reshape(-1)
    outside = taps[(taps < 0) | (taps >= middle[1 + axis])]
    window = outside * first.stride[axis] - first.padding[axis]
    reads = window[:, None] + np.arange(k1) * first.dilation[axis]
    return not bool(np.any((reads >= 0) & (reads < seen[1 + axis])))


def _combination(first: Conv2d, second: Conv2d) -> tuple[FloatArray, FloatArray, Combine, int]:
    """Weights of both and how two taps of them combine into [O, I/groups], and the groups of the result."""
    if _depthwise(first):
        per_group = second.weight.shape[1]
        group = np.arange(len(second.weight)) // (len(second.weight) // second.groups)
        middle = group[:, None] * per_group + np.arange(per_group)[None]
        return first.weight[:, 0][middle], second.weight, np.multiply, second.groups
    if _depthwise(second):
        return first.weight, second.weight, np.multiply, first.groups
    return ungrouped(first), ungrouped(second), np.matmul, 1


def _depthwise(op: Conv2d) -> bool:
    return op.groups == len(op.weight) and op.weight.shape[1] == 1


def ungrouped(op: Conv2d) -> FloatArray:
    """The weight [O, I, kh, kw] with zeros between groups."""
    out, per_in = op.weight.shape[:2]
    whole = np.zeros((out, per_in * op.groups, *op.weight.shape[2:]))
    per_out = out // op.groups
    for g in range(op.groups):
        rows = slice(g * per_out, (g + 1) * per_out)
        whole[rows, g * per_in : (g + 1) * per_in] = op.weight[rows]
    return whole


def _adjoint(op: Conv2d, weight: FloatArray, seen: Shape) -> FloatArray:
    """A weight [O, M, H', W'] on the convolution's output as one [O, C·H·W] on its input."""
    (sy, sx), (py, px), (dy, dx) = op.stride, op.padding, op.dilation
    count, _, rows, columns = weight.shape
    channels, height, width = seen
    whole = np.zeros((count, channels, height + 2 * py, width + 2 * px))
    per_in, per_out = op.weight.shape[1], len(op.weight) // op.groups
    for ky, kx in np.ndindex(op.weight.shape[2:]):
        y = slice(ky * dy, ky * dy + (rows - 1) * sy + 1, sy)
        x = slice(kx * dx, kx * dx + (columns - 1) * sx + 1, sx)
        for g in range(op.groups):
            outputs = slice(g * per_out, (g + 1) * per_out)
            tap = op.weight[outputs, :, ky, kx]
            part = np.einsum("omyx,mi->oiyx", weight[:, outputs], tap)
            whole[:, g * per_in : (g + 1) * per_in, y, x] += part
    return whole[:, :, py : py + height, px : px + width].reshape(count, -1)
