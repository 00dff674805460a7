"""How the layer engine turns the values of a projection's sources into currents: three ways, all exact."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.circuit.types import Conv, Dense, Identity, Shape
from snn2chip.engines import layer_layout as layout
from snn2chip.engines.kernels import conv, sums
from snn2chip.engines.kernels.events import Events, events_of
from snn2chip.quantize.types import QuantizedProjection

Values = NDArray[Any]
"""[T, N, H, W, C] of whole numbers; T is 1 where nothing changes over the steps."""

COUNTED_UP_TO = 15
"""Larger values than this are multiplied, smaller ones counted: n events for a value n."""


class Source:
    """The summed outputs of a projection's sources, and their events once somebody asks."""

    __slots__ = ("_events", "values")

    def __init__(self, values: Values) -> None:
        self.values = values
        self._events: Events | None = None

    @property
    def events(self) -> Events:
        """The events of the values, which must be uint8."""
        if self._events is None:
            self._events = events_of(self.values)
        return self._events


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventConv:
    """int8 weights of the spikes that there are. `group`: pixels that share a vector (see `layer_layout.together`)."""

    sources: tuple[str, ...]
    shape: conv.Shape
    weight: NDArray[np.int8]
    exponent: int
    group: int

    def shaped(self, values: Values) -> conv.Shape:
        """The geometry for as many steps and samples as `values` has."""
        return self.shape._replace(steps=len(values), batch=values.shape[1])

    def add(self, source: Source, currents: Values) -> None:
        """Add to currents [T, N, H, W, C], int32 or int64."""
        part = currents if currents.dtype == np.int32 else np.zeros(currents.shape, np.int32)
        blocks = conv.blocks_of(self.shape.out_channels)
        conv.add_conv(
            source.events, self.shaped(source.values), self.weight, self.exponent, blocks, part
        )
        if part is not currents:
            currents += part


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SumConv:
    """Weights, already times 2^e, times values. `pooled`: sum over the map first.

    weight: [kh, kw, I / groups, O], or [kh, kw, C] where every channel stays apart.
    """

    sources: tuple[str, ...]
    shape: conv.Shape
    groups: int
    pooled: bool
    weight: NDArray[np.signedinteger]

    def add(self, source: Source, currents: Values) -> None:
        """Add to currents [T, N, H, W, C], int32 or int64."""
        values = source.values.astype(currents.dtype, copy=False)
        if self.pooled:
            values = values.sum((2, 3), keepdims=True, dtype=currents.dtype)
        values = values.reshape(-1, *values.shape[2:])
        flat = currents.reshape(len(values), self.shape.out_rows, self.shape.out_columns, -1)
        weight = self.weight.astype(currents.dtype, copy=False)
        if weight.ndim == 3:
            sums.add_channel_sums(values, self.shape, weight, flat)
        else:
            sums.add_sums(values, self.shape, self.groups, weight, flat)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProductConv:
    """int16 weights times int16 values, all of them: images. `pooled`: sum over the map first."""

    sources: tuple[str, ...]
    shape: conv.Shape
    pooled: bool
    weight: NDArray[np.int16]
    exponent: int

    def add(self, source: Source, currents: Values) -> None:
        """Add to currents [T, N, H, W, C], int32 or int64."""
        part = currents if currents.dtype == np.int32 else np.zeros(currents.shape, np.int32)
        values = source.values
        if self.pooled:
            values = values.sum((2, 3), keepdims=True, dtype=np.int32)
        image = self._padded(values.reshape(-1, *values.shape[2:]))
        flat = part.reshape(len(image), self.shape.out_rows, self.shape.out_columns, -1)
        channels = self.shape.out_channels // LANES
        blocks = max(n for n in TILE_BLOCKS if channels % n == 0)
        sums.add_products(image, self.shape, self.weight, self.exponent, blocks, flat)
        if part is not currents:
            currents += part

    def _padded(self, values: Values) -> NDArray[np.int16]:
        """[S, rows, values of a line] with zeros around, and room for what the last tile reads."""
        s = self.shape
        rows = (s.out_rows - 1) * s.stride_rows + s.kernel_rows
        columns = (s.out_columns + TILE) * s.stride_columns + s.kernel_columns
        high, wide = max(rows, s.pad_rows + s.rows), max(columns, s.pad_columns + s.columns)
        image = np.zeros((len(values), high, wide, s.channels), np.int16)
        image[:, s.pad_rows :, s.pad_columns :][:, : s.rows, : s.columns] = values
        return image.reshape(len(values), high, -1)


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
    largest = int(np.abs(weight).max(initial=0))
    highest = max(ends.highest, -ends.lowest) * (ends.source[1] * ends.source[2] if pooled else 1)
    fits32 = ends.largest < 2**31 and (weight.size + 1) * WIDEST < 2**31
    if kernel.groups > 1 or not fits32:
        return _sum_conv(p, kernel, weight, ends, pooled)
    if ends.lowest >= 0 and highest <= COUNTED_UP_TO and weight.min() >= -128 and weight.max() <= 127:
        return _event_conv(p, kernel, weight, ends)
    if max(largest, highest) < 2**15:
        return _product_conv(p, kernel, weight, ends, pooled)
    return _sum_conv(p, kernel, weight, ends, pooled)


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
