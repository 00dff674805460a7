"""Which of its three ways the layer engine takes for a projection, and the weights laid out for it."""

from dataclasses import dataclass

import numpy as np

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.circuit.types import Conv, Dense, Identity, Shape
from snn2chip.engines import layer_layout as layout
from snn2chip.engines.kernels import conv
from snn2chip.engines.layer_currents import CurrentsOf, EventConv, ProductConv, SumConv
from snn2chip.quantize.types import QuantizedProjection

COUNTED_UP_TO = 15
"""Larger values than this are multiplied, smaller ones counted: n events for a value n."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Both ends of a projection: shapes, channels in memory, and what its source values and sums reach."""

    source: Shape
    source_channels: int
    target: Shape
    target_channels: int
    lowest: int
    highest: int
    largest: int


def prepare(p: QuantizedProjection, ends: Ends) -> CurrentsOf:
    """The fastest exact way for this projection."""
    kernel, weight = _as_convolution(p, ends)
    pooled = isinstance(p.kernel, Dense) and p.kernel.pooled
    highest = max(ends.highest, -ends.lowest) * (ends.source[1] * ends.source[2] if pooled else 1)
    if kernel.groups > 1 or ends.largest >= 2**31:
        return _sum_conv(p, kernel, weight, ends, pooled)
    if not pooled and _countable(kernel, weight, ends):
        return _event_conv(p, kernel, weight, ends)
    if max(highest, int(np.abs(weight).max(initial=0))) < 2**15:
        return _product_conv(p, kernel, weight, ends, pooled)
    return _sum_conv(p, kernel, weight, ends, pooled)


def _countable(kernel: Conv, weight: IntArray, ends: Ends) -> bool:
    """Whether the values are small counts, the weights int8, and offsets of weights int32."""
    fits8 = weight.min(initial=0) >= -128 and weight.max(initial=0) <= 127
    out, _, rows, columns = weight.shape
    seen = rows * (columns + 3 * kernel.stride[1]) + ends.source[2]
    bytes_at_most = 4 * max(out, ends.target_channels) * ends.source_channels * (seen + 1)
    return bool(
        fits8 and ends.lowest >= 0 and ends.highest <= COUNTED_UP_TO and bytes_at_most < 2**31
    )


def _event_conv(p: QuantizedProjection, kernel: Conv, weight: IntArray, ends: Ends) -> EventConv:
    shape = _shape(kernel, weight, ends, (ends.source[1], ends.source[2]))
    targets, stride = shape.out_channels, kernel.stride[1]
    group = layout.together(targets, shape.out_columns, shape.kernel_columns)
    wide = shape._replace(
        out_columns=shape.out_columns // group,
        out_channels=targets * group,
        kernel_columns=shape.kernel_columns + (group - 1) * stride,
        stride_columns=stride * group,
    )
    rows = layout.event_weights(weight, ends.source_channels, targets, group, stride)
    return EventConv(sources=p.sources, shape=wide, weight=rows, exponent=p.exponent, group=group)


def _product_conv(
    p: QuantizedProjection, kernel: Conv, weight: IntArray, ends: Ends, pooled: bool
) -> ProductConv:
    shape = _shape(kernel, weight, ends, (1, 1) if pooled else (ends.source[1], ends.source[2]))
    return ProductConv(
        sources=p.sources,
        shape=shape,
        pooled=pooled,
        weight=layout.pair_weights(weight, ends.source_channels, shape.out_channels),
        exponent=p.exponent,
    )


def _sum_conv(
    p: QuantizedProjection, kernel: Conv, weight: IntArray, ends: Ends, pooled: bool
) -> SumConv:
    shape = _shape(kernel, weight, ends, (1, 1) if pooled else (ends.source[1], ends.source[2]))
    dtype = np.int32 if ends.largest < 2**31 else np.int64
    shifted = fixed.shift_left(weight, p.exponent)
    if kernel.groups == 1:
        rows = layout.sum_weights(shifted, ends.source_channels, shape.out_channels, dtype)
    else:
        rows = np.ascontiguousarray(shifted.transpose(2, 3, 1, 0), dtype)
        shape = shape._replace(channels=ends.source[0], out_channels=ends.target[0])
        if kernel.groups == shape.channels == shape.out_channels:
            rows = rows[:, :, 0]
    return SumConv(sources=p.sources, shape=shape, groups=kernel.groups, pooled=pooled, weight=rows)


def _as_convolution(p: QuantizedProjection, ends: Ends) -> tuple[Conv, IntArray]:
    """The projection as a convolution without dilation, weight [O, I / groups, kh, kw].

    A dense kernel is as large as its source's map; its outputs are in the order of the target's memory. Dilation
    becomes zeros in a larger kernel.
    """
    channels, rows, columns = ends.source
    if isinstance(p.kernel, Identity):
        return Conv(groups=channels), p.weight[:, None, None, None]
    if isinstance(p.kernel, Conv):
        return Conv(
            stride=p.kernel.stride, padding=p.kernel.padding, groups=p.kernel.groups
        ), _spread(p)
    targets, high, wide = ends.target
    last = np.zeros((high, wide, ends.target_channels, p.weight.shape[1]), np.int64)
    last[:, :, :targets] = p.weight.reshape(targets, high, wide, -1).transpose(1, 2, 0, 3)
    kernel = (1, 1) if p.kernel.pooled else (rows, columns)
    return Conv(), last.reshape(-1, channels, *kernel)


def _spread(p: QuantizedProjection) -> IntArray:
    out, inputs, rows, columns = p.weight.shape
    down, across = p.kernel.dilation if isinstance(p.kernel, Conv) else (1, 1)
    spread = np.zeros((out, inputs, (rows - 1) * down + 1, (columns - 1) * across + 1), np.int64)
    spread[:, :, ::down, ::across] = p.weight
    return spread


def _shape(kernel: Conv, weight: IntArray, ends: Ends, source_map: tuple[int, int]) -> conv.Shape:
    rows, columns = source_map
    kernel_rows, kernel_columns = weight.shape[2:]
    high = (rows + 2 * kernel.padding[0] - kernel_rows) // kernel.stride[0] + 1
    wide = (columns + 2 * kernel.padding[1] - kernel_columns) // kernel.stride[1] + 1
    size = high * wide * max(ends.target_channels, len(weight) if kernel.groups == 1 else 0)
    if size != ends.target[1] * ends.target[2] * ends.target_channels:
        raise ValueError(f"a convolution to {high} x {wide} does not fit a target of {ends.target}")
    return conv.Shape(
        steps=0,
        batch=0,
        rows=rows,
        columns=columns,
        channels=ends.source_channels,
        out_rows=high,
        out_columns=wide,
        out_channels=size // (high * wide),
        kernel_rows=kernel_rows,
        kernel_columns=kernel_columns,
        stride_rows=kernel.stride[0],
        stride_columns=kernel.stride[1],
        pad_rows=kernel.padding[0],
        pad_columns=kernel.padding[1],
    )
