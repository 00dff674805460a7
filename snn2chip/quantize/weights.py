"""Weights: at which exponents a channel's weights fit their bits, and rounding them there."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray, IntArray, ints
from snn2chip.errors import Snn2ChipError
from snn2chip.quantize.grid import log2_up, power, round_even
from snn2chip.quantize.types import Widths

FINER = 2
"""How many octaves below the finest fit the method `mse` looks."""


def weight_range(bits: int) -> tuple[int, int]:
    """Smallest and largest integer of `bits` bits, two's complement."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def narrowed(widths: Widths, weight_bits: int | None) -> Widths:
    """`widths` with weights of `weight_bits` bits, where that is not None. Errors: option-value."""
    most = widths.weight_bits
    if weight_bits is not None and not 2 <= weight_bits <= most:
        raise Snn2ChipError(
            "option-value",
            "--weight-bits",
            "is no width of this target",
            have=str(weight_bits),
            need=f"2..{most}, the target's",
        )
    return widths if weight_bits is None else replace(widths, weight_bits=weight_bits)


def finest_fit(weight: FloatArray, bits: int) -> FloatArray:
    """[C].

    Smallest whole x at which every weight / 2^x of the channel rounds (half even) into `bits` bits;
    -inf for zeros.
    """
    rows = weight.reshape(len(weight), -1)
    low, high = np.minimum(rows.min(1, initial=0.0), 0.0), np.maximum(rows.max(1, initial=0.0), 0.0)
    least, most = weight_range(bits)
    x = log2_up(np.maximum(high, -low)) - bits
    while True:
        over = (np.rint(high * power_of(-x)) > most) | (np.rint(low * power_of(-x)) < least)
        if not over.any():
            return x
        x = np.where(over, x + 1, x)


def tight_fit(weight: FloatArray, bits: int) -> FloatArray:
    """[C]: real x with 2^x = max|w| / (2^(bits-1) - 1): a free scale; -inf for zeros."""
    most = np.abs(weight).reshape(len(weight), -1).max(1, initial=0.0) / weight_range(bits)[1]
    with np.errstate(divide="ignore"):
        return np.log2(most)


def least_squares_fit(weight: FloatArray, bits: int) -> FloatArray:
    """[C].

    The whole x, at most FINER below the finest fit, with the least Σ (w - ŵ)²; weights beyond the
    range are clipped.
    """
    start = finest_fit(weight, bits)
    tries = [start - k for k in range(FINER + 1)]
    errors = np.stack([_squared_error(weight, x, bits) for x in tries])
    return start - errors.argmin(0)


def rounded(weight: FloatArray, x: FloatArray, bits: int) -> IntArray:
    """The weight / 2^x by channel, half even, clipped to `bits` bits."""
    least, most = weight_range(bits)
    return ints(np.clip(round_even(weight * _rows(power_of(-x), weight.ndim)), least, most))


def restored(integers: IntArray, x: FloatArray) -> FloatArray:
    """The integers · 2^x by channel."""
    return (integers * _rows(power_of(x), integers.ndim)).astype(np.float64, copy=False)


def power_of(x: FloatArray) -> FloatArray:
    """2^x, and 0 where x is infinite (a channel of zeros has no scale of its own)."""
    finite = np.isfinite(x)
    return np.where(finite, power(np.where(finite, x, 0.0)), 0.0)


def _squared_error(weight: FloatArray, x: FloatArray, bits: int) -> FloatArray:
    error = (restored(rounded(weight, x, bits), x) - weight).reshape(len(weight), -1)
    return np.einsum("ci,ci->c", error, error)


def _rows(values: NDArray[Any], ndim: int) -> NDArray[Any]:
    return values.reshape(-1, *(1,) * (ndim - 1))
