"""Traffic: how many messages each core sends to each other core. One message per spike and axon that it reaches."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn2chip.arrays import IntArray, ints
from snn2chip.chip.axons import Listeners
from snn2chip.chip.pack import Plan
from snn2chip.chip.program import Tile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traffic:
    """A sparse matrix: `messages[k]` from core `source[k]` to core `target[k]`; each pair once, sorted.

    `cores`: how many there are. What a core sends to itself stays in its tile: it is left out.
    """

    cores: int
    source: IntArray
    target: IntArray
    messages: IntArray

    def spike_hops(self, east: IntArray, south: IntArray) -> int:
        """Σ messages · hops, with the position of each core."""
        across = np.abs(east[self.source] - east[self.target])
        down = np.abs(south[self.source] - south[self.target])
        return int((self.messages * (across + down)).sum())


def traffic_of(plan: Plan, spikes: Mapping[str, IntArray] | None = None) -> Traffic:
    """The traffic of a plan. `spikes`: population -> spikes of each neuron [C, H, W]; None: every neuron fires once."""
    fires = None if spikes is None else _with_relays(spikes, plan)
    found: list[tuple[IntArray, IntArray, IntArray]] = []
    for name, tiling in plan.tilings.items():
        listeners = plan.listeners(name)
        if listeners is None:
            continue
        fired = np.ones(tiling.shape, np.int64) if fires is None else fires[name]
        for core, tile in zip(plan.seats[name].core, tiling.tiles(), strict=True):
            sent = _sent(tile, listeners, fired, tiling.by_neuron)
            where = np.flatnonzero(sent)
            found.append((np.full(len(where), core), listeners.core[where], sent[where]))
    return summed(plan.cores, found)


def _with_relays(spikes: Mapping[str, IntArray], plan: Plan) -> dict[str, IntArray]:
    """`spikes` with those of the relays: a relay of one population copies it; a sum fires at least as often as each."""
    found = dict(spikes)
    for relay, sources in plan.schedule.relays.items():
        found[relay] = np.maximum.reduce([found[s] for s in sources])
    return found


def summed(cores: int, found: list[tuple[IntArray, IntArray, IntArray]]) -> Traffic:
    """The traffic of (source, target, messages) triples, which may name a pair more than once."""
    source, target, messages = (
        np.concatenate([np.zeros(0, np.int64), *(f[i] for f in found)]) for i in range(3)
    )
    apart = source != target
    keys, where = np.unique((source * cores + target)[apart], return_inverse=True)
    total = np.zeros(len(keys), np.int64)
    np.add.at(total, where, messages[apart])
    return Traffic(
        cores=cores,
        source=ints(keys // max(cores, 1)),
        target=ints(keys % max(cores, 1)),
        messages=ints(total),
    )


def _sent(tile: Tile, listeners: Listeners, fired: IntArray, by_neuron: bool) -> IntArray:
    """Messages of a tile to each of the listeners. A table by position sends every channel of a position."""
    c, y, x = slice(*tile.channels), slice(*tile.rows), slice(*tile.columns)
    box = fired[c, y, x].astype(np.float64)  # sums of whole numbers below 2^53: exact, and fast
    channels, rows, columns = (
        listeners.channels[:, c],
        listeners.rows[:, y].astype(np.float64),
        listeners.columns[:, x].astype(np.float64),
    )
    if by_neuron:
        heard = np.tensordot(channels.astype(np.float64), box, 1)
        return np.einsum("lyx,ly,lx->l", heard, rows, columns).astype(np.int64)
    sent = ((rows @ box.sum(0)) * columns).sum(1)
    return np.where(channels.any(1), sent, 0).astype(np.int64)
