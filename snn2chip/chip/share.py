"""Share: tiles of small populations on one core, as many as all limits of a core leave room for.

The fewest cores are those of first-fit decreasing: tiles from the fullest to the emptiest, each to the first core with
room for it; never more cores than tiles. A step lasts as long as its slowest core, so the tiles are then dealt out to
as many cores by their work, the most work first, each to the core with the least (LPT, Graham 1969); where that leaves
a tile without a core, the first fit stands. Cores are numbered by their fullest tile, layer by layer.

A core's axon map lists positions or neurons, so tiles meet only where they agree; spikes that nobody hears fit both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.layer import Layer
from snn2chip.chip.needs import needs_of_each, room_of
from snn2chip.chip.program import Schedule, Tile
from snn2chip.chip.split import Tiling, layer_of
from snn2chip.chip.target import Target
from snn2chip.chip.wiring import Link, Wiring
from snn2chip.circuit.types import Dense
from snn2chip.quantize.types import QuantizedCircuit

Cores = tuple[tuple[Tile, ...], ...]
BY_POSITION, BY_NEURON, UNHEARD = range(3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tiles:
    """What is known of every tile: `needs` [tiles, limits] of `room` [limits], its `kind` of axon map, its `work`."""

    needs: IntArray
    room: IntArray
    kind: IntArray
    work: IntArray


def alone(tilings: Mapping[str, Tiling]) -> Cores:
    """A core for each tile, layer by layer."""
    return tuple((tile,) for tiling in tilings.values() for tile in tiling.tiles())


def share(
    qc: QuantizedCircuit,
    target: Target,
    wiring: Wiring,
    schedule: Schedule,
    tilings: Mapping[str, Tiling],
) -> Cores:
    """The tiles of each core; one where a core of the target's format holds no more (`formats.format.ONE_TILE`)."""
    needs: list[IntArray] = []
    kinds: list[int] = []
    work: list[int] = []
    room: dict[str, int] = {}
    tiles = [tile for tiling in tilings.values() for tile in tiling.tiles()]
    for name, tiling in tilings.items():
        layer = layer_of(qc, target, wiring, schedule, name, tilings)
        each = needs_of_each(layer, target, tiling.size)
        if each is None:
            return alone(tilings)
        room = room_of(target, each)
        needs.append(np.stack([each[limit].ravel() for limit in room], 1))
        kinds += [_kind(tiling, wiring)] * tiling.cores
        work += [_work(layer) * prod(tile.shape) for tile in tiling.tiles()]
    if not tiles:
        return ()
    facts = _Tiles(
        needs=np.concatenate(needs),
        room=np.array(list(room.values())),
        kind=np.array(kinds),
        work=np.array(work),
    )
    first = _first_fit(facts)
    groups = _numbered(_dealt(facts, len(first)) or first, facts)
    return tuple(tuple(tiles[i] for i in group) for group in groups)


def _kind(tiling: Tiling, wiring: Wiring) -> int:
    if not wiring.out_of(tiling.population):
        return UNHEARD
    return BY_NEURON if tiling.by_neuron else BY_POSITION


def _work(layer: Layer) -> int:
    """Synapses of a neuron, and one for its update: about what it costs while all sources fire as often."""
    return 1 + sum(len(link.sources) * _synapses(link) for link in layer.links)


def _synapses(link: Link) -> int:
    kernel, weight = link.projection.kernel, link.projection.weight
    positions = prod(link.source_shape[1:]) if isinstance(kernel, Dense) and kernel.pooled else 1
    return weight[0].size * positions


def _first_fit(tiles: _Tiles) -> list[list[int]]:
    """Numbers of the tiles of each core, the fullest first."""
    cores = _Cores(tiles, len(tiles.needs))
    for tile in np.argsort(-_shares(tiles), kind="stable").tolist():
        cores.add(tile, int(cores.with_room(tile)[0]))
    return [group for group in cores.groups if group]


def _dealt(tiles: _Tiles, most: int) -> list[list[int]] | None:
    """The same on `most` cores with about as much work each; None where that leaves a tile without a core."""
    cores = _Cores(tiles, most)
    for tile in np.argsort(-tiles.work, kind="stable").tolist():
        free = cores.with_room(tile)
        if not len(free):
            return None
        cores.add(tile, int(free[np.argmin(cores.work[free])]))
    return cores.groups


def _numbered(groups: list[list[int]], tiles: _Tiles) -> list[list[int]]:
    """Cores by their fullest tile, and their tiles from the fullest on."""
    shares = _shares(tiles)
    return sorted(sorted(group, key=lambda tile: (-shares[tile], tile)) for group in groups)


def _shares(tiles: _Tiles) -> IntArray:
    """Parts per million of the limit that each tile comes closest to."""
    return (tiles.needs * 1_000_000 // tiles.room).max(1)


class _Cores:
    """Cores that are being filled."""

    def __init__(self, tiles: _Tiles, most: int) -> None:
        self._tiles = tiles
        self._used = np.zeros((most, len(tiles.room)), np.int64)
        self._kind = np.full(most, UNHEARD)
        self.work = np.zeros(most, np.int64)
        self.groups: list[list[int]] = [[] for _ in range(most)]

    def with_room(self, tile: int) -> IntArray:
        """Numbers of the cores that can take a tile."""
        t, kind = self._tiles, self._tiles.kind[tile]
        agree = (self._kind == kind) | (self._kind == UNHEARD) | (kind == UNHEARD)
        return np.flatnonzero(agree & (self._used + t.needs[tile] <= t.room).all(1))

    def add(self, tile: int, core: int) -> None:
        """Put a tile on a core."""
        self._used[core] += self._tiles.needs[tile]
        self._kind[core] = min(self._kind[core], self._tiles.kind[tile])
        self.work[core] += self._tiles.work[tile]
        self.groups[core].append(tile)
