"""The loop of `swap`: exchanges of two cores, compiled."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray
from snn2chip.chip.mesh import Grid
from snn2chip.chip.place.types import Neighbours


class Tiles(NamedTuple):
    """The places by tile of the board: those of tile t = column · rows + row are `first[t]..first[t + 1]` of `places`.

    `column`, `row`, `east`, `south` [places]: tile and position of each place. A chip that is not in use has no places.
    """

    columns: int
    rows: int
    column: IntArray
    row: IntArray
    first: IntArray
    places: IntArray
    east: IntArray
    south: IntArray


class State(NamedTuple):
    """What exchanges change. `places`, `east`, `south` [cores]; `cores` [places], -1 where free; random `bits`."""

    places: IntArray
    cores: IntArray
    east: IntArray
    south: IntArray
    bits: NDArray[np.uint64]


def tiles_of(grid: Grid) -> Tiles:
    """The tiles of a grid."""
    east, column = np.unique(grid.east, return_inverse=True)
    south, row = np.unique(grid.south, return_inverse=True)
    tile = column * len(south) + row
    places = np.argsort(tile, kind="stable")
    return Tiles(
        columns=len(east),
        rows=len(south),
        column=column.astype(np.int64),
        row=row.astype(np.int64),
        first=np.searchsorted(tile[places], np.arange(len(east) * len(south) + 1)),
        places=places.astype(np.int64),
        east=grid.east.copy(),
        south=grid.south.copy(),
    )


def state_of(grid: Grid, begin: IntArray, seed: int) -> State:
    """Cores at the places `begin`."""
    cores = np.full(len(grid.chip), -1, np.int64)
    cores[begin] = np.arange(len(begin))
    # Any bits but zeros will do; the odd factor keeps small seeds apart.
    bits = (seed * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) % 2**64 or 1
    return State(
        places=begin.copy(),
        cores=cores,
        east=grid.east[begin],
        south=grid.south[begin],
        bits=np.array([bits], np.uint64),
    )


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, compiled at its first call; kept on disk where something can be written."""
    fast = numba.njit(function, nogil=True)
    with suppress(OSError, RuntimeError):
        fast.enable_caching()
    return fast


@compiled
def _random(bits: NDArray[np.uint64], below: int) -> Any:
    """A random number from 0 to below - 1: xorshift (Marsaglia 2003), the same on every machine."""
    x = bits[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    bits[0] = x
    return np.int64((x >> np.uint64(11)) % np.uint64(below))


@compiled
def _cost(n: Neighbours, state: State, core: int, but: int, east: int, south: int) -> Any:
    """Spike-hops of `core` at (east, south) with all its neighbours but one, whose distance an exchange keeps."""
    total = np.int64(0)
    for k in range(n.first[core], n.first[core + 1]):
        j = n.other[k]
        if j != but:
            far = abs(east - state.east[j]) + abs(south - state.south[j])
            total += n.messages[k] * far
    return total


@compiled
def _proposed(n: Neighbours, tiles: Tiles, state: State, core: int, reach: int) -> Any:
    """A place near a neighbour of `core` (one time in four: near itself), or -1."""
    near = core
    count = n.first[core + 1] - n.first[core]
    if count > 0 and _random(state.bits, 4) > 0:
        near = n.other[n.first[core] + _random(state.bits, count)]
    at = state.places[near]
    column = tiles.column[at] + _random(state.bits, 2 * reach + 1) - reach
    row = tiles.row[at] + _random(state.bits, 2 * reach + 1) - reach
    if column < 0 or row < 0 or column >= tiles.columns or row >= tiles.rows:
        return np.int64(-1)
    tile = column * tiles.rows + row
    count = tiles.first[tile + 1] - tiles.first[tile]
    if count == 0:
        return np.int64(-1)
    return tiles.places[tiles.first[tile] + _random(state.bits, count)]


@compiled
def _delta(n: Neighbours, tiles: Tiles, state: State, core: int, place: int) -> Any:
    """What it costs to exchange `core` with what is at `place`, in spike-hops."""
    here, other = state.places[core], state.cores[place]
    e, s = tiles.east[place], tiles.south[place]
    delta = _cost(n, state, core, other, e, s)
    delta -= _cost(n, state, core, other, state.east[core], state.south[core])
    if other >= 0:
        delta += _cost(n, state, other, core, tiles.east[here], tiles.south[here])
        delta -= _cost(n, state, other, core, e, s)
    return delta


@compiled
def _move(tiles: Tiles, state: State, core: int, place: int) -> None:
    state.places[core], state.cores[place] = place, core
    state.east[core], state.south[core] = tiles.east[place], tiles.south[place]


@compiled
def exchange(
    n: Neighbours, tiles: Tiles, state: State, proposals: int, temperature: float, reach: int
) -> None:
    """Propose exchanges; make those that pay, or that chance allows at this temperature. `reach`: in tiles."""
    for _ in range(proposals):
        core = _random(state.bits, len(state.places))
        place = _proposed(n, tiles, state, core, reach)
        if place < 0 or place == state.places[core]:
            continue
        delta = _delta(n, tiles, state, core, place)
        if delta > 0:
            chance = _random(state.bits, 1 << 30) / (1 << 30)
            if temperature == 0.0 or chance >= np.exp(-delta / temperature):
                continue
        here, other = state.places[core], state.cores[place]
        state.cores[here] = -1
        _move(tiles, state, core, place)
        if other >= 0:
            _move(tiles, state, other, here)
