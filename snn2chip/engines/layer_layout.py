"""How the layer engine lays out weights and neuron parameters: channels last, padded to whole vectors."""

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray
from snn2chip.engines.kernels.vectors import BLOCKS, LANES

NEVER = 2**31 - 1
"""Threshold of the neurons that only fill up a vector."""


def padded(channels: int) -> int:
    """Channels of a population in memory: whole vectors, few passes, little waste.

    >>> [padded(c) for c in (3, 16, 48, 64, 96, 192, 1000)]
    [16, 16, 64, 64, 128, 192, 1024]
    """
    sizes = [(-(-channels // (n * LANES)), n) for n in BLOCKS]
    # One pass over the events costs about as much as two vectors more in it.
    passes, n = min(sizes, key=lambda s: (s[0] * (s[1] + 2), s[0] * s[1]))
    return passes * n * LANES


def together(channels: int, columns: int, kernel_columns: int) -> int:
    """How many neighbouring output pixels share a vector, so that narrow layers fill it: 1, 2 or 4.

    `group` pixels of C channels are one pixel of group·C channels: the kernel is wider, the stride longer.
    """
    if kernel_columns == 1:
        return 1
    return next(g for g in (4, 2, 1) if columns % g == 0 and (g * channels <= 4 * LANES or g == 1))


def event_weights(
    weight: IntArray, sources: int, targets: int, group: int, stride: int
) -> NDArray[np.int8]:
    """int8 [kh·kw'·sources + 1, group·targets] of a weight [O, I, kh, kw], kw' = kw + (group - 1)·stride.

    Row (ky, kx, i); in it, pixel p of the group sees column kx with the weights of kx - p·stride. The last row
    is zeros.
    """
    out, inputs, rows, columns = weight.shape
    wide = np.zeros((rows, columns + (group - 1) * stride, sources, group, targets), np.int8)
    last = weight.astype(np.int8).transpose(2, 3, 1, 0)
    for p in range(group):
        wide[:, p * stride : p * stride + columns, :inputs, p, :out] = last
    rows_of_all = wide.reshape(-1, group * targets)
    return np.concatenate([rows_of_all, np.zeros_like(rows_of_all[:1])])


def sum_weights(
    weight: IntArray, sources: int, targets: int, dtype: type
) -> NDArray[np.signedinteger]:
    """[kh, kw, sources, targets] of a weight [O, I, kh, kw]."""
    out, inputs, rows, columns = weight.shape
    last = np.zeros((rows, columns, sources, targets), dtype)
    last[:, :, :inputs, :out] = weight.transpose(2, 3, 1, 0)
    return last


def pair_weights(weight: IntArray, sources: int, targets: int) -> NDArray[np.int16]:
    """int16 [kh, pairs, targets, 2] of a weight [O, I, kh, kw]; a pair is two neighbours in (kx, source channel)."""
    lines = sum_weights(weight, sources, targets, np.int16)
    lines = lines.reshape(len(lines), -1, targets)
    even = np.pad(lines, ((0, 0), (0, lines.shape[1] % 2), (0, 0)))
    return np.ascontiguousarray(even.reshape(len(lines), -1, 2, targets).swapaxes(2, 3))


def last(
    values: IntArray, channels: int, targets: int, fill: int, dtype: type
) -> NDArray[np.signedinteger]:
    """[..., h, w, targets] of parameters [..., 1 or C, h, w]; neurons that fill up get `fill`."""
    full = np.broadcast_to(values, (*values.shape[:-3], channels, *values.shape[-2:]))
    out = np.full((*values.shape[:-3], *values.shape[-2:], targets), fill, dtype)
    out[..., :channels] = np.moveaxis(full, -3, -1)
    return out
