"""Which source neurons reach which tiles of a population: geometry of kernels, axis by axis.

A convolution reaches output (o, y, x) from input (i, y·s + ky·d - p, x·s + kx·d - p) of its group: rows, columns and
channels are independent of each other, so the reach of a tile is a product of three sets.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray
from snn2chip.chip.wiring import Link
from snn2chip.circuit.types import Conv, Dense, Kernel, Shape

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reach:
    """Per tile along each axis, the source coordinates that reach it: [tiles of the axis, source's axis]."""

    channels: Mask
    rows: Mask
    columns: Mask


def reach(link: Link, target: Shape, size: Shape) -> Reach:
    """The reach of the tiles of `size` of a population of shape `target`."""
    kernel, source = link.projection.kernel, link.source_shape
    weight = link.projection.weight
    channels = _channels(kernel, source[0], target[0], size[0])
    if isinstance(kernel, Conv):
        per_output = [
            _axis(kernel, axis, weight.shape[2 + axis], source[1 + axis], target[1 + axis])
            for axis in (0, 1)
        ]
    elif isinstance(kernel, Dense):
        per_output = [
            np.ones((t, s), np.bool_) for t, s in zip(target[1:], source[1:], strict=True)
        ]
    else:
        per_output = [np.eye(s, dtype=np.bool_) for s in source[1:]]
    return Reach(
        channels=channels,
        rows=_by_tile(per_output[0], size[1]),
        columns=_by_tile(per_output[1], size[2]),
    )


def seen_channels(
    kernel: Kernel, source: int, target: int, channels: tuple[int, int]
) -> tuple[int, int]:
    """[start, stop) of the source channels that target channels [start, stop) see."""
    if isinstance(kernel, Conv):
        per_in, per_out = source // kernel.groups, target // kernel.groups
        return channels[0] // per_out * per_in, ((channels[1] - 1) // per_out + 1) * per_in
    return (0, source) if isinstance(kernel, Dense) else channels


def starts_of(size: int, tile: int) -> IntArray:
    """Where tiles of length `tile` begin on an axis of length `size`."""
    return np.arange(0, size, tile)


def _channels(kernel: Kernel, source: int, target: int, tile: int) -> Mask:
    starts = starts_of(target, tile)
    mask = np.zeros((len(starts), source), np.bool_)
    for i, start in enumerate(starts):
        low, high = seen_channels(kernel, source, target, (start, min(start + tile, target)))
        mask[i, low:high] = True
    return mask


def _axis(kernel: Conv, axis: int, taps: int, source: int, target: int) -> Mask:
    """[outputs, inputs] of one axis of a convolution."""
    stride, padding, dilation = kernel.stride[axis], kernel.padding[axis], kernel.dilation[axis]
    at = np.arange(target)[:, None] * stride + np.arange(taps) * dilation - padding
    output = np.broadcast_to(np.arange(target)[:, None], at.shape)
    inside = (at >= 0) & (at < source)
    mask = np.zeros((target, source), np.bool_)
    mask[output[inside], at[inside]] = True
    return mask


def _by_tile(per_output: Mask, tile: int) -> Mask:
    return np.logical_or.reduceat(per_output, starts_of(len(per_output), tile), axis=0)
