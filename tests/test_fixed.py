"""Every function of the arithmetic against Python's own integers and fractions, over all small values."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from snn2chip import fixed

WIDE = np.array([-(2**35), -(2**23), 2**23 - 1, 2**35])


def values(limit: int) -> np.ndarray:
    return np.concatenate([np.arange(-limit, limit + 1), WIDE])


def toward_zero(x: Fraction) -> int:
    return floor(x) if x >= 0 else -floor(-x)


def half_even(x: Fraction) -> int:
    return round(x)  # Python rounds fractions half to even, without floats


@pytest.mark.parametrize("delta", [0, 1, 2, 409, 516, 1024, 2047, 2048, 2049, 3072, 4094, 4095])
def test_decay_keeps_a_part_toward_zero(delta):
    v = values(5000)
    expected = [toward_zero(Fraction(int(x) * (4096 - delta), 4096)) for x in v]
    assert fixed.decay(v, delta).tolist() == expected


def test_decay_by_channel_and_every_delta_of_small_membranes():
    delta = np.arange(4096)
    for v in range(-9, 10):
        got = fixed.decay(np.full(4096, v), delta)
        assert got.tolist() == [toward_zero(Fraction(v * (4096 - int(d)), 4096)) for d in delta]


def test_the_largest_delta_forgets_what_is_below_4096():
    v = values(4096)
    got = fixed.decay(v, 4095)
    assert not got[np.abs(v) < 4096].any()
    assert got[np.abs(v) >= 4096].all()


@pytest.mark.parametrize("bits", range(9))
def test_shifts(bits):
    a = values(1000)
    assert fixed.shift_toward_zero(a, bits).tolist() == [
        toward_zero(Fraction(int(x), 2**bits)) for x in a
    ]
    assert fixed.shift_left(a, bits).tolist() == [int(x) * 2**bits for x in a]


@pytest.mark.parametrize("limit", [1, 7, 127, 2**23 - 1])
def test_saturate_clips_on_both_sides(limit):
    v = values(300)
    assert fixed.saturate(v, limit).tolist() == [max(-limit, min(limit, int(x))) for x in v]


@pytest.mark.parametrize("bits", range(8))
def test_round_half_even(bits):
    v = values(1000)
    ties = [x for x in v if bits and int(x) % 2**bits == 2 ** (bits - 1)]
    assert bits == 0 or len(ties) > 7
    assert fixed.round_half_even(v, bits).tolist() == [
        half_even(Fraction(int(x), 2**bits)) for x in v
    ]


@pytest.mark.parametrize("bits", range(8))
def test_thresholds_reached_counts_subtractions(bits):
    theta = 2**bits
    for v in range(-300, 300):
        left, at_or_above, above = v, 0, 0
        while left >= theta:
            left, at_or_above = left - theta, at_or_above + 1
        left = v
        while left > theta:
            left, above = left - theta, above + 1
        assert fixed.thresholds_reached(np.array([v]), bits, True)[0] == at_or_above
        assert fixed.thresholds_reached(np.array([v]), bits, False)[0] == above


def test_signed_bits_are_the_fewest():
    for low in range(-70, 1):
        for high in range(70):
            bits = fixed.signed_bits(low, high)
            assert -(2 ** (bits - 1)) <= low and high < 2 ** (bits - 1)
            fewer = bits - 1
            assert fewer == 0 or low < -(2 ** (fewer - 1)) or high >= 2 ** (fewer - 1)
