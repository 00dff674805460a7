"""Powers of two.

The grid that numbers lie on, and exact scaling by 2^x. Exponents are float64 arrays; -inf and inf
mean none.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snn2chip.arrays import FloatArray, IntArray

Values = NDArray[Any]


def finest_bit(values: ArrayLike) -> FloatArray:
    """Exponent g of each value's lowest set bit: value = odd · 2^g; inf for 0.

    >>> finest_bit([0.75, -6.0, 0.0])
    array([-2.,  1., inf])
    """
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    low_bit = (whole & -whole).astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.where(whole == 0, np.inf, np.log2(low_bit) + exponent - 53)


def grid_of(values: Values) -> FloatArray:
    """Exponent of the coarsest power-of-two grid that holds every value of each row: [C, ...] -> [C]."""
    return finest_bit(values).reshape(len(values), -1).min(1, initial=np.inf)


def log2_up(values: ArrayLike) -> FloatArray:
    """Smallest whole x with value <= 2^x; -inf for 0. Exact.

    >>> log2_up([1.0, 1.5, 0.25, 0.0])
    array([  0.,   1.,  -2., -inf])
    """
    mantissa, exponent = np.frexp(np.asarray(values, np.float64))
    return np.where(mantissa == 0, -np.inf, exponent - (mantissa == 0.5))


def is_power_of_two(values: ArrayLike) -> bool:
    """Whether every value is 2^x for a whole x."""
    array = np.asarray(values, np.float64)
    return bool(
        (array > 0).all() and np.array_equal(np.ldexp(1.0, log2_up(array).astype(np.int64)), array)
    )


def power(x: ArrayLike) -> FloatArray:
    """2^x; exact for whole x."""
    array = np.asarray(x, np.float64)
    whole = np.floor(array)
    return np.ldexp(np.exp2(array - whole), whole.astype(np.int64))


def round_even(values: Values) -> IntArray:
    """Nearest integers, halves to the even one."""
    return np.rint(values).astype(np.int64)
