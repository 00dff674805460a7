"""Currents from whole numbers of any size: images, graded outputs, wide weights, grouped convolutions.

Everything is int32, or int64 where 32 bits have not been proved to suffice; arrays are channels last.
"""

from numba import prange

from snn2chip.engines.kernels.compiled import compiled_parallel
from snn2chip.engines.kernels.conv import Shape


@compiled_parallel
def add_sums(values, shape: Shape, groups, weight, currents):  # type: ignore[no-untyped-def]
    """Currents [S, H, W, O] += convolution of `values` [S, h, w, I]; S runs over steps and samples.

    weight: [kh, kw, I / groups, O]. All three arrays have the same type. Zeros are skipped.
    """
    s = shape
    per_in, per_out = s.channels // groups, s.out_channels // groups
    for line in prange(len(values) * s.out_rows):
        image, y = line // s.out_rows, line % s.out_rows
        for x in range(s.out_columns):
            total = currents[image, y, x]
            top, left = y * s.stride_rows - s.pad_rows, x * s.stride_columns - s.pad_columns
            for ky in range(max(0, -top), min(s.kernel_rows, s.rows - top)):
                for kx in range(max(0, -left), min(s.kernel_columns, s.columns - left)):
                    for g in range(groups):
                        for i in range(per_in):
                            value = values[image, top + ky, left + kx, g * per_in + i]
                            if value == 0:
                                continue
                            for o in range(g * per_out, g * per_out + per_out):
                                total[o] += value * weight[ky, kx, i, o]


@compiled_parallel
def add_channel_sums(values, shape: Shape, weight, currents):  # type: ignore[no-untyped-def]
    """As `add_sums`, for channels that stay apart (depthwise convolution, identity); weight: [kh, kw, C]."""
    s = shape
    for line in prange(len(values) * s.out_rows):
        image, y = line // s.out_rows, line % s.out_rows
        for x in range(s.out_columns):
            total = currents[image, y, x]
            top, left = y * s.stride_rows - s.pad_rows, x * s.stride_columns - s.pad_columns
            for ky in range(max(0, -top), min(s.kernel_rows, s.rows - top)):
                for kx in range(max(0, -left), min(s.kernel_columns, s.columns - left)):
                    source, factor = values[image, top + ky, left + kx], weight[ky, kx]
                    for c in range(s.channels):
                        total[c] += source[c] * factor[c]
