"""A program's unpacked cores as flat tables, checked so that the kernels cannot leave them.

Neurons are stored tile by tile, within a tile position by position (row-major) with the channels innermost. A
*sender* is whatever emits: every tile, then every map that the host sends (the input, populations that it runs). A
message is the code `(y · W + x) · C + c` of its neuron in the whole map of its population, and a value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray
from snn2chip.chip.program import AxonTable, Connection, CoreContents, TileContents
from snn2chip.chip.unpack import entries_of
from snn2chip.circuit.types import Conv, Dense, Shape
from snn2chip.engines.core_checks import HOST, check
from snn2chip.neuron import Emits, Reset

RESETS = tuple(Reset)
EMITS = tuple(Emits)
CONV, DENSE, POOLED, IDENTITY = range(4)


def _record(names: str) -> np.dtype[np.void]:
    return np.dtype([(name, np.int64) for name in names.split()])


SENDER = _record(
    "core population channel channels row rows column columns map_channels map_rows map_columns"
    " output entry per_neuron depth"
)
TILE = _record(
    "neuron neurons level levels axon axons steps fraction_bits v_limit reset late emits has_floor floor"
    " shift ge graded_shift parameter parameter_rows parameter_columns gain_shift"
)
CONNECTION = _record(
    "kind tile weight exponent inputs channel_base kh kw sy sx py px dy dx map_channels map_rows map_columns"
)
AXON = _record("connection source slots queue capacity count")
Table = NDArray[np.void]


class Tables(NamedTuple):
    """What the kernels read.

    `theta`, `amount`: one row of the tile's neurons per level. `pair_axon`: rows of `axons`. `gain`, `step_bias`: of
    each tile with `parameter_rows` (1 or T), rows of as many columns as the tile has channels, or neurons.
    """

    senders: Table
    tiles: Table
    connections: Table
    axons: Table
    weight: NDArray[np.int8]
    theta: IntArray
    amount: IntArray
    delta: IntArray
    bias: IntArray
    gain: IntArray
    step_bias: IntArray
    pair_first: IntArray
    pair_axon: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flat:
    """Tables, and what only the driver needs.

    `pair_core`: receiving core of each pair of the axon tables. `population_first`: neurons before each population.
    `queue`, `counters`: entries of all message queues, and number of queues.
    """

    tables: Tables
    pair_core: IntArray
    population_first: IntArray
    queue: int
    counters: int


def flatten(
    cores: Sequence[CoreContents],
    hosts: Mapping[int, tuple[AxonTable, int]],
    shapes: Sequence[Shape],
    steps: int,
) -> Flat:
    """The tables of `cores`; `hosts`: number of a map that the host sends -> (its axon table, its depth).

    Raises StatementError where tables contradict each other (`core_checks`).
    """
    check(cores, {n: table for n, (table, _) in hosts.items()}, shapes, steps)
    tiles = [tile for contents in cores for tile in contents.tiles]
    population_first = np.cumsum([0, *(c * h * w for c, h, w in shapes)])
    senders, pair_first, pair_core, pair_axon = _senders(cores, hosts, shapes, population_first)
    axon_first = np.cumsum(
        [0, *(sum(len(k.axons) for t in c.tiles for k in t.connections) for c in cores)]
    )
    rows = axon_first[pair_core] + pair_axon
    axons, queue, counters = _axons(tiles, senders, pair_first, rows)
    connections, weight = _connections(tiles)
    parameters = [_parameters(t) for t in tiles]
    tables = Tables(
        senders=senders,
        tiles=_tiles(tiles, [gain.shape for gain, _ in parameters]),
        connections=connections,
        axons=axons,
        weight=weight,
        theta=_by_level([t.levels for t in tiles]),
        amount=_by_level([t.amounts for t in tiles]),
        delta=_by_neuron([t.delta for t in tiles]),
        bias=_by_neuron([t.bias if t.bias.ndim == 3 else np.zeros_like(t.delta) for t in tiles]),
        gain=_joined([gain.ravel() for gain, _ in parameters]),
        step_bias=_joined([bias.ravel() for _, bias in parameters]),
        pair_first=pair_first,
        pair_axon=rows,
    )
    return Flat(
        tables=tables,
        pair_core=pair_core,
        population_first=population_first,
        queue=queue,
        counters=counters,
    )


def position_major(values: IntArray) -> IntArray:
    """[..., C, H, W] as [..., H·W·C]: the order in which tables store neurons."""
    moved = np.moveaxis(values, -3, -1)
    return moved.reshape(*moved.shape[:-3], -1)


def _senders(
    cores: Sequence[CoreContents],
    hosts: Mapping[int, tuple[AxonTable, int]],
    shapes: Sequence[Shape],
    population_first: IntArray,
) -> tuple[Table, IntArray, IntArray, IntArray]:
    """(senders, first pair of each entry, core of each pair, axon of each pair)."""
    rows: list[tuple[int, ...]] = []
    entry = 0
    for core, contents in enumerate(cores):
        per_neuron = contents.axons.per_neuron
        for t in contents.tiles:
            box = [n for low, high in (t.channels, t.rows, t.columns) for n in (low, high - low)]
            where = (
                *t.population_shape,
                population_first[t.population],
                entry,
                per_neuron,
                t.depth,
            )
            rows.append((core, t.population, *box, *where))
            entry += entries_of(t, per_neuron)
    for number, (table, depth) in hosts.items():
        c, h, w = shapes[number]
        where = (c, h, w, population_first[number], entry, table.per_neuron, depth)
        rows.append((HOST, number, 0, c, 0, h, 0, w, *where))
        entry += (c if table.per_neuron else 1) * h * w
    all_axons = [c.axons for c in cores] + [table for table, _ in hosts.values()]
    counts = [np.diff(a.first) for a in all_axons]
    return (
        np.array(rows, SENDER),
        np.concatenate([[0], np.cumsum(_joined(counts))]),
        _joined([a.core for a in all_axons]),
        _joined([a.axon for a in all_axons]),
    )


def _axons(
    tiles: Sequence[TileContents], senders: Table, pair_first: IntArray, rows: IntArray
) -> tuple[Table, int, int]:
    """(axons, size of all queues, number of queues): one per axon and delay, for all that can arrive in a step."""
    entries = np.diff(np.append(senders["entry"], len(pair_first) - 1))
    per_entry = np.repeat(np.where(senders["per_neuron"] == 1, 1, senders["channels"]), entries)
    capacity = np.zeros(sum(len(c.axons) for t in tiles for c in t.connections), np.int64)
    np.add.at(capacity, rows, np.repeat(per_entry, np.diff(pair_first)))
    table: list[tuple[int, ...]] = []
    queue = counters = 0
    for connection, c in enumerate(c for t in tiles for c in t.connections):
        for axon in c.axons:
            size = int(capacity[len(table)])
            table.append((connection, axon.sources[0], axon.delay + 1, queue, size, counters))
            queue += size * (axon.delay + 1)
            counters += axon.delay + 1
    return np.array(table, AXON), queue, counters


def _tiles(tiles: Sequence[TileContents], parameters: Sequence[tuple[int, ...]]) -> Table:
    """Rows of the tiles; `parameters`: (rows, columns) of what `_parameters` gives for each."""
    rows: list[tuple[int, ...]] = []
    neuron = level = axon = parameter = 0
    for t, table in zip(tiles, parameters, strict=True):
        count = prod(t.shape)
        axons = sum(len(c.axons) for c in t.connections)
        floor = (t.v_min is not None, t.v_min or 0)
        when = (t.steps, t.fraction_bits, t.v_limit)
        kind = (RESETS.index(t.reset), t.late_reset, EMITS.index(t.emits))
        shifts = (t.multispike_shift, t.multispike_ge, t.graded_shift)
        own = (parameter, *table, t.gain_shift if t.gain is not None else 0)
        rows.append(
            (neuron, count, level, len(t.levels), axon, axons, *when, *kind, *floor, *shifts, *own)
        )
        neuron, level, axon = neuron + count, level + count * len(t.levels), axon + axons
        parameter += prod(table)
    return np.array(rows, TILE)


def _parameters(tile: TileContents) -> tuple[IntArray, IntArray]:
    """(gain, bias of each step) of a tile, [rows, columns] each, as `Tables` says; no rows where it has neither."""
    held = [x for x in (tile.gain, tile.bias if tile.bias.ndim == 4 else None) if x is not None]
    if not held:
        return np.zeros((0, 0), np.int64), np.zeros((0, 0), np.int64)
    shape = (max(len(x) if x.ndim == 4 else 1 for x in held), *tile.shape)
    same = all((x == x[..., :1, :1]).all() for x in held)
    gain, bias = (
        position_major(np.broadcast_to(x, shape)[..., : 1 if same else None, : 1 if same else None])
        for x in (
            np.ones(tile.shape, np.int64) if tile.gain is None else tile.gain,
            tile.bias if tile.bias.ndim == 4 else np.zeros(tile.shape, np.int64),
        )
    )
    return gain, bias


def _connections(tiles: Sequence[TileContents]) -> tuple[Table, NDArray[np.int8]]:
    rows: list[tuple[int, ...]] = []
    weights: list[NDArray[np.int8]] = []
    at = 0
    for i, tile in enumerate(tiles):
        for c in tile.connections:
            w = _weights_of(c, tile)
            kind, geometry = _kind(c)
            inputs = (c.exponent, c.weight.shape[0], c.channel_base)
            rows.append((kind, i, at, *inputs, *geometry, *c.source_shape))
            weights.append(w.astype(np.int8))
            at += w.size
    return np.array(rows, CONNECTION), np.concatenate([np.zeros(0, np.int8), *weights])


def _kind(c: Connection) -> tuple[int, tuple[int, ...]]:
    if isinstance(c.kernel, Conv):
        k = c.kernel
        columns = (c.weight.shape[2] - 1) * k.dilation[1] + 1
        return CONV, (c.weight.shape[1], columns, *k.stride, *k.padding, *k.dilation)
    if isinstance(c.kernel, Dense):
        return POOLED if c.kernel.pooled else DENSE, (1, 1, 1, 1, 0, 0, 1, 1)
    return IDENTITY, (1, 1, 1, 1, 0, 0, 1, 1)


def _weights_of(c: Connection, tile: TileContents) -> IntArray:
    """Weights in the order of the kernels: rows by message, columns by the tile's neurons, position by position."""
    if isinstance(c.kernel, Conv):
        return conv_runs(c.weight, c.kernel.stride[1], c.kernel.dilation[1]).ravel()
    if isinstance(c.kernel, Dense) and not c.kernel.pooled:
        shape = tuple(b - a for a, b in (tile.channels, tile.rows, tile.columns))
        by_source = position_major(c.weight.T.reshape(-1, *c.source_shape)).T
        return position_major(by_source.reshape(-1, *shape)).ravel()
    return c.weight.ravel()


def conv_runs(weight: IntArray, stride: int, dilation: int) -> IntArray:
    """Weights [Cin, kh, kw, tc] with the columns in the order in which a message meets the outputs of a row.

    A message in padded column x reaches output column x // stride - j with tap phase + j · stride, phase = x mod
    stride. Columns are stored phase by phase, j descending, so that rising output columns take rising weights.
    Dilated kernels are filled with zeros.
    """
    cin, kh, kw, tc = weight.shape
    wide = np.zeros((cin, kh, (kw - 1) * dilation + 1, tc), np.int64)
    wide[:, :, ::dilation] = weight
    order = [x for phase in range(stride) for x in range(phase, wide.shape[2], stride)[::-1]]
    return wide[:, :, order]


def _by_neuron(arrays: Sequence[IntArray]) -> IntArray:
    return _joined([position_major(a) for a in arrays])


def _by_level(arrays: Sequence[IntArray]) -> IntArray:
    return _joined([position_major(a).ravel() for a in arrays])


def _joined(arrays: Sequence[IntArray]) -> IntArray:
    return np.concatenate(arrays).astype(np.int64) if arrays else np.zeros(0, np.int64)
