"""Loihi 2: what the words of a core say. Words that packing never makes are refused."""

from collections.abc import Sequence
from math import prod

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.formats import loihi2_axons
from snn2chip.chip.formats.bits import BitsError, Field, Words, take, unpack_blocks, words_of
from snn2chip.chip.formats.loihi2_headers import (
    EMITS,
    RESETS,
    Numbers,
    TileHeader,
    amounts_by,
    header_of,
    kernel_of,
    member,
    pack_headers,
    unpack_headers,
    weight_shape,
)
from snn2chip.chip.formats.loihi2_layout import (
    AMOUNT,
    AXON_IN,
    HEADER_BITS,
    NEURON,
    AmountRule,
    KernelCode,
)
from snn2chip.chip.formats.loihi2_pack import (
    axon_words,
    block_header,
    index_bits_of,
    joined,
    pack_axons_in,
)
from snn2chip.chip.formats.loihi2_parameters import (
    pack_parameters,
    parameter_words,
    unpack_parameters,
)
from snn2chip.chip.program import AxonIn, AxonTable, Connection, Core, CoreContents, TileContents
from snn2chip.chip.target import Target

Sources = tuple[tuple[int, ...], ...]
"""Of a connection: the populations that drive each of its axons."""


def read_core(core: Core, target: Target) -> CoreContents:
    """The contents of a core. Raises BitsError."""
    headers = unpack_headers(core.groups)
    neurons = take(core.neurons, [_neuron_words(h) for h in headers])
    rows = [(h, r, s) for h in headers for r, s in zip(h.connections, h.sources, strict=True)]
    synapses = take(core.synapses, [_synapse_words(h, r, target) for h, r, _ in rows])
    axons_in = take(
        core.axons_in,
        [r["axons"] * axon_words(KernelCode(r["kernel"]), _source(r)) for _, r, _ in rows],
    )
    parameters = take(core.parameters, [parameter_words(h.tile, h.shape) for h in headers])
    connections = iter(_connections(rows, synapses, axons_in, target))
    tiles = tuple(
        _tile(h, words, steps, group, tuple(next(connections) for _ in h.connections))
        for group, (h, words, steps) in enumerate(zip(headers, neurons, parameters, strict=True))
    )
    table = loihi2_axons.unpack_table(core.axon_map, core.axon_memory)
    _check_again(core, headers, tiles, table)
    return CoreContents(tiles=tiles, axons=table)


def _check_again(
    core: Core, headers: Sequence[TileHeader], tiles: Sequence[TileContents], table: AxonTable
) -> None:
    """Words that mean the same but are not what packing makes are refused: fields that nothing reads must be zero."""
    bits = [[r["weight_bits"] for r in h.connections] for h in headers]
    again = pack_headers([header_of(t, b) for t, b in zip(tiles, bits, strict=True)])
    if not np.array_equal(again, core.groups):
        raise BitsError("headers hold values where none belong")
    if not np.array_equal(pack_axons_in([c for t in tiles for c in t.connections]), core.axons_in):
        raise BitsError("input axons do not follow their connections")
    if not np.array_equal(joined([pack_parameters(t) for t in tiles]), core.parameters):
        raise BitsError("parameters hold values where none belong")
    per_tile = [prod(t.shape if table.per_neuron else t.shape[1:]) for t in tiles]
    if len(table.first) - 1 != sum(per_tile):
        raise BitsError(f"{len(table.first) - 1} axon map entries for tiles of {sum(per_tile)}")


def _source(row: Numbers) -> tuple[int, int, int]:
    return (row["source_channels"], row["source_rows"], row["source_columns"])


def _neuron_words(h: TileHeader) -> int:
    if min(h.shape) < 1 or h.tile["levels"] < 1:
        raise BitsError("a tile without neurons")
    per_level = 2 if member(tuple(AmountRule), h.tile["amounts"]) is AmountRule.STORED else 1
    return h.tile["levels"] * per_level * prod(h.shape)


def _block_shape(h: TileHeader, row: Numbers) -> tuple[int, int]:
    shape = weight_shape(row, h.shape)
    run = shape[-1] if len(shape) > 1 else 1
    return prod(shape) // run, run


def _weight_field(row: Numbers, target: Target) -> Field:
    bits = row["weight_bits"]
    if not 1 <= bits <= 8:
        raise BitsError(f"weights of {bits} bits")
    dense = KernelCode(row["kernel"]) is KernelCode.DENSE
    return Field("weight", bits + index_bits_of(bits, target) if dense else bits, signed=True)


def _synapse_words(h: TileHeader, row: Numbers, target: Target) -> int:
    blocks, run = _block_shape(h, row)
    return blocks * words_of(HEADER_BITS + run * _weight_field(row, target).bits)


def _connections(
    rows: Sequence[tuple[TileHeader, Numbers, Sources]],
    synapses: Sequence[Words],
    axons_in: Sequence[Words],
    target: Target,
) -> list[Connection]:
    found: list[Connection] = []
    first_axon = 0
    for (h, row, sources), words, axons in zip(rows, synapses, axons_in, strict=True):
        found.append(
            Connection(
                projection=row["projection"],
                kernel=kernel_of(row),
                source_shape=_source(row),
                channel_base=row["channel_base"],
                exponent=row["exponent"],
                weight=_weights(h, row, words, target),
                first_axon=first_axon,
                axons=_axons(row, axons, sources),
            )
        )
        first_axon += row["axons"]
    return found


def _weights(h: TileHeader, row: Numbers, words: Words, target: Target) -> IntArray:
    blocks, run = _block_shape(h, row)
    bits, field = row["weight_bits"], _weight_field(row, target)
    header, values = unpack_blocks(words, HEADER_BITS, (blocks, run), field)
    if (header != block_header(bits, run)).any():
        raise BitsError("the header of a synapse block is not that of its connection")
    index_bits = field.bits - bits
    if (
        index_bits
        and (values & ((1 << index_bits) - 1) != np.arange(run) % (1 << index_bits)).any()
    ):
        raise BitsError("the index of a synapse is not its place")
    return _sealed((values >> index_bits).reshape(weight_shape(row, h.shape)))


def _axons(row: Numbers, words: Words, sources: Sources) -> tuple[AxonIn, ...]:
    fields = AXON_IN.unpack(words)
    each = axon_words(KernelCode(row["kernel"]), _source(row))
    pairs = zip(sources, fields["delay"][::each], strict=True)
    return tuple(AxonIn(sources=s, delay=int(d)) for s, d in pairs)


def _tile(
    h: TileHeader,
    words: Words,
    parameters: Words,
    group: int,
    connections: tuple[Connection, ...],
) -> TileContents:
    t = h.tile
    size, levels = prod(h.shape), t["levels"]
    fields = NEURON.unpack(words[: levels * size])
    if (fields["group"] != group).any():
        raise BitsError("a neuron is of another group than its tile")
    if fields["bias"][size:].any() or fields["delta"][size:].any():
        raise BitsError("a level above the first holds a bias or a decay")
    gain, step_bias = unpack_parameters(t, h.shape, parameters)
    if step_bias is not None and fields["bias"].any():
        raise BitsError("a neuron holds a bias beside those of each step")
    theta = fields["level"].reshape(levels, *h.shape)
    rule = member(tuple(AmountRule), t["amounts"])
    stored = rule is AmountRule.STORED
    amounts = (
        AMOUNT.unpack(words[levels * size :])["amount"].reshape(theta.shape)
        if stored
        else np.array(amounts_by(rule, theta, t["multispike_shift"]))
    )
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
        levels=_sealed(theta),
        amounts=_sealed(amounts),
        delta=_sealed(fields["delta"][:size].reshape(h.shape)),
        bias=_sealed(fields["bias"][:size].reshape(h.shape)) if step_bias is None else step_bias,
        gain=gain,
        gain_shift=t["gain_shift"],
        reset=member(RESETS, t["reset"]),
        late_reset=bool(t["late_reset"]),
        emits=member(EMITS, t["emits"]),
        v_min=t["v_min"] if t["has_v_min"] else None,
        multispike_shift=t["multispike_shift"],
        multispike_ge=bool(t["multispike_ge"]),
        graded_shift=t["graded_shift"],
        connections=connections,
    )


def _sealed(values: IntArray) -> IntArray:
    values.flags.writeable = False
    return values
