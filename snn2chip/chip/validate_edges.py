"""Translation validation of edges: what every axon table says, against what every consumer's synapses need.

An *edge* is (entry of a sender's axon table, core, axon). A synapse's geometry is a product of rows, columns and
channels, so that what a consumer's tile needs is three masks over its source's map, and whole tiles are compared at
once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snn2chip.chip.program import AxonTable, Connection, CoreContents, Program, TileContents
from snn2chip.chip.unpack import entries_of
from snn2chip.chip.validate_item import Item, differs, same
from snn2chip.circuit.types import INPUT, Conv, Dense

Mask = NDArray[np.bool_]
Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Receiver:
    """Axon `axon` of core `core`: the part of its source's map that its synapses need."""

    core: int
    axon: int
    channels: Range
    rows: Mask
    columns: Mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sender:
    """A box of a population's neurons, and the pairs of its entries (entries count from 0)."""

    name: str
    core: int
    box: tuple[Range, Range, Range]
    per_neuron: bool
    entry: NDArray[np.int64]
    to: NDArray[np.int64]
    axon: NDArray[np.int64]


def edges(
    program: Program,
    cores: Sequence[CoreContents],
    hosts: Mapping[int, AxonTable],
) -> Iterator[Item]:
    """Every edge and every arrival time. The tiles lie in their maps and have the right connections."""
    receivers: dict[int, list[_Receiver]] = {n: [] for n in range(len(program.populations))}
    for core, contents in enumerate(cores):
        axon = 0
        for tile in contents.tiles:
            name = program.populations[tile.population]
            for c in tile.connections:
                yield same(
                    "program-edge", name, core, "the number of a first axon", c.first_axon, axon
                )
                axon += len(c.axons)
                yield from _arrivals(program, name, core, tile, c)
                _add(program, receivers, core, tile, c)
    yield from _hosts(program, hosts, receivers)
    for core, contents in enumerate(cores):
        size = sum(entries_of(t, contents.axons.per_neuron) for t in contents.tiles)
        begin = 0
        sound = _sound(contents.axons, size)
        if not sound:
            name = (
                program.populations[contents.tiles[0].population] if contents.tiles else "program"
            )
            yield differs(
                "program-edge",
                name,
                core,
                "the axon table's length",
                len(contents.axons.first) - 1,
                size,
            )
            continue
        for tile in contents.tiles:
            box = (tile.channels, tile.rows, tile.columns)
            sender = _sender(program.populations[tile.population], core, box, contents.axons, begin)
            begin += entries_of(tile, contents.axons.per_neuron)
            yield from _compare(sender, receivers[tile.population])


def _arrivals(
    program: Program, name: str, core: int, tile: TileContents, c: Connection
) -> Iterator[Item]:
    """A spike of sample step t arrives when the tile is at step t: depth = depth of the source + 1 + delay."""
    for delay, number in ((axon.delay, s) for axon in c.axons for s in axon.sources):
        if not 0 <= number < len(program.populations):
            yield differs(
                "program-edge", name, core, "the source of an axon", number, "a population"
            )
            continue
        source = program.populations[number]
        depth = 0 if source == INPUT else program.schedule.depth[source]
        what = f"the arrival of {source}'s spikes"
        yield same("program-time", name, core, what, depth + 1 + delay, tile.depth)


def _hosts(
    program: Program, hosts: Mapping[int, AxonTable], receivers: dict[int, list[_Receiver]]
) -> Iterator[Item]:
    """The maps that the host sends: the input where some axon takes it, and every population that it runs."""
    allowed = {0, *(program.populations.index(name) for name in program.on_host)}
    needed = {n for n in allowed if receivers[n]}
    yield same(
        "program-edge",
        "program",
        -1,
        "the maps that the host sends",
        sorted(hosts),
        sorted(needed),
    )
    for number in needed & set(hosts):
        table, shape, name = (
            hosts[number],
            program.shapes[number],
            program.populations[number],
        )
        size = (shape[0] if table.per_neuron else 1) * shape[1] * shape[2]
        if not _sound(table, size):
            yield differs(
                "program-edge", name, -1, "the axon table's length", len(table.first) - 1, size
            )
            continue
        c, h, w = shape
        yield from _compare(
            _sender(name, -1, ((0, c), (0, h), (0, w)), table, 0), receivers[number]
        )


def _sound(table: AxonTable, entries: int) -> bool:
    first = table.first
    if len(first) != entries + 1 or first[0] != 0 or (np.diff(first) < 0).any():
        return False
    return int(first[-1]) == len(table.core) == len(table.axon)


def _sender(
    name: str, core: int, box: tuple[Range, Range, Range], table: AxonTable, begin: int
) -> _Sender:
    c, h, w = (high - low for low, high in box)
    size = (c if table.per_neuron else 1) * h * w
    first = table.first[begin : begin + size + 1]
    pairs = slice(int(first[0]), int(first[-1]))
    entry = np.repeat(np.arange(size), np.diff(first))
    return _Sender(
        name=name,
        core=core,
        box=box,
        per_neuron=table.per_neuron,
        entry=entry,
        to=table.core[pairs],
        axon=table.axon[pairs],
    )


def _add(
    program: Program,
    receivers: dict[int, list[_Receiver]],
    core: int,
    tile: TileContents,
    c: Connection,
) -> None:
    channels, rows, columns = _needs(tile, c)
    driven = [(c.first_axon + i, s) for i, axon in enumerate(c.axons) for s in axon.sources]
    for axon, source in driven:
        if source in receivers and program.shapes[source] == c.source_shape:
            receivers[source].append(
                _Receiver(core=core, axon=axon, channels=channels, rows=rows, columns=columns)
            )


def _needs(tile: TileContents, c: Connection) -> tuple[Range, Mask, Mask]:
    """(channels, rows, columns) of the source's map from which some synapse leads into the tile."""
    size, height, width = c.source_shape
    if isinstance(c.kernel, Conv):
        k = c.kernel
        taps = c.weight.shape[1:3]
        rows = _seen(tile.rows, taps[0], k.stride[0], k.padding[0], k.dilation[0], height)
        columns = _seen(tile.columns, taps[1], k.stride[1], k.padding[1], k.dilation[1], width)
        return (c.channel_base, c.channel_base + c.weight.shape[0]), rows, columns
    if isinstance(c.kernel, Dense):
        return (0, size), np.ones(height, bool), np.ones(width, bool)
    return tile.channels, _within(tile.rows, height), _within(tile.columns, width)


def _seen(outputs: Range, taps: int, stride: int, padding: int, dilation: int, size: int) -> Mask:
    at = np.arange(*outputs)[:, None] * stride + np.arange(taps) * dilation - padding
    seen = np.zeros(size, bool)
    seen[at[(at >= 0) & (at < size)]] = True
    return seen


def _within(inside: Range, size: int) -> Mask:
    mask = np.zeros(size, bool)
    mask[slice(*inside)] = True
    return mask


def _compare(sender: _Sender, receivers: list[_Receiver]) -> Iterator[Item]:
    """Each entry of `sender` has exactly one pair for each receiver that needs it, and no other."""
    (c0, c1), rows, columns = sender.box
    near = [r for r in receivers if _overlap(r, sender.box)]
    entries = (c1 - c0 if sender.per_neuron else 1, rows[1] - rows[0], columns[1] - columns[0])
    need = np.zeros((len(near), *entries), bool)
    for i, r in enumerate(near):
        plane = r.rows[slice(*rows), None] & r.columns[None, slice(*columns)]
        low, high = max(r.channels[0] - c0, 0), r.channels[1] - c0
        need[i, slice(low, high) if sender.per_neuron else slice(None)] = plane
    index = {(r.core, r.axon): i for i, r in enumerate(near)}
    which = _indices(sender, index)
    strangers = which < 0
    flat = which[~strangers] * need[0].size + sender.entry[~strangers] if near else which[:0]
    have = np.bincount(flat, minlength=need.size).reshape(need.shape)
    yield _edge_item(sender, near, have, need)
    yield _stranger_item(sender, strangers)


def _overlap(receiver: _Receiver, box: tuple[Range, Range, Range]) -> bool:
    """Whether any neuron of the box is needed."""
    (c0, c1), rows, columns = box
    reached = receiver.rows[slice(*rows)].any() and receiver.columns[slice(*columns)].any()
    return receiver.channels[0] < c1 and c0 < receiver.channels[1] and bool(reached)


def _indices(sender: _Sender, index: dict[tuple[int, int], int]) -> NDArray[np.int64]:
    """Number of the receiver of each pair; -1 where none needs anything of this sender."""
    if not len(sender.to):
        return np.zeros(0, np.int64)
    pairs, inverse = np.unique(np.stack([sender.to, sender.axon]), axis=1, return_inverse=True)
    numbers = np.array([index.get((int(a), int(b)), -1) for a, b in pairs.T], np.int64)
    return numbers[inverse.ravel()]


def _edge_item(sender: _Sender, near: list[_Receiver], have: NDArray[np.int64], need: Mask) -> Item:
    unequal = have != need
    count = int(np.count_nonzero(unequal))
    item = Item(
        code="program-edge",
        layer=sender.name,
        core=sender.core,
        what="the number of spikes to an axon",
        compared=need.size,
    )
    if not count:
        return item
    i, *at = (int(n) for n in np.argwhere(unequal)[0])
    receiver = near[i]
    place = f"axon {receiver.axon} of core {receiver.core}, entry {tuple(at)} of the tile"
    return Item(
        code=item.code,
        layer=item.layer,
        core=item.core,
        what=item.what,
        compared=item.compared,
        differing=count,
        have=f"{have[(i, *at)]} to {place}",
        need=str(int(need[(i, *at)])),
    )


def _stranger_item(sender: _Sender, strangers: Mask) -> Item:
    count = int(np.count_nonzero(strangers))
    i = int(np.argmax(strangers)) if count else 0
    return Item(
        code="program-edge",
        layer=sender.name,
        core=sender.core,
        what="a spike to an axon that does not need it",
        compared=count,
        differing=count,
        have=f"axon {sender.axon[i]} of core {sender.to[i]}" if count else "",
        need="no such spike" if count else "",
    )
