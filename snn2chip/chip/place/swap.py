"""`swap`: columns, improved by exchanging two cores at a time (or a core and a free place).

Simulated annealing (Kirkpatrick 1983): an exchange that costs Δ more spike-hops is made with probability exp(-Δ / T),
while T falls from the mean cost of a core to a hundredth of it; a last round takes improvements alone. Proposals are
places near a neighbour in the traffic, ever closer as T falls. The number of proposals follows from the number of
cores, not from the clock. What is found is never worse than where it began.
"""

import time

from snn2chip.arrays import IntArray
from snn2chip.chip.mesh import Grid
from snn2chip.chip.place import columns
from snn2chip.chip.place.traffic import Traffic
from snn2chip.chip.place.types import Placed, cost, neighbours_of

PROPOSALS = 2000
"""For each core."""

ROUNDS = 50
"""Temperatures; the clock is looked at between them."""


def place(traffic: Traffic, grid: Grid, seed: int, seconds: float) -> Placed:
    """The columns, improved."""
    begin = columns.place(traffic, grid, seed, seconds).places
    return improved(traffic, grid, begin, seed, seconds, hot=1.0)


def improved(
    traffic: Traffic, grid: Grid, begin: IntArray, seed: int, seconds: float, *, hot: float
) -> Placed:
    """`begin` improved; `hot`: the first temperature, in mean costs of a core."""
    from snn2chip.chip.place.exchange import exchange, state_of, tiles_of

    at_first = cost(traffic, grid, begin)
    if at_first == 0:
        return Placed(places=begin)
    stop = time.monotonic() + seconds
    neighbours, tiles = neighbours_of(traffic), tiles_of(grid)
    state = state_of(grid, begin, seed)
    unit = at_first / traffic.cores
    proposals = PROPOSALS * traffic.cores // ROUNDS
    cut = False
    for done in range(ROUNDS + 1):
        if time.monotonic() > stop:
            cut = True
            break
        part = done / ROUNDS
        temperature = unit * hot * 0.01**part if done < ROUNDS else 0.0
        reach = max(1, round(tiles.columns * (1 - part)))
        exchange(neighbours, tiles, state, proposals, temperature, reach)
    places = state.places.copy()
    return Placed(places=places if cost(traffic, grid, places) < at_first else begin, cut=cut)
