"""`metis`: which cores share a chip by METIS (fewest messages between chips), which chip and which tile by exchanges.

METIS (Karypis and Kumar 1998) cuts the graph of the traffic into one part for each chip, and exchanges of whole parts
lay them out. A part may be a core too large for its chip: cores that cost least move on to chips with room. Then the
exchanges of `swap` begin at a low temperature, which keeps most of the cut. On one chip nothing is cut: this is `swap`.
"""

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray
from snn2chip.chip.mesh import Grid
from snn2chip.chip.place import columns, swap
from snn2chip.chip.place.traffic import Traffic, summed
from snn2chip.chip.place.types import Neighbours, Placed, cost, neighbours_of
from snn2chip.errors import Snn2ChipError

WARM = 0.2
"""First temperature of the exchanges, in mean costs of a core."""


def place(traffic: Traffic, grid: Grid, seed: int, seconds: float) -> Placed:
    """A cut between chips, improved; never worse than columns."""
    chips, room = np.unique(grid.chip, return_counts=True)
    if len(chips) < 2 or not len(traffic.source):
        return swap.place(traffic, grid, seed, seconds)
    neighbours = neighbours_of(traffic)
    parts = _laid_out(_cut(neighbours, room, seed), traffic, grid, chips, seed, seconds)
    begin = _places(_fitted(parts, neighbours, room), grid, chips)
    found = swap.improved(traffic, grid, begin, seed, seconds, hot=WARM)
    plain = columns.place(traffic, grid, seed, seconds)
    return min(found, plain, key=lambda p: cost(traffic, grid, p.places))


def _cut(neighbours: Neighbours, room: IntArray, seed: int) -> IntArray:
    """The part of each core; part k is to hold as many cores as chip k."""
    try:
        import pymetis
    except ImportError as e:
        raise Snn2ChipError(
            "package-missing",
            "--place metis",
            "pymetis is not installed",
            help="pip install 'snn2chip[place]', or take --place swap",
        ) from e
    n = neighbours
    graph = pymetis.CSRAdjacency(n.first.astype(np.int32), n.other.astype(np.int32))
    weights = np.maximum(n.messages * (1 << 20) // max(int(n.messages.max()), 1), 1)
    _, parts = pymetis.part_graph(
        len(room),
        adjacency=graph,
        eweights=weights.astype(np.int32),
        tpwgts=(room / room.sum()).tolist(),
        options=pymetis.Options(seed=seed % 2**31, ufactor=1),
    )
    return np.asarray(parts, np.int64)


def _laid_out(
    parts: IntArray, traffic: Traffic, grid: Grid, chips: IntArray, seed: int, seconds: float
) -> IntArray:
    """The number of the chip (among those in use) for each core: parts by their layers, then exchanged as wholes."""
    count = len(chips)
    size = np.maximum(np.bincount(parts, minlength=count), 1)
    layer = np.bincount(parts, np.arange(len(parts)), count) / size
    parts = np.argsort(np.argsort(layer, kind="stable"), kind="stable")[parts]
    between = summed(count, [(parts[traffic.source], parts[traffic.target], traffic.messages)])
    corner = [int(np.flatnonzero(grid.chip == chip)[0]) for chip in chips[_order(grid)]]
    coarse = Grid(
        chip_columns=grid.chip_columns,
        chip=grid.chip[corner],
        core=grid.core[corner],
        east=grid.east[corner],
        south=grid.south[corner],
    )
    places = swap.place(between, coarse, seed, seconds).places
    return np.searchsorted(chips, coarse.chip[places])[parts]


def _order(grid: Grid) -> IntArray:
    """The chips in use (by their number among them) in the order of the grid: to and fro."""
    _, first = np.unique(grid.chip, return_index=True)
    return np.argsort(first)


def _fitted(parts: IntArray, neighbours: Neighbours, room: IntArray) -> IntArray:
    """`parts` with no more cores in each than it has room for: those that cost least move where they cost least."""
    parts, size = parts.copy(), np.bincount(parts, minlength=len(room))
    while (size > room).any():
        full = int(np.argmax(size - room))
        moves = [
            _move(int(core), parts, neighbours, size < room)
            for core in np.flatnonzero(parts == full)
        ]
        _, core, to = min(moves)
        size[full], size[to] = size[full] - 1, size[to] + 1
        parts[core] = to
    return parts


def _move(
    core: int, parts: IntArray, n: Neighbours, free: NDArray[np.bool_]
) -> tuple[int, int, int]:
    """(messages that it would cost, core, the part with room to which it talks most)."""
    here = slice(int(n.first[core]), int(n.first[core + 1]))
    talk = np.bincount(parts[n.other[here]], n.messages[here], len(free))
    to = int(np.argmax(np.where(free, talk, -1)))
    return int(talk[parts[core]] - talk[to]), core, to


def _places(parts: IntArray, grid: Grid, chips: IntArray) -> IntArray:
    """The cores of each part down the columns of its chip."""
    begin = np.zeros(len(parts), np.int64)
    for part, chip in enumerate(chips):
        cores = np.flatnonzero(parts == part)
        begin[cores] = np.flatnonzero(grid.chip == chip)[: len(cores)]
    return begin
