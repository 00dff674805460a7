"""Convolution in float64 numpy: windows as rows of a matrix, then one matrix product. No torch."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from snn2chip.arrays import FloatArray
from snn2chip.circuit.types import Conv

_CHUNK_VALUES = 1 << 23
"""Most float64 values (64 MiB) that the matrix of windows holds at once."""


def convolve(x: FloatArray, weight: FloatArray, kernel: Conv) -> FloatArray:
    """[B, C, H, W] -> [B, O, H', W'], zeros outside the map. weight: [O, C/groups, kh, kw]."""
    windows = _windows(x, weight.shape[2:], kernel)
    _, channels, rows, columns, kh, kw = windows.shape
    out = np.empty((len(x), len(weight), rows, columns))
    at_once = max(1, _CHUNK_VALUES // max(1, channels * rows * columns * kh * kw))
    for start in range(0, len(x), at_once):
        part = slice(start, start + at_once)
        out[part] = _multiply(windows[part], weight, kernel.groups)
    return out


def _windows(x: FloatArray, size: tuple[int, ...], kernel: Conv) -> FloatArray:
    """A view [B, C, H', W', kh, kw] of the padded input."""
    (sy, sx), (py, px), (dy, dx) = kernel.stride, kernel.padding, kernel.dilation
    padded = np.pad(x, ((0, 0), (0, 0), (py, py), (px, px)))
    reach = (dy * (size[0] - 1) + 1, dx * (size[1] - 1) + 1)
    return sliding_window_view(padded, reach, axis=(2, 3))[:, :, ::sy, ::sx, ::dy, ::dx]


def _multiply(windows: FloatArray, weight: FloatArray, groups: int) -> FloatArray:
    batch, channels, rows, columns, kh, kw = windows.shape
    if groups == channels == len(weight):
        return np.einsum("bchwyx,cyx->bchw", windows, weight[:, 0])
    per_in, per_out = channels // groups, len(weight) // groups
    out = np.empty((batch, len(weight), rows, columns))
    for g in range(groups):
        seen = windows[:, g * per_in : (g + 1) * per_in].transpose(0, 2, 3, 1, 4, 5)
        matrix = seen.reshape(batch * rows * columns, per_in * kh * kw)
        w = weight[g * per_out : (g + 1) * per_out].reshape(per_out, -1)
        product = (matrix @ w.T).reshape(batch, rows, columns, per_out)
        out[:, g * per_out : (g + 1) * per_out] = product.transpose(0, 3, 1, 2)
    return out
