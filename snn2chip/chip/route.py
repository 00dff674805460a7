"""Route: the way of every message over the tiles, and the load of every link.

Dimension order: a message first goes east or west to the column of its target, then north or south. Tiles of all chips
form one grid (`snn2chip.chip.mesh`), so this is the way over chips, too. Where the chip at the corner of that way is
not in use, a message goes north or south first: chips in use fill the board from its north-western corner, so one of
the two ways has only chips in use. A spike is one message for each core and axon that it reaches; nothing is sent once
for several cores.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray, IntArray, ints
from snn2chip.chip.mesh import Mesh
from snn2chip.chip.placement import Placement


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flows:
    """Messages from core `source[i]` to core `target[i]` in each step: `messages` [flows, steps]."""

    source: IntArray
    target: IntArray
    messages: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """Messages over each link in all steps, by the tile that sends: [rows of tiles, columns of tiles].

    `columns`, `rows`: tiles of one chip; a link from its last column or row to the next chip crosses between chips.
    `crossings`: (chip, chip) -> messages over the link between them. `most_ew`, `most_ns`, `most_crossing` [steps]:
    those over the busiest link of each kind in each step.
    """

    columns: int
    rows: int
    chip_columns: int
    east: IntArray
    west: IntArray
    south: IntArray
    north: IntArray
    crossings: dict[tuple[int, int], int]
    most_ew: IntArray
    most_ns: IntArray
    most_crossing: IntArray

    @property
    def through(self) -> IntArray:
        """Messages that leave each tile for a neighbour."""
        return self.east + self.west + self.south + self.north


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Routed:
    """What messages cost: hops on chips, east or west and north or south, and crossings.

    Of each core that sends [cores], and in `flows` of each flow: [3, flows].
    """

    hops_ew: IntArray
    hops_ns: IntArray
    crossings: IntArray
    flows: IntArray
    links: Links


def route(flows: Flows, placement: Placement, mesh: Mesh) -> Routed:
    """The ways of `flows` between the places of their cores."""
    x, y = mesh.tile_of(placement.core)
    cx, cy = placement.chip % placement.chip_columns, placement.chip // placement.chip_columns
    x, y = x + cx * mesh.columns, y + cy * mesh.rows
    a, b, total = flows.source, flows.target, flows.messages.sum(1)
    over = np.abs(cx[a] - cx[b]), np.abs(cy[a] - cy[b])
    east, south = np.abs(x[a] - x[b]) - over[0], np.abs(y[a] - y[b]) - over[1]
    costs = total * np.stack([east, south, over[0] + over[1]])
    cores = len(placement.chip)
    in_use = np.zeros((int(cy.max(initial=0)) + 1, int(cx.max(initial=0)) + 1), np.bool_)
    in_use[cy, cx] = True
    return Routed(
        hops_ew=_by_core(a, costs[0], cores),
        hops_ns=_by_core(a, costs[1], cores),
        crossings=_by_core(a, costs[2], cores),
        flows=ints(costs),
        links=_links(flows, mesh, placement, (x, y), in_use[cy[a], cx[b]]),
    )


def _by_core(source: IntArray, values: IntArray, cores: int) -> IntArray:
    return ints(np.bincount(source, values, cores))


def _links(
    flows: Flows,
    mesh: Mesh,
    placement: Placement,
    at: tuple[IntArray, IntArray],
    east_first: NDArray[np.bool_],
) -> Links:
    """Loads of the links. `at`: (column, row) of each core's tile on the board; `east_first`: per flow."""
    (x, y), a, b = at, flows.source, flows.target
    shape = (int(y.max(initial=0)) + 1, int(x.max(initial=0)) + 1)
    row, column = np.where(east_first, y[a], y[b]), np.where(east_first, x[b], x[a])
    steps = flows.messages.shape[1]
    totals = [np.zeros(shape) for _ in range(4)]
    most = [np.zeros(steps, np.int64) for _ in range(3)]
    between = np.zeros((4, *shape))
    for step in range(steps):
        messages = flows.messages[:, step].astype(np.float64)
        ew = _runs(row, x[a], x[b], messages, shape)
        turned = (shape[1], shape[0])
        ns = [load.T for load in _runs(column, y[a], y[b], messages, turned)]
        crossing = _apart((*ew, *ns), mesh, between)
        most[0][step] = max(load.max(initial=0) for load in ew)
        most[1][step] = max(load.max(initial=0) for load in ns)
        most[2][step] = max(crossing.values(), default=0)
        for total, load, apart in zip(totals, (*ew, *ns), between, strict=True):
            total += load + apart
    east, west, south, north = (ints(t) for t in totals)
    whole = _apart(tuple(t.copy() for t in totals), mesh, between)
    columns = placement.chip_columns
    return Links(
        columns=mesh.columns,
        rows=mesh.rows,
        chip_columns=columns,
        east=east,
        west=west,
        south=south,
        north=north,
        crossings={
            (r * columns + c, r2 * columns + c2): int(n)
            for ((r, c), (r2, c2)), n in sorted(whole.items())
            if n
        },
        most_ew=ints(most[0]),
        most_ns=ints(most[1]),
        most_crossing=ints(most[2]),
    )


def _runs(
    line: IntArray, begin: IntArray, end: IntArray, messages: FloatArray, shape: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Loads of the links of each line [lines, positions]: (onwards, back), by the position that sends."""
    lines, size = shape
    onwards, back = begin < end, begin > end

    def load(which: NDArray[np.bool_], first: IntArray, last: IntArray) -> FloatArray:
        """Runs that send from every position in first..last - 1."""
        ends = np.zeros((lines, size + 1))
        for position, sign in ((first, 1), (last, -1)):
            keys = line[which] * (size + 1) + position[which]
            ends += sign * np.bincount(keys, messages[which], ends.size).reshape(ends.shape)
        return ends.cumsum(1)[:, :size]

    return load(onwards, begin, end), load(back, end + 1, begin + 1)


def _apart(
    loads: tuple[FloatArray, ...], mesh: Mesh, between: FloatArray
) -> dict[tuple[tuple[int, int], tuple[int, int]], float]:
    """Take what crosses from chip to chip out of `loads` (east, west, south, north), into `between`.

    Returns messages by ((row, column), (row, column)) of the two chips: all tiles of an edge share one link.
    """
    found: dict[tuple[tuple[int, int], tuple[int, int]], float] = {}
    between[:] = 0
    steps = ((0, 1), (0, -1), (1, 0), (-1, 0))
    for load, kept, (down, right) in zip(loads, between, steps, strict=True):
        tiles, chip = (mesh.rows, mesh.columns), (down, right)
        axis = 1 if right else 0
        last = tiles[axis] - 1 if sum(chip) > 0 else 0
        edge = np.arange(load.shape[axis]) % tiles[axis] == last
        where = (slice(None), edge) if axis else (edge, slice(None))
        kept[where] = load[where]
        load[where] = 0
        for y, x in np.argwhere(kept):
            here = (int(y) // mesh.rows, int(x) // mesh.columns)
            key = here, (here[0] + down, here[1] + right)
            found[key] = found.get(key, 0.0) + float(kept[y, x])
    return found
