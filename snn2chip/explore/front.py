"""The Pareto front: the points that no other point beats."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

K = TypeVar("K")


def front(costs: Mapping[K, Sequence[float]]) -> frozenset[K]:
    """The keys that no other beats: with no cost larger, and one smaller. Every key has as many costs.

    >>> sorted(front({"a": (1, 2), "b": (2, 1), "c": (2, 2), "d": (1, 2)}))
    ['a', 'b', 'd']
    """

    def beaten(mine: Sequence[float]) -> bool:
        return any(
            all(x <= y for x, y in zip(other, mine, strict=True)) and tuple(other) != tuple(mine)
            for other in costs.values()
        )

    return frozenset(key for key, mine in costs.items() if not beaten(mine))
