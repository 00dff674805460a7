"""Numbers as a reader wants them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """Whole numbers with their thousands apart, others with four digits.

    >>> number(12345), number(0.0123456), number(2.5e-9)
    ('12,345', '0.01235', '2.5e-09')
    """
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e12 else f"{value:.4g}"


def span(values: NDArray[Any]) -> str:
    """`lowest … highest`, or the one value.

    >>> span(np.array([3, -1])), span(np.array([2.0, 2.0]))
    ('-1 … 3', '2')
    """
    if not values.size:
        return "none"
    low, high = number(float(values.min())), number(float(values.max()))
    return low if low == high else f"{low} … {high}"


def powers(values: NDArray[Any]) -> str:
    """`span` in powers of two, where all are.

    >>> powers(np.array([0.25, 2.0])), powers(np.array([0.3]))
    ('2⁻² … 2¹', '0.3')
    """
    exponents = [math.log2(v) if v > 0 else math.nan for v in np.unique(values).tolist()]
    if not all(e.is_integer() for e in exponents):
        return span(values)
    low, high = (f"2{str(int(e)).translate(RAISED)}" for e in (min(exponents), max(exponents)))
    return low if low == high else f"{low} … {high}"


def percent(part: float) -> str:
    """A part of one in percent, three digits; what is not zero never reads as zero.

    >>> percent(0.98765), percent(0.00001), percent(0.0), percent(1.0)
    ('98.8 %', '0.001 %', '0 %', '100 %')
    """
    return f"{float(f'{100 * part:.3g}'):.12g} %"


def shape_text(shape: tuple[int, ...]) -> str:
    """`16×14×14`, or the length of a vector.

    >>> shape_text((16, 14, 14)), shape_text((10, 1, 1))
    ('16×14×14', '10')
    """
    return str(shape[0]) if shape[1:] == (1, 1) else "×".join(map(str, shape))
