import numpy as np
import pytest

from snn2chip.circuit.types import InputKind
from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData
from snn2chip.quantize.input import (
    choose_input,
    clipped_values,
    dequantize_input,
    quantize_input,
)

SHAPE = (1, 2, 3)


def sample(values) -> InputData:
    return InputData(
        kind=InputKind.STATIC, values=np.asarray(values, np.float64).reshape(-1, 1, 2, 3)
    )


def chosen(values, **options):
    return choose_input(SHAPE, InputKind.STATIC, sample(values), **options)


@pytest.mark.parametrize(
    ("values", "bits", "scale", "signed"),
    [
        ([0, 1, 2, 3, 4, 5], 3, 1.0, False),
        ([0, 4, 8, 12, 0, 0], 2, 4.0, False),
        ([0, 0.25, 0.5, 0.75, 0, 255 / 4], 8, 0.25, False),
        ([-1, 0, 1, 0, 0, 0], 2, 1.0, True),
        ([-2, 0, 1, 0, 0, 0], 2, 1.0, True),
        ([0, 1 / 256, 255 / 256, 0, 0, 0], 8, 1 / 256, False),
        ([65535, 1, 0, 0, 0, 0], 16, 1.0, False),
        ([-32768, 1, 0, 0, 0, 0], 16, 1.0, True),
        ([0, 0, 0, 0, 0, 0], 1, 1.0, False),
    ],
)
def test_fewest_bits_that_are_exact(values, bits, scale, signed):
    q = chosen(values)
    assert (q.bits, q.scale, q.signed) == (bits, scale, signed)
    integers, error = quantize_input(q, sample(values))
    assert error == 0.0 and integers.values.dtype == np.int64
    assert np.array_equal(dequantize_input(q, integers).values, sample(values).values)


@pytest.mark.parametrize(
    ("values", "scale", "signed"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.99], 2.0**-8, False),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 255.4], 1.0, False),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 255.6], 2.0, False),
        ([-0.1, 0.2, 0.3, 0.4, 0.5, 127.4], 1.0, True),
        ([-128.3, 0.2, 0.3, 0.4, 0.5, 0.1], 1.0, True),
        ([65536, 1, 0, 0, 0, 0], 512.0, False),
    ],
)
def test_eight_bits_where_it_is_not_exact(values, scale, signed):
    q = chosen(values)
    assert (q.bits, q.scale, q.signed) == (8, scale, signed)
    integers, error = quantize_input(q, sample(values))
    assert 0 < error <= scale / 2
    assert integers.values.min() >= q.low and integers.values.max() <= q.high
    assert clipped_values(q, sample(values)) == 0


def test_bits_and_sign_as_asked():
    assert chosen([0, 1, 2, 3, 4, 5], bits=2).scale == 2.0
    assert chosen([0, 1, 2, 3, 4, 5], bits=12).bits == 3
    assert chosen([0, 1, 2, 3, 4, 5], signed=True).bits == 4
    negative = chosen([-3, 1, 2, 3, 4, 5], signed=False)
    assert clipped_values(negative, sample([-3, 1, 2, 3, 4, 5])) == 1
    assert quantize_input(negative, sample([-3, 1, 2, 3, 4, 5]))[1] == 3.0
    with pytest.raises(Snn2ChipError, match="input bits"):
        chosen([0] * 6, bits=17)


def test_halves_round_to_even_and_the_range_clips():
    q = chosen([0, 1, 2, 3, 0, 0])
    integers, error = quantize_input(q, sample([0.5, 1.5, 2.5, 9.0, -2.0, 3.4]))
    assert integers.values.ravel().tolist() == [0, 2, 2, 3, 0, 3]
    assert error == 6.0 and clipped_values(q, sample([0.5, 1.5, 2.5, 9.0, -2.0, 3.4])) == 2


def test_without_a_sample_values_lie_below_one():
    q = choose_input(SHAPE, InputKind.FRAMES, None)
    assert (q.bits, q.scale, q.signed) == (8, 2.0**-8, False)
    assert choose_input(SHAPE, InputKind.FRAMES, None, signed=True).scale == 2.0**-7


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(Snn2ChipError, match="finite"):
        chosen([0, np.nan, 0, 0, 0, 0])
