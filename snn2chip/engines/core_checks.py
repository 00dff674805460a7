"""Whether unpacked tables fit each other, so that compiled kernels cannot leave them."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from snn2chip.chip.program import AxonTable, Connection, CoreContents, TileContents
from snn2chip.chip.unpack import entries_of
from snn2chip.circuit.types import Conv, Dense, Shape
from snn2chip.errors import StatementError

MAX_SHIFT = 31
HOST = -1
"""The core number of what the host sends."""


def check(
    cores: Sequence[CoreContents],
    hosts: Mapping[int, AxonTable],
    shapes: Sequence[Shape],
    steps: int,
) -> None:
    """Raise StatementError at the first contradiction.

    A tile outside its map, weights of another shape, a neuron that no core or two cores hold, an axon that is not
    there or expects another population. `hosts`: number of a map that the host sends -> its axon table.
    """
    for core, contents in enumerate(cores):
        _check_axon_numbers(core, contents)
        for tile in contents.tiles:
            _check_tile(core, tile, shapes, steps)
    _check_cover([t for c in cores for t in c.tiles], hosts, shapes)
    axons = [[a.sources for t in c.tiles for k in t.connections for a in k.axons] for c in cores]
    for core, contents in enumerate(cores):
        sizes = [entries_of(t, contents.axons.per_neuron) for t in contents.tiles]
        _check_table(core, contents.axons, sum(sizes))
        begin = 0
        for tile, size in zip(contents.tiles, sizes, strict=True):
            _check_pairs(core, contents.axons, begin, begin + size, tile.population, axons)
            begin += size
    for number, table in hosts.items():
        c, h, w = shapes[number]
        entries = (c if table.per_neuron else 1) * h * w
        _check_table(HOST, table, entries)
        _check_pairs(HOST, table, 0, entries, number, axons)


def _fail(core: int, why: str, *, need: str = "", have: str = "") -> StatementError:
    where = "input axons" if core == HOST else f"core {core}"
    advice = "the packed tables contradict each other: map the network again"
    return StatementError("core-tables", where, why, need=need, have=have, help=advice)


def _check_axon_numbers(core: int, contents: CoreContents) -> None:
    count = 0
    for connection in (c for t in contents.tiles for c in t.connections):
        if connection.first_axon != count:
            raise _fail(core, "axons are not numbered in the order of their connections")
        count += len(connection.axons)


def _check_tile(core: int, tile: TileContents, shapes: Sequence[Shape], steps: int) -> None:
    number, shape = tile.population, tile.population_shape
    if not 0 < number < len(shapes) or shape != shapes[number]:
        raise _fail(core, f"population {number} of shape {shape} is not one of the program's")
    box = (tile.channels, tile.rows, tile.columns)
    if any(not 0 <= low < high <= size for (low, high), size in zip(box, shape, strict=True)):
        raise _fail(core, "the tile lies outside its map", have=str(box), need=str(shape))
    if tile.steps != steps:
        have, need = str(tile.steps), str(steps)
        raise _fail(core, "the core counts other steps than the program", have=have, need=need)
    exponents = (c.exponent for c in tile.connections)
    shifts = (tile.fraction_bits, tile.gain_shift, tile.multispike_shift, tile.graded_shift)
    shifts = (*shifts, *exponents)
    if any(not 0 <= s <= MAX_SHIFT for s in shifts):
        raise _fail(core, "a shift is out of range", have=str(shifts), need=f"0..{MAX_SHIFT}")
    for values in (tile.bias, *([] if tile.gain is None else [tile.gain])):
        if values.shape not in (tile.shape, (steps, *tile.shape)):
            need = f"{tile.shape}, or {steps} of them"
            raise _fail(core, "a gain or bias is missing", have=str(values.shape), need=need)
    for connection in tile.connections:
        _check_connection(core, tile, connection, shapes)


def _check_connection(
    core: int, tile: TileContents, connection: Connection, shapes: Sequence[Shape]
) -> None:
    source, weight = connection.source_shape, connection.weight.shape
    shape = tuple(high - low for low, high in (tile.channels, tile.rows, tile.columns))
    if connection.weight.min(initial=0) < -128 or connection.weight.max(initial=0) > 127:
        raise _fail(core, "a weight does not fit 8 bits")
    if not _weights_fit(connection, shape, tile.population_shape):
        raise _fail(core, f"weights {weight} do not fit a tile {shape} and a source {source}")
    for axon in connection.axons:
        known = all(0 <= s < len(shapes) and shapes[s] == source for s in axon.sources)
        if axon.delay < 0 or not axon.sources or not known:
            have = f"populations {axon.sources}, delay {axon.delay}"
            raise _fail(core, f"an axon does not fit a source of shape {source}", have=have)
        if 0 in axon.sources and len(axon.sources) > 1:
            raise _fail(core, "the input shares an axon", have=f"populations {axon.sources}")


def _weights_fit(connection: Connection, shape: tuple[int, ...], whole: Shape) -> bool:
    kernel, source, weight = connection.kernel, connection.source_shape, connection.weight.shape
    if isinstance(kernel, Conv):
        steps = min(*kernel.stride, *kernel.dilation)
        return len(weight) == 4 and weight[3] == shape[0] and steps > 0
    if not isinstance(kernel, Dense):
        return weight == (shape[0],) and source == whole
    if kernel.pooled:
        return weight == (source[0], shape[0]) and shape[1:] == (1, 1)
    return weight == (np.prod(source), np.prod(shape))


def _check_cover(
    tiles: Sequence[TileContents], hosts: Collection[int], shapes: Sequence[Shape]
) -> None:
    for number, shape in enumerate(shapes):
        mine = [t for t in tiles if t.population == number]
        if not mine and (number == 0 or number in hosts):
            continue
        held = np.zeros(shape, np.int64)
        for t in mine:
            held[slice(*t.channels), slice(*t.rows), slice(*t.columns)] += 1
        if (held != 1).any():
            at = tuple(int(i) for i in np.argwhere(held != 1)[0])
            why = f"neuron {at} of population {number} is held by {held[at]} cores"
            raise _fail(HOST, why, need="1")
        if len({(t.depth, t.emits) for t in mine}) > 1:
            raise _fail(HOST, f"the cores of population {number} disagree about depth or output")


def _check_table(core: int, table: AxonTable, entries: int) -> None:
    have, need = f"{len(table.first) - 1} entries", str(entries)
    rising = len(table.first) > 0 and table.first[0] == 0 and (np.diff(table.first) >= 0).all()
    whole = len(table.first) == entries + 1 and table.first[-1] == len(table.core)
    if not rising or not whole or len(table.core) != len(table.axon):
        raise _fail(core, "the axon table does not fit the tile", have=have, need=need)


def _check_pairs(
    core: int,
    table: AxonTable,
    begin: int,
    end: int,
    number: int,
    axons: Sequence[Sequence[tuple[int, ...]]],
) -> None:
    """Entries begin..end of `table` belong to population `number`; `axons`: sources of each axon of each core."""
    pairs = slice(int(table.first[begin]), int(table.first[end]))
    for to, axon in np.unique(np.stack([table.core[pairs], table.axon[pairs]]), axis=1).T:
        if not 0 <= to < len(axons) or not 0 <= axon < len(axons[to]):
            raise _fail(core, f"a spike goes to axon {axon} of core {to}, which does not exist")
        if number not in axons[to][axon]:
            why = f"axon {axon} of core {to} expects another population"
            raise _fail(core, why, have=str(number), need=str(axons[to][axon]))
