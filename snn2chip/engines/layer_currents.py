"""How the layer engine turns the values of a projection's sources into currents: three ways, all exact."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.engines.kernels import conv, sums
from snn2chip.engines.kernels.events import Events, events_of
from snn2chip.engines.kernels.vectors import LANES, TILE, TILE_BLOCKS

Values = NDArray[Any]
"""[T, N, H, W, C] of whole numbers; T is 1 where nothing changes over the steps."""


class Source:
    """The summed outputs of a projection's sources, and their events once somebody asks."""

    __slots__ = ("_events", "values")

    def __init__(self, values: Values) -> None:
        self.values: Values = values
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
        values, weight = source.values, self.weight.astype(currents.dtype, copy=False)
        if self.pooled:
            values = values.sum((2, 3), keepdims=True, dtype=currents.dtype)
        apart = weight.ndim == 3
        if not (apart and values.dtype == np.uint8):
            values = values.astype(currents.dtype, copy=False)
        values = values.reshape(-1, *values.shape[2:])
        flat = currents.reshape(len(values), self.shape.out_rows, self.shape.out_columns, -1)
        if apart:
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


CurrentsOf = EventConv | ProductConv | SumConv
