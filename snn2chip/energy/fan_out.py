"""How many synapses a spike reaches, position by position, exact at borders."""

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray
from snn2chip.circuit.types import Conv, Dense, Shape
from snn2chip.quantize.types import QuantizedProjection

Mask = NDArray[np.bool_]
Range = tuple[int, int]


def fan_out(
    projection: QuantizedProjection, source: Shape, target: Shape, *, nonzero: bool
) -> IntArray:
    """Synapses of each source neuron, [C, H, W]; `nonzero`: only those whose weight is not 0.

    A pooled dense projection counts one synapse per source neuron and target.
    """
    kernel = projection.kernel
    w = projection.weight != 0 if nonzero else np.ones(projection.weight.shape, bool)
    if isinstance(kernel, Conv):
        return _conv(kernel, _by_input(w, kernel.groups), source, target)
    if not isinstance(kernel, Dense):
        return np.broadcast_to(w[:, None, None], source).astype(np.int64)
    each = w.sum(0, dtype=np.int64)
    if kernel.pooled:
        return np.broadcast_to(each[:, None, None], source).copy()
    return each.reshape(source)


def _by_input(w: Mask, groups: int) -> IntArray:
    """[O, I/groups, kh, kw] -> synapses of each input channel and tap, [I, kh, kw]."""
    per_out = w.shape[0] // groups
    return w.reshape(groups, per_out, *w.shape[1:]).sum(1, dtype=np.int64).reshape(-1, *w.shape[2:])


def _conv(kernel: Conv, each: IntArray, source: Shape, target: Shape) -> IntArray:
    total = np.zeros(source, np.int64)
    for ky in range(each.shape[1]):
        rows = taken(kernel, 0, ky, (0, target[1]), source[1])
        for kx in range(each.shape[2]):
            columns = taken(kernel, 1, kx, (0, target[2]), source[2])
            total[:, rows[:, None], columns] += each[:, ky, kx, None, None]
    return total


def taken(kernel: Conv, axis: int, tap: int, outputs: Range, size: int) -> IntArray:
    """Source coordinates along `axis` (0 rows, 1 columns) that `tap` takes for `outputs`, padding left out."""
    at = (
        np.arange(*outputs) * kernel.stride[axis]
        + tap * kernel.dilation[axis]
        - kernel.padding[axis]
    )
    return at[(at >= 0) & (at < size)]


def hits(kernel: Conv, axis: int, taps: int, outputs: Range, size: int) -> IntArray:
    """How many (output, tap) pairs of `outputs` take each source coordinate along `axis`: [size]."""
    count = np.zeros(size, np.int64)
    for tap in range(taps):
        count[taken(kernel, axis, tap, outputs, size)] += 1
    return count


def reached(kernel: Conv, weight_shape: tuple[int, ...], events: Mask, target: Shape) -> Mask:
    """Which outputs see an event: `events` [..., H, W] of one group -> [..., rows, columns]."""
    rows = spread(kernel, 0, weight_shape[2], events.swapaxes(-1, -2), (0, target[1]))
    return spread(kernel, 1, weight_shape[3], rows.swapaxes(-1, -2), (0, target[2]))


def spread(kernel: Conv, axis: int, taps: int, events: Mask, outputs: Range) -> Mask:
    """Which of the outputs along the last axis see an event; they may lie outside of the map."""
    size = events.shape[-1]
    start = np.arange(*outputs) * kernel.stride[axis] - kernel.padding[axis]
    found = np.zeros((*events.shape[:-1], len(start)), bool)
    for tap in range(taps):
        at = start + tap * kernel.dilation[axis]
        inside = (at >= 0) & (at < size)
        found[..., inside] |= events[..., at[inside]]
    return found
