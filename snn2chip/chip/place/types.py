"""What a way of placing cores is: traffic, grid, seed and time limit in, a place for each core out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.mesh import Grid
from snn2chip.chip.place.traffic import Traffic


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """`places` [cores]: number of each core's place in the grid, each at most once.

    `bound`: no placement on this grid has fewer spike-hops (0: nothing is proved). `cut`: the time limit ended the
    search: the same seed may give another placement on another machine.
    """

    places: IntArray
    bound: int = 0
    cut: bool = False


Place = Callable[[Traffic, Grid, int, float], Placed]
"""`place(traffic, grid, seed, seconds)`: a pure function; the same arguments, the same places."""


def cost(traffic: Traffic, grid: Grid, places: IntArray) -> int:
    """Spike-hops of cores at these places."""
    return traffic.spike_hops(grid.east[places], grid.south[places])


class Neighbours(NamedTuple):
    """Traffic in both directions, by core: those of core i are `first[i]..first[i + 1]` of `other` and `messages`."""

    first: IntArray
    other: IntArray
    messages: IntArray


def neighbours_of(traffic: Traffic) -> Neighbours:
    """Who talks with whom, without direction: a hop costs the same both ways."""
    n = traffic.cores
    both = np.concatenate(
        [traffic.source * n + traffic.target, traffic.target * n + traffic.source]
    )
    keys, where = np.unique(both, return_inverse=True)
    messages = np.zeros(len(keys), np.int64)
    np.add.at(messages, where, np.concatenate([traffic.messages] * 2))
    first = np.searchsorted(keys // max(n, 1), np.arange(n + 1)).astype(np.int64)
    return Neighbours(first=first, other=keys % max(n, 1), messages=messages)
