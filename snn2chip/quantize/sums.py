"""Bounds on what a projection can add to a neuron, from its weights and the bounds of its sources.

For ints and for floats.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray
from snn2chip.circuit.types import Conv, Dense, Identity, Kernel, Shape

Numbers = NDArray[Any]
"""[C] or a matrix; int64 or float64."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """Smallest and largest value of each channel, [C]."""

    low: IntArray
    high: IntArray

    @property
    def magnitude(self) -> IntArray:
        """Largest |value| of each channel."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """Per target channel [C]: the sum's bounds, and Σ |w|·|source|, which no partial sum in any order exceeds."""

    low: Numbers
    high: Numbers
    partial: Numbers


def joined(sources: list[Bounds]) -> Bounds:
    """Bounds of the sum of a join's summands."""
    return Bounds(low=sum(s.low for s in sources), high=sum(s.high for s in sources))  # type: ignore[arg-type]


def sums(kernel: Kernel, weight: Numbers, source: Bounds, source_shape: Shape) -> Sums:
    """Bounds of W · source for one neuron of each target channel, anywhere on the map.

    Zero padding is in the interval.
    """
    low, high = np.minimum(source.low, 0), np.maximum(source.high, 0)
    up = _matrix(kernel, np.maximum(weight, 0), source_shape)
    down = _matrix(kernel, np.minimum(weight, 0), source_shape)
    return Sums(
        low=_times(kernel, up, low) + _times(kernel, down, high),
        high=_times(kernel, up, high) + _times(kernel, down, low),
        partial=_times(kernel, up - down, np.maximum(high, -low)),
    )


def _matrix(kernel: Kernel, weight: Numbers, source_shape: Shape) -> Numbers:
    """Weights summed over everything but target and source channel: [O, I/groups] ([C] for Identity)."""
    if isinstance(kernel, Conv):
        return weight.sum((2, 3))
    if isinstance(kernel, Dense) and not kernel.pooled:
        return weight.reshape(len(weight), source_shape[0], -1).sum(2)
    return weight * _positions(kernel, source_shape)


def _positions(kernel: Kernel, source_shape: Shape) -> int:
    pooled = isinstance(kernel, Dense) and kernel.pooled
    return source_shape[1] * source_shape[2] if pooled else 1


def _times(kernel: Kernel, matrix: Numbers, x: Numbers) -> Numbers:
    if isinstance(kernel, Identity):
        return matrix * x
    groups = kernel.groups if isinstance(kernel, Conv) else 1
    per_out = matrix.reshape(groups, -1, matrix.shape[1])
    return (per_out @ x.reshape(groups, -1, 1)).reshape(-1)
