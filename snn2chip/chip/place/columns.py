"""`columns`: layer after layer down the columns of the mesh, chip after chip.

A layer's tiles lie side by side with those of the next layer that they send to.
"""

import numpy as np

from snn2chip.chip.mesh import Grid
from snn2chip.chip.place.traffic import Traffic
from snn2chip.chip.place.types import Placed


def place(traffic: Traffic, grid: Grid, seed: int, seconds: float) -> Placed:
    """Core i in place i: that is how a grid counts its places. Nothing is searched: `seed` and `seconds` do nothing."""
    del grid, seed, seconds
    return Placed(places=np.arange(traffic.cores, dtype=np.int64))
