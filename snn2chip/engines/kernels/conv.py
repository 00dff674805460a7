"""Convolutions: spikes to currents, and (fused) spikes to spikes over all steps.

Arrays are channels last. Weight rows are ordered (ky, kx, input channel); a row holds the weights to all outputs.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from snn2chip.engines.kernels.compiled import compiled, compiled_parallel
from snn2chip.engines.kernels.events import Events
from snn2chip.engines.kernels.vectors import (
    BLOCKS,
    LANES,
    SCRATCH,
    add_shifted,
    clear,
    fire,
    gather,
)


class Shape(NamedTuple):
    """Geometry of one convolution: T, N, input map, output map, kernel, strides and padding in rows and columns."""

    steps: int
    batch: int
    rows: int
    columns: int
    channels: int
    out_rows: int
    out_columns: int
    out_channels: int
    kernel_rows: int
    kernel_columns: int
    stride_rows: int
    stride_columns: int
    pad_rows: int
    pad_columns: int


class Neurons(NamedTuple):
    """Parameters of simple spiking neurons, int32.

    bias: [1 or T, 1 or H*W, C]; theta, amount (what firing takes off), keep (4096 - δ): [1 or H*W, C].
    settings: e, f, limit, floor, mask as `vectors.fire` takes them. kind: as `vectors.fire` takes it.
    """

    bias: NDArray[np.int32]
    theta: NDArray[np.int32]
    amount: NDArray[np.int32]
    keep: NDArray[np.int32]
    settings: NDArray[np.int32]
    kind: int


@cache
def blocks_of(channels: int) -> int:
    """How many blocks of 16 channels `gather` takes at once."""
    return max(n for n in BLOCKS if channels % (n * LANES) == 0)


@compiled_parallel
def spiking_conv(events: Events, shape: Shape, weight, extra, neurons: Neurons, blocks, out):  # type: ignore[no-untyped-def]
    """Out uint8 [T, N, H, W, C]: the neurons' spikes from the events' currents plus `extra`.

    weight: int8 [rows, C]. extra: int32 [1 or T, N, H, W, C] or empty. The membranes of a pixel stay in the first-level
    cache while all steps run: exact, because nothing in a feed-forward network flows back.
    """
    s = shape
    width = blocks * LANES
    zeros = s.kernel_rows * s.kernel_columns * s.channels * s.out_channels
    pixels = s.out_rows * s.out_columns
    nothing = np.zeros(s.out_channels, np.int32)
    extra_step = (extra.size // max(1, extra.shape[0])) * 4 if extra.shape[0] > 1 else 0
    bias_pixel = s.out_channels * 4 if neurons.bias.shape[1] > 1 else 0
    bias_step = neurons.bias.shape[1] * s.out_channels * 4 if neurons.bias.shape[0] > 1 else 0
    theta_pixel = s.out_channels * 4 if neurons.theta.shape[0] > 1 else 0
    settings, bias = neurons.settings.ctypes.data, neurons.bias.ctypes.data
    theta, amount, keep = (
        neurons.theta.ctypes.data,
        neurons.amount.ctypes.data,
        neurons.keep.ctypes.data,
    )
    out_step = s.batch * pixels * s.out_channels
    for line in prange(s.batch * s.out_rows):
        n, y = line // s.out_rows, line % s.out_rows
        rows = np.empty((s.steps, s.kernel_rows + 1, 2), np.int64)
        count = 0
        for t in range(s.steps):
            count = image_rows(events, s, t, n, y, rows[t])
        acc, v, scratch = (
            np.zeros(width, np.int32),
            np.empty(width, np.int32),
            np.empty(SCRATCH, np.int32),
        )
        for x in range(s.out_columns):
            left = x * s.stride_columns - s.pad_columns
            first, last = max(0, left), min(s.columns, left + s.kernel_columns)
            pixel = y * s.out_columns + x
            for c in range(0, s.out_channels, width):
                clear(v.ctypes.data, blocks)
                target = out.ctypes.data + (n * pixels + pixel) * s.out_channels + c
                more = nothing.ctypes.data
                if extra.size:
                    more = extra.ctypes.data + ((n * pixels + pixel) * s.out_channels + c) * 4
                b = bias + pixel * bias_pixel + c * 4
                p = pixel * theta_pixel + c * 4
                start = weight.ctypes.data - left * s.channels * s.out_channels + c
                silent = zeros + left * s.channels * s.out_channels
                for t in range(s.steps):
                    gather(
                        rows.ctypes.data + t * rows.shape[1] * 16,
                        count,
                        events.codes.ctypes.data,
                        first,
                        last,
                        start,
                        s.out_channels,
                        silent,
                        scratch.ctypes.data,
                        acc.ctypes.data,
                        blocks,
                    )
                    fire(
                        settings,
                        neurons.kind,
                        acc.ctypes.data,
                        more + t * extra_step,
                        v.ctypes.data,
                        b + t * bias_step,
                        theta + p,
                        amount + p,
                        keep + p,
                        target + t * out_step,
                        blocks,
                    )


@compiled_parallel
def add_conv(events: Events, shape: Shape, weight, exponent, blocks, currents):  # type: ignore[no-untyped-def]
    """Currents int32 [T, N, H, W, C] += (the events' currents) << exponent; weight: int8 [rows, C]."""
    s = shape
    width = blocks * LANES
    zeros = s.kernel_rows * s.kernel_columns * s.channels * s.out_channels
    for line in prange(s.steps * s.batch * s.out_rows):
        image, y = line // s.out_rows, line % s.out_rows
        rows = np.empty((s.kernel_rows + 1, 2), np.int64)
        count = image_rows(events, s, image // s.batch, image % s.batch, y, rows)
        acc, scratch = np.zeros(width, np.int32), np.empty(SCRATCH, np.int32)
        for x in range(s.out_columns):
            left = x * s.stride_columns - s.pad_columns
            first, last = max(0, left), min(s.columns, left + s.kernel_columns)
            for c in range(0, s.out_channels, width):
                start = weight.ctypes.data - left * s.channels * s.out_channels + c
                silent = zeros + left * s.channels * s.out_channels
                gather(
                    rows.ctypes.data,
                    count,
                    events.codes.ctypes.data,
                    first,
                    last,
                    start,
                    s.out_channels,
                    silent,
                    scratch.ctypes.data,
                    acc.ctypes.data,
                    blocks,
                )
                place = (line * s.out_columns + x) * s.out_channels + c
                add_shifted(acc.ctypes.data, exponent, currents.ctypes.data + place * 4, blocks)


@compiled
def image_rows(events: Events, s: Shape, t, n, y, rows):  # type: ignore[no-untyped-def]
    """Fill `rows` (see `vectors.gather`) with the image rows that output row y sees; returns how many."""
    top = y * s.stride_rows - s.pad_rows
    count = 0
    for ky in range(max(0, -top), min(s.kernel_rows, s.rows - top)):
        line = (t * s.batch + n) * s.rows + top + ky
        rows[count, 0] = events.begins.ctypes.data + line * (s.columns + 1) * 4
        rows[count, 1] = ky * s.kernel_columns * s.channels * s.out_channels
        count += 1
    return count
