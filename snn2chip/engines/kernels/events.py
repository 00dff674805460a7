"""Event lists: which channels of which pixels are not zero, in the order in which a convolution reads them.

The events of an image row are the codes `x * C + c` of its values, ordered by x; a value n (a join of n spikes) is n
events. The columns that one output pixel sees are therefore one slice of the list, and the weights of an event are
found from its code and the output pixel by adding.
"""

from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from snn2chip.engines.kernels.compiled import compiled_parallel
from snn2chip.engines.kernels.vectors import FIRST_BITS, LANES, append_events

SLACK = 16
"""Entries that `append_events` and `gather` may touch behind the end of a row."""


class Events(NamedTuple):
    """codes: int32, all rows one after the other. begins: int32 [T*N*H, W+1], where the events of each pixel begin."""

    codes: NDArray[np.int32]
    begins: NDArray[np.int32]


NO_EVENTS = Events(np.empty(0, np.int32), np.empty((0, 0), np.int32))


def events_of(values: NDArray[np.uint8]) -> Events:
    """The events of uint8 values [T, N, H, W, C]."""
    steps, batch, rows, columns, channels = values.shape
    lines = values.reshape(steps * batch * rows, columns * channels)
    highest = np.empty(len(lines), np.int64)
    starts = np.empty(len(lines) + 1, np.int64)
    _count(lines, starts, highest)
    codes = np.empty(int(starts[-1]), np.int32)
    begins = np.empty((len(lines), columns + 1), np.int32)
    _fill(lines, starts, highest, channels, FIRST_BITS, codes, begins)
    return Events(codes, begins)


@compiled_parallel
def _count(lines, starts, highest):  # type: ignore[no-untyped-def]
    """Where the events of each line begin, with SLACK between lines, and the highest value of each."""
    for r in prange(len(lines)):
        total, most = 0, 0
        for i in range(lines.shape[1]):
            total += lines[r, i]
            most = max(most, lines[r, i])
        starts[r + 1] = total + SLACK
        highest[r] = most
    starts[0] = 0
    for r in range(len(lines)):
        starts[r + 1] += starts[r]


@compiled_parallel
def _fill(lines, starts, highest, channels, first_bits, codes, begins):  # type: ignore[no-untyped-def]
    table, target = first_bits.ctypes.data, codes.ctypes.data
    columns = begins.shape[1] - 1
    whole = channels // LANES * LANES
    for r in prange(len(lines)):
        source = lines.ctypes.data + r * lines.shape[1]
        at = starts[r]
        for x in range(columns):
            begins[r, x] = at
            code = x * channels
            for level in range(highest[r]):
                for c in range(0, whole, LANES):
                    at = append_events(table, source + code + c, level, code + c, target, at)
                for c in range(code + whole, code + channels):
                    if lines[r, c] > level:
                        codes[at] = c
                        at += 1
        begins[r, columns] = at
