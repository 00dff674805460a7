"""Choices of rounding, each compared with the definition over all small values."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from snn2chip.arrays import floats
from snn2chip.neuron import Compare, Emits, NeuronModel
from snn2chip.quantize.neurons import bias_of, coarse, compact, delta, strict_threshold
from tests.circuit.build import population
from tests.quantize.build import WIDTHS, one


@pytest.mark.parametrize("unit", [1.0, 0.25, 2.0])
@pytest.mark.parametrize("compare", list(Compare))
def test_a_strict_integer_threshold_fires_the_same(compare, unit):
    """Thresholds in 48ths of a unit, so on, below and above the grid; membranes around them."""
    ties = 0
    for k in range(-3 * 48, 3 * 48 + 1):
        theta = k / 16 * unit / 3 if k % 3 else k / 48 * unit
        whole = strict_threshold(np.array([theta]), np.array([unit]), compare)[0]
        for v in range(-4, 5):
            real = Fraction(v) * Fraction(unit)
            ties += real == Fraction(theta)
            fires = (
                real >= Fraction(theta)
                if compare is Compare.GREATER_EQUAL
                else real > Fraction(theta)
            )
            assert (v > whole) == fires, (theta, v)
    assert ties >= 7


@pytest.mark.parametrize("step", [1, 4, 64])
@pytest.mark.parametrize("granularity", [1, 2, 3, 8, 64, 96])
def test_coarse_thresholds_fire_the_same_where_any_can(step, granularity):
    membranes = np.arange(-500 // granularity, 500 // granularity) * granularity
    multiples = np.arange(-384, 385, step)
    patterns = {(membranes > t).tobytes() for t in multiples}
    possible = 0
    for theta in range(-200, 200):
        moved = int(coarse(np.array([theta]), step, np.array([granularity]))[0])
        assert moved % step == 0
        fires = membranes > theta
        if fires.tobytes() in patterns:
            possible += 1
            assert np.array_equal(membranes > moved, fires), (theta, moved)
        else:
            assert abs(moved - theta) <= step / 2
    assert possible > 0


def test_every_decay_of_twelve_bits_is_exact():
    kept = np.arange(1, 4097)
    model = NeuronModel(decay=floats((kept / 4096).reshape(-1, 1, 1)))
    assert (4096 - delta(model).ravel()).tolist() == kept.tolist()


@pytest.mark.parametrize(
    ("decay", "expected"),
    [(0.0, 4095), (1e-9, 4095), (1.0, 0), (0.5, 2048), (0.874, 516), (0.25, 3072), (0.99995, 0)],
)
def test_decays_round_to_the_nearest(decay, expected):
    assert delta(NeuronModel(decay=one(decay))).item() == expected


def test_graded_neurons_start_anew_and_do_not_decay():
    assert delta(NeuronModel(decay=one(0.0), emits=Emits.GRADED)).item() == 0


def test_biases_round_half_to_even():
    bias = floats(np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49]).reshape(6, 1, 1))
    got = bias_of(population("n", (6, 2, 2), bias=bias), np.ones((6, 1, 1)), WIDTHS)
    assert got.shape == (6, 1, 1) and got.ravel().tolist() == [0, 2, 2, 0, -2, 0]


def test_large_biases_are_a_mantissa_with_the_smallest_exponent():
    widths = replace(WIDTHS, bias_bits=4, bias_exponent_max=3)
    real = np.arange(-56, 57) / 1.0
    bias = floats(real.reshape(-1, 1, 1))
    got = bias_of(population("n", (113, 1, 1), bias=bias), np.ones((113, 1, 1)), widths).ravel()
    for x, y in zip(real, got, strict=True):
        exponent = next(e for e in range(4) if abs(round(x / 2**e)) <= 7)
        assert y == round(x / 2**exponent) * 2**exponent, (x, y)


@pytest.mark.parametrize(
    ("shape", "values", "expected"),
    [
        ((2, 3, 3), np.ones((1, 1, 1)), (2, 1, 1)),
        ((2, 3, 3), np.ones((2, 3, 3)), (2, 1, 1)),
        ((2, 3, 3), np.arange(18).reshape(2, 3, 3), (2, 3, 3)),
        ((2, 3, 3), np.ones((4, 2, 1, 1)), (2, 1, 1)),
        ((2, 3, 3), np.arange(4).reshape(4, 1, 1, 1), (4, 2, 1, 1)),
        ((2, 3, 3), np.arange(36).reshape(4, 1, 3, 3), (4, 2, 3, 3)),
    ],
)
def test_compact_keeps_what_differs(shape, values, expected):
    got = compact(values.astype(np.int64), shape)
    assert got.shape == expected
    full = (4, *shape)
    assert np.array_equal(np.broadcast_to(got, full), np.broadcast_to(values, full))
