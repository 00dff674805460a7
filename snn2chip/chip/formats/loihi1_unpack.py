"""Loihi 1: what the words of a core say."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from snn2chip.arrays import IntArray, frozen
from snn2chip.chip.formats.bits import BitsError, Words, take
from snn2chip.chip.formats.loihi1_axons import unpack_table
from snn2chip.chip.formats.loihi1_layout import AXON_IN, BORDER, HEAD, NEURON, SYNAPSES, THRESHOLD
from snn2chip.chip.formats.loihi1_pack import Border, Pad, packed_tile, synapse_format
from snn2chip.chip.formats.loihi1_sets import Layout, Place, layout_of, tile_spans
from snn2chip.chip.formats.loihi1_synapses import SynapseFormat, unpack_sets
from snn2chip.chip.formats.loihi2_headers import (
    EMITS,
    RESETS,
    Numbers,
    TileHeader,
    kernel_of,
    member,
    unpack_headers,
    weight_shape,
)
from snn2chip.chip.program import AxonIn, AxonTable, Connection, Core, CoreContents, TileContents


def read_core(core: Core) -> CoreContents:
    """The contents of `core`. Raises ValueError at words that packing never makes."""
    head, pairs, formats, border, header = _read_groups(core.groups)
    bare = _tile(header, core.neurons, border, pairs)
    places = [_place(header, row, bare) for row in header.connections]
    spans = tile_spans(places, border.pad)
    layouts = [layout_of(p, s) for p, s in zip(places, spans, strict=True)]
    tile = replace(bare, connections=_connections(core, header, formats, places, layouts))
    table = unpack_table(core.axon_map, core.axon_memory)
    _check_again(core, tile, border.pad, table)
    if head["tiles"] != 1:
        raise BitsError(f"{head['tiles']} tiles on a core that holds one")
    return CoreContents(tiles=(tile,), axons=table)


def border_of(core: Core) -> Border:
    """The rim of a core's tile. Raises ValueError at words that packing never makes."""
    return _read_groups(core.groups)[3]


def _place(h: TileHeader, row: Numbers, tile: TileContents) -> Place:
    return Place(
        kernel=kernel_of(row),
        source_shape=_source(row),
        channel_base=row["channel_base"],
        weight_shape=weight_shape(row, h.shape),
        population_shape=tile.population_shape,
        channels=tile.channels,
        rows=tile.rows,
        columns=tile.columns,
    )


def _connections(
    core: Core,
    h: TileHeader,
    formats: Sequence[Numbers],
    places: Sequence[Place],
    layouts: Sequence[Layout],
) -> tuple[Connection, ...]:
    own = [
        [synapse_format(i, f) for i, f in enumerate(formats) if f["connection"] == n]
        for n in range(len(places))
    ]
    sizes = [
        f.words([len(s.at) for s in layout.sets])
        for layout, mine in zip(layouts, own, strict=True)
        for f in mine
    ]
    synapses = iter(take(core.synapses, sizes))
    counts = [r["axons"] * len(y.pointers) for r, y in zip(h.connections, layouts, strict=True)]
    axons_in = take(core.axons_in, counts)
    found: list[Connection] = []
    first_axon = first_set = 0
    for row, sources, place, layout, mine, words in zip(
        h.connections, h.sources, places, layouts, own, axons_in, strict=True
    ):
        weight, delays = _weights(place, layout, mine, [next(synapses) for _ in mine])
        axons = _axons(sources, layout, words, first_set, delays)
        found.append(
            Connection(
                projection=row["projection"],
                kernel=place.kernel,
                source_shape=place.source_shape,
                channel_base=place.channel_base,
                exponent=row["exponent"],
                weight=weight,
                first_axon=first_axon,
                axons=axons,
            )
        )
        first_axon += len(axons)
        first_set += len(mine) * len(layout.sets)
    return tuple(found)


def _check_again(core: Core, tile: TileContents, pad: Pad, table: AxonTable) -> None:
    """Words that mean the same but are not what packing makes are refused."""
    if len(core.parameters):
        raise BitsError("a core has parameters, and this chip has none")
    again = packed_tile(tile, pad)
    for name in ("groups", "neurons", "synapses", "axons_in"):
        if not np.array_equal(getattr(again, name), getattr(core, name)):
            raise BitsError(f"{name.replace('_', ' ')} contradict the rest of the core")
    entries = prod(tile.shape if table.per_neuron else tile.shape[1:])
    if len(table.first) - 1 != entries:
        raise BitsError(f"{len(table.first) - 1} axon map entries for a tile of {entries}")


def _read_groups(
    words: Words,
) -> tuple[Numbers, IntArray, list[Numbers], Border, TileHeader]:
    """(head, thresholds and amounts [n, 2], formats, border, header)."""
    (head,) = HEAD.unpack_each(words[: HEAD.words])
    sizes = [
        HEAD.words,
        THRESHOLD.words * head["thresholds"],
        SYNAPSES.words * head["formats"],
        BORDER.words,
    ]
    if len(words) < sum(sizes):
        raise BitsError("groups are cut short")
    _, thresholds, formats, border, rest = take(words, [*sizes, len(words) - sum(sizes)])
    levels = THRESHOLD.unpack(thresholds)
    (b,) = BORDER.unpack_each(border)
    headers = unpack_headers(rest)
    if len(headers) != 1:
        raise BitsError(f"{len(headers)} tiles on a core that holds one")
    return (
        head,
        np.stack([levels["level"], levels["amount"]], 1),
        SYNAPSES.unpack_each(formats),
        Border(
            pad=(bool(b["pad_rows"]), bool(b["pad_columns"])),
            before=(b["before_rows"], b["before_columns"]),
            size=(b["rows"], b["columns"]),
        ),
        headers[0],
    )


def _source(row: Numbers) -> tuple[int, int, int]:
    return (row["source_channels"], row["source_rows"], row["source_columns"])


def _tile(h: TileHeader, words: Words, border: Border, pairs: IntArray) -> TileContents:
    """The tile without its connections."""
    t, shape = h.tile, h.shape
    (y, x), (height, width) = border.before, border.size
    if min(shape) < 1 or y + shape[1] > height or x + shape[2] > width:
        raise BitsError("a tile that its border does not hold")
    fields = NEURON.unpack(words)
    if len(words) != shape[0] * height * width:
        raise BitsError(f"{len(words)} neurons for a tile of {shape[0]}x{height}x{width}")

    def held(name: str) -> IntArray:
        wide = fields[name].reshape(shape[0], height, width)
        return frozen(wide[:, y : y + shape[1], x : x + shape[2]].copy())

    which = held("threshold")
    if which.max(initial=0) >= len(pairs):
        raise BitsError("a neuron has a threshold that is not there")
    return TileContents(
        population=t["population"],
        population_shape=(t["map_channels"], t["map_rows"], t["map_columns"]),
        channels=(t["channel_start"], t["channel_stop"]),
        rows=(t["row_start"], t["row_stop"]),
        columns=(t["column_start"], t["column_stop"]),
        depth=t["depth"],
        steps=t["steps"],
        fraction_bits=t["fraction_bits"],
        v_limit=t["v_limit"],
        levels=frozen(pairs[which, 0][None]),
        amounts=frozen(pairs[which, 1][None]),
        delta=held("delta"),
        bias=frozen(held("mantissa") << held("exponent")),
        gain=None,
        gain_shift=t["gain_shift"],
        reset=member(RESETS, t["reset"]),
        late_reset=bool(t["late_reset"]),
        emits=member(EMITS, t["emits"]),
        v_min=t["v_min"] if t["has_v_min"] else None,
        multispike_shift=t["multispike_shift"],
        multispike_ge=bool(t["multispike_ge"]),
        graded_shift=t["graded_shift"],
        connections=(),
    )


def _weights(
    place: Place, layout: Layout, formats: Sequence[SynapseFormat], words: Sequence[Words]
) -> tuple[IntArray, list[int]]:
    """(weights, delays). Copies of a weight are not compared here: packing again does that."""
    at = np.concatenate([np.zeros(0, np.int64), *(s.at for s in layout.sets)])
    sizes = [len(s.at) for s in layout.sets]
    flat = np.zeros(prod(place.weight_shape), np.int64)
    delays: list[int] = []
    for format_, part in zip(formats, words, strict=True):
        values, held = unpack_sets(part, sizes, format_)
        flat[at] = values
        delays.append(int(held[0]) if len(held) else 0)
    return frozen(flat.reshape(place.weight_shape)), delays


def _axons(
    sources: Sequence[tuple[int, ...]],
    layout: Layout,
    words: Words,
    first_set: int,
    delays: Sequence[int],
) -> tuple[AxonIn, ...]:
    fields = AXON_IN.unpack(words)
    each = len(layout.pointers)
    if not each and sources:
        raise BitsError("a summand without axons")
    found: list[AxonIn] = []
    for i, driven_by in enumerate(sources):
        group = int(fields["set"][i * each] - first_set) // max(len(layout.sets), 1)
        if not 0 <= group < len(delays):
            raise BitsError("an axon points to a set of another connection")
        found.append(AxonIn(sources=driven_by, delay=delays[group]))
    return tuple(found)
