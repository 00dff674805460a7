"""Array types and the one way to make an array read-only."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

A = TypeVar("A", bound=NDArray[Any])

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Spikes = NDArray[Any]
"""Outputs of neurons: uint8 where they fit, int32 where they do not."""


def floats(values: ArrayLike) -> FloatArray:
    """A read-only float64 array of `values` (a copy unless it is one already)."""
    return frozen(np.asarray(values, np.float64))


def ints(values: ArrayLike) -> IntArray:
    """A read-only int64 array of `values`; a value that is not whole is our bug."""
    array = np.asarray(values)
    whole = array.astype(np.int64)
    if not np.array_equal(whole, array):
        raise ValueError("values are not whole")
    return frozen(whole)


def frozen(array: A) -> A:
    """`array` itself if it is read-only already, else a read-only copy."""
    if not array.flags.writeable:
        return array
    array = array.copy()
    array.flags.writeable = False
    return array
