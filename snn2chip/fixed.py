"""Integer arithmetic, all of it. Every function works on numpy int64 arrays and, compiled, on single integers.

`engines/spec.py` applies these; no other module shifts, rounds or saturates.
"""

import numpy as np

from snn2chip.arrays import IntArray

DECAY_BITS = 12
DECAY_ONE = 1 << DECAY_BITS
"""4096: a decay δ keeps (4096 - δ) / 4096 of the membrane."""


def decay(v: IntArray, delta: IntArray | int) -> IntArray:
    """sign(v) · ((|v| · (4096 - δ)) >> 12): toward zero.

    >>> decay(np.array([-5, 5]), 2048)
    array([-2,  2])
    """
    return np.sign(v) * ((np.abs(v) * (DECAY_ONE - delta)) >> DECAY_BITS)


def shift_toward_zero(a: IntArray, bits: int) -> IntArray:
    """sign(a) · (|a| >> bits).

    >>> shift_toward_zero(np.array([-5, 5]), 1)
    array([-2,  2])
    """
    return np.sign(a) * (np.abs(a) >> bits)


def saturate(v: IntArray, limit: int) -> IntArray:
    """clip(v, -limit, limit)."""
    return np.minimum(np.maximum(v, -limit), limit)


def shift_left(a: IntArray, bits: int) -> IntArray:
    """A · 2^bits.

    >>> shift_left(np.array([-3]), 2)
    array([-12])
    """
    return a << bits


def round_half_even(v: IntArray, bits: int) -> IntArray:
    """V / 2^bits, rounded to the nearest integer, halves to the even one.

    >>> round_half_even(np.array([-3, -1, 1, 3, 5]), 1)
    array([-2,  0,  0,  2,  2])
    """
    down = v >> bits
    rest = v - (down << bits)
    twice = rest * 2
    one = 1 << bits
    return down + ((twice > one) | ((twice == one) & ((down & 1) == 1)))


def thresholds_reached(v: IntArray, bits: int, ge: bool) -> IntArray:
    """How often 2^bits fits into a positive v: max(0, v - [not ge]) >> bits (ge: a membrane that equals it counts).

    >>> thresholds_reached(np.array([-9, 3, 4, 8]), 2, True), thresholds_reached(np.array([-9, 3, 4, 8]), 2, False)
    (array([0, 0, 1, 2]), array([0, 0, 0, 1]))
    """
    return np.maximum(v - (0 if ge else 1), 0) >> bits


def signed_bits(low: int, high: int) -> int:
    """Fewest bits of a two's complement number that holds low..high (at least 1).

    >>> signed_bits(-8, 7), signed_bits(0, 8), signed_bits(0, 0)
    (4, 5, 1)
    """
    return max(_magnitude_bits(low), _magnitude_bits(high)) + 1


def _magnitude_bits(value: int) -> int:
    return int(value).bit_length() if value >= 0 else int(-value - 1).bit_length()
