"""Currents from whole numbers of any size: images, graded outputs, wide weights, grouped convolutions.

Everything is int32, or int64 where 32 bits have not been proved to suffice; arrays are channels last.
"""

import numpy as np
from numba import prange

from snn2chip.engines.kernels.compiled import compiled_parallel
from snn2chip.engines.kernels.conv import Shape
from snn2chip.engines.kernels.vectors import LANES, TILE, add_shifted, multiply


@compiled_parallel
def add_products(image, shape: Shape, weight, exponent, blocks, currents):  # type: ignore[no-untyped-def]
    """Add (convolution of `image`) << exponent to currents int32 [S, H, W, O]; nothing is skipped.

    image: int16 [S, padded h, values of a line], with room for `TILE` further pixels at the end of a line.
    weight: int16 [kh, pairs, O, 2]: the values that an output pixel sees in a line, taken two by two.
    """
    s = shape
    width = blocks * LANES
    lines, pairs = weight.shape[0], weight.shape[1]
    stride = s.out_channels * 4
    length = image.shape[2] * 2
    pixel = s.stride_columns * s.channels * 2
    for line in prange(len(image) * s.out_rows):
        i, y = line // s.out_rows, line % s.out_rows
        acc = np.empty(TILE * width, np.int32)
        source = image.ctypes.data + (i * image.shape[1] + y * s.stride_rows) * length
        for x in range(0, s.out_columns, TILE):
            for c in range(0, s.out_channels, width):
                w = weight.ctypes.data + c * 4
                multiply(
                    source + x * pixel,
                    length,
                    pixel,
                    lines,
                    pairs,
                    w,
                    stride,
                    acc.ctypes.data,
                    blocks,
                )
                for p in range(min(TILE, s.out_columns - x)):
                    place = (line * s.out_columns + x + p) * s.out_channels + c
                    part = acc.ctypes.data + p * width * 4
                    add_shifted(part, exponent, currents.ctypes.data + place * 4, blocks)


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
    """As `add_sums`, for channels that stay apart (depthwise convolution, identity); weight: [kh, kw, C].

    Here values may be uint8, whatever the other two are.
    """
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
