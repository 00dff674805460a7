"""Axon tables: for every position (or neuron) of a sender, the cores and axons that its spikes go to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray, ints
from snn2chip.chip.program import AxonTable, Schedule, Tile
from snn2chip.chip.reach import reach
from snn2chip.chip.split import Tiling
from snn2chip.chip.wiring import Link, Wiring, axons_of

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listeners:
    """Who listens to a population, by core and axon: numbers [listeners], and what each hears [listeners, axis]."""

    core: IntArray
    axon: IntArray
    channels: Mask
    rows: Mask
    columns: Mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seats:
    """Where the tiles of a population are, in their order: `core` of each, and its first input axon of that core."""

    core: IntArray
    axon: IntArray


def seats_of(
    cores: Sequence[Sequence[Tile]],
    tilings: Mapping[str, Tiling],
    wiring: Wiring,
    schedule: Schedule,
) -> dict[str, Seats]:
    """The seats of each population, when core i holds the tiles `cores[i]`: their axons follow each other."""
    found: dict[Tile, tuple[int, int]] = {}
    for core, tiles in enumerate(cores):
        axon = 0
        for tile in tiles:
            found[tile] = core, axon
            axon += sum(len(axons_of(link, schedule)) for link in wiring.links[tile.population])
    seats = {name: [found[t] for t in tiling.tiles()] for name, tiling in tilings.items()}
    return {
        name: Seats(core=ints([core for core, _ in own]), axon=ints([axon for _, axon in own]))
        for name, own in seats.items()
    }


def first_axons(links: Sequence[Link], schedule: Schedule) -> list[int]:
    """Number of each link's first axon among those of its tile."""
    counts = [len(axons_of(link, schedule)) for link in links]
    return [sum(counts[:i]) for i in range(len(links))]


def listeners_of(
    source: str,
    wiring: Wiring,
    schedule: Schedule,
    tilings: Mapping[str, Tiling],
    seats: Mapping[str, Seats],
) -> Listeners | None:
    """The listeners of a population, the input or a map of the host; None where there are none."""
    parts = [
        _listeners(link, _driven(source, link, first, schedule), tilings[target], seats[target])
        for target, links in wiring.links.items()
        for link, first in zip(links, first_axons(links, schedule), strict=True)
        if source in link.sources
    ]
    if not parts:
        return None
    core, axon = (np.concatenate([getattr(p, n) for p in parts]) for n in ("core", "axon"))
    order = np.lexsort((axon, core))
    channels, rows, columns = (
        np.concatenate([getattr(p, n) for p in parts])[order]
        for n in ("channels", "rows", "columns")
    )
    return Listeners(
        core=core[order], axon=axon[order], channels=channels, rows=rows, columns=columns
    )


def _driven(source: str, link: Link, first_axon: int, schedule: Schedule) -> list[int]:
    """Numbers of the axons of a link that a source drives, among those of its tile."""
    axons = enumerate(axons_of(link, schedule), first_axon)
    return [number for number, axon in axons if source in axon.sources]


def _listeners(link: Link, axons: list[int], tiling: Tiling, seats: Seats) -> Listeners:
    """The tiles of one link's target, once for each of the `axons`."""
    heard = reach(link, tiling.shape, tiling.size)
    grid = [len(axis) for axis in (heard.channels, heard.rows, heard.columns)]
    c, y, x = (i.ravel() for i in np.indices(grid))
    return Listeners(
        core=np.tile(seats.core, len(axons)),
        axon=np.tile(seats.axon, len(axons)) + np.repeat(axons, len(c)),
        channels=np.tile(heard.channels[c], (len(axons), 1)),
        rows=np.tile(heard.rows[y], (len(axons), 1)),
        columns=np.tile(heard.columns[x], (len(axons), 1)),
    )


def table_of(tile: Tile, listeners: Listeners | None, by_neuron: bool) -> AxonTable:
    """The axon table of a tile (or, as a tile of everything, of a map which the host sends)."""
    c, h, w = tile.shape
    entries = c * h * w if by_neuron else h * w
    if listeners is None:
        nothing = ints(np.zeros(0, np.int64))
        first = ints(np.zeros(entries + 1, np.int64))
        return AxonTable(per_neuron=by_neuron, first=first, core=nothing, axon=nothing)
    channels = listeners.channels[:, slice(*tile.channels)]
    rows, columns = listeners.rows[:, slice(*tile.rows)], listeners.columns[:, slice(*tile.columns)]
    near = np.flatnonzero(channels.any(1) & rows.any(1) & columns.any(1))
    heard = rows[near][:, :, None] & columns[near][:, None, :]
    if by_neuron:
        heard = channels[near][:, :, None, None] & heard[:, None]
    by_entry = heard.reshape(len(near), entries).T
    which = near[np.nonzero(by_entry)[1]]
    return AxonTable(
        per_neuron=by_neuron,
        first=ints(np.concatenate([[0], np.cumsum(by_entry.sum(1))])),
        core=ints(listeners.core[which]),
        axon=ints(listeners.axon[which]),
    )


def joined(tables: Sequence[AxonTable]) -> AxonTable:
    """The table of a core, from those of its tiles, which are all by position or all by neuron."""
    ends = np.cumsum([0, *(table.first[-1] for table in tables)])
    return AxonTable(
        per_neuron=tables[0].per_neuron,
        first=ints(
            np.concatenate([[0], *(t.first[1:] + at for t, at in zip(tables, ends, strict=False))])
        ),
        core=ints(np.concatenate([table.core for table in tables])),
        axon=ints(np.concatenate([table.axon for table in tables])),
    )
