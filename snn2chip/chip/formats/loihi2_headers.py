"""Headers of Loihi 2's cores: what a tile is, and each connection into it, as records of `loihi2_layout`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import prod
from typing import TypeVar

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.bits import BitsError, Record, Words
from snn2chip.chip.formats.loihi2_layout import (
    CONNECTION,
    CORE,
    SOURCE,
    TILE,
    AmountRule,
    KernelCode,
)
from snn2chip.chip.formats.loihi2_parameters import table_of
from snn2chip.chip.program import Connection, TileContents
from snn2chip.circuit.types import Conv, Dense, Identity, Kernel
from snn2chip.neuron import Emits, Reset

RESETS = (Reset.ZERO, Reset.SUBTRACT, Reset.NONE)
EMITS = (Emits.SPIKE, Emits.MULTISPIKE, Emits.GRADED, Emits.NOTHING)
Numbers = dict[str, int]
E = TypeVar("E", bound=Enum)


@dataclass(frozen=True, slots=True, kw_only=True)
class TileHeader:
    """Fields of a tile's record, and of the records of its connections.

    `sources`: of each connection, the populations that drive each of its axons.
    """

    tile: Numbers
    connections: tuple[Numbers, ...]
    sources: tuple[tuple[tuple[int, ...], ...], ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the tile."""
        t = self.tile
        return (
            t["channel_stop"] - t["channel_start"],
            t["row_stop"] - t["row_start"],
            t["column_stop"] - t["column_start"],
        )


def header_of(tile: TileContents, weight_bits: Sequence[int]) -> TileHeader:
    """The header of a tile whose connections store so many bits per weight."""
    (c0, c1), (y0, y1), (x0, x1) = tile.channels, tile.rows, tile.columns
    map_c, map_y, map_x = tile.population_shape
    return TileHeader(
        tile={
            "population": tile.population,
            "map_channels": map_c,
            "map_rows": map_y,
            "map_columns": map_x,
            "channel_start": c0,
            "channel_stop": c1,
            "row_start": y0,
            "row_stop": y1,
            "column_start": x0,
            "column_stop": x1,
            "depth": tile.depth,
            "steps": tile.steps,
            "fraction_bits": tile.fraction_bits,
            "v_limit": tile.v_limit,
            "levels": len(tile.levels),
            "amounts": rule_of(tile.levels, tile.amounts, tile.multispike_shift),
            "reset": RESETS.index(tile.reset),
            "late_reset": int(tile.late_reset),
            "emits": EMITS.index(tile.emits),
            "has_v_min": int(tile.v_min is not None),
            "v_min": tile.v_min or 0,
            "multispike_shift": tile.multispike_shift,
            "multispike_ge": int(tile.multispike_ge),
            "graded_shift": tile.graded_shift,
            "gain": int(tile.gain is not None),
            "gain_shift": tile.gain_shift,
            "step_gain": int(tile.gain is not None and tile.gain.ndim == 4),
            "step_bias": int(tile.bias.ndim == 4),
            "by_neuron": int(table_of(tile.gain, tile.bias).by_neuron),
            "connections": len(tile.connections),
        },
        connections=tuple(
            _connection(c, bits) for c, bits in zip(tile.connections, weight_bits, strict=True)
        ),
        sources=tuple(tuple(axon.sources for axon in c.axons) for c in tile.connections),
    )


def pack_headers(headers: Sequence[TileHeader]) -> Words:
    """The words of `groups`."""
    parts = [CORE.pack_one({"tiles": len(headers)})]
    for h in headers:
        parts.append(TILE.pack_one(h.tile))
        parts += [CONNECTION.pack_one(c) for c in h.connections]
        parts += [
            SOURCE.pack_one({"population": number, "axon": axon})
            for axons in h.sources
            for axon, sources in enumerate(axons)
            for number in sources
        ]
    return np.concatenate(parts)


def unpack_headers(words: Words) -> tuple[TileHeader, ...]:
    """The headers in `groups`. Raises BitsError."""
    rest = words
    (core,), rest = _read(CORE, rest, 1)
    headers: list[TileHeader] = []
    for _ in range(core["tiles"]):
        (tile,), rest = _read(TILE, rest, 1)
        rows, rest = _read(CONNECTION, rest, tile["connections"])
        drivers, rest = _read(SOURCE, rest, sum(row["sources"] for row in rows))
        headers.append(
            TileHeader(tile=tile, connections=tuple(rows), sources=_by_axon(rows, drivers))
        )
    if len(rest):
        raise BitsError(f"{len(rest)} words behind the last header")
    return tuple(headers)


def _by_axon(
    rows: Sequence[Numbers], drivers: Sequence[Numbers]
) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Populations by connection and axon. Raises BitsError at an axon that nothing drives, or that is not there."""
    found: list[tuple[tuple[int, ...], ...]] = []
    left = iter(drivers)
    for row in rows:
        own = [next(left) for _ in range(row["sources"])]
        if sorted({d["axon"] for d in own}) != list(range(row["axons"])):
            raise BitsError(f"sources of a connection do not drive its {row['axons']} axons")
        found.append(
            tuple(
                tuple(d["population"] for d in own if d["axon"] == axon)
                for axon in range(row["axons"])
            )
        )
    return tuple(found)


def rule_of(levels: IntArray, amounts: IntArray, multispike_shift: int) -> AmountRule:
    """The first rule that gives these reset amounts [L, ...] from thresholds [L, ...]."""
    for rule in (AmountRule.ABOVE_LEVEL, AmountRule.LEVEL, AmountRule.ZERO, AmountRule.POWER):
        if np.array_equal(amounts_by(rule, levels, multispike_shift), amounts):
            return rule
    return AmountRule.STORED


def amounts_by(rule: AmountRule, levels: IntArray, multispike_shift: int) -> IntArray:
    """Reset amounts [L, ...] by a rule, from thresholds [L, ...]."""
    if rule is AmountRule.ABOVE_LEVEL:
        return levels + 1
    if rule is AmountRule.LEVEL:
        return levels
    return np.full_like(levels, 0 if rule is AmountRule.ZERO else 1 << multispike_shift)


def member(kinds: Sequence[E], code: int) -> E:
    """The enum member with this code. Raises BitsError."""
    if code >= len(kinds):
        raise BitsError(f"code {code} is not a {type(kinds[0]).__name__}")
    return kinds[code]


def kernel_of(row: Numbers) -> Kernel:
    """The kernel in a connection's record. Raises BitsError."""
    code = KernelCode(row["kernel"])
    if code is KernelCode.CONV:
        if min(row[name] for name in ("stride_y", "stride_x", "groups")) < 1:
            raise BitsError("a convolution with a stride or groups of 0")
        return Conv(
            stride=(row["stride_y"], row["stride_x"]),
            padding=(row["padding_y"], row["padding_x"]),
            dilation=(row["dilation_y"], row["dilation_x"]),
            groups=row["groups"],
        )
    return Identity() if code is KernelCode.IDENTITY else Dense(pooled=code is KernelCode.POOLED)


def code_of(kernel: Kernel) -> KernelCode:
    """The code of a kernel."""
    if isinstance(kernel, Conv):
        return KernelCode.CONV
    if isinstance(kernel, Dense):
        return KernelCode.POOLED if kernel.pooled else KernelCode.DENSE
    return KernelCode.IDENTITY


def weight_shape(row: Numbers, shape: tuple[int, int, int]) -> tuple[int, ...]:
    """Shape of a connection's weights into a tile of `shape`, its last axis a block's run; as `Connection` says."""
    code, channels = KernelCode(row["kernel"]), shape[0]
    if code is KernelCode.CONV:
        return (row["inputs"], row["kernel_rows"], row["kernel_columns"], channels)
    if code is KernelCode.DENSE:
        return (
            row["source_channels"] * row["source_rows"] * row["source_columns"],
            prod(shape),
        )
    return (row["source_channels"], channels) if code is KernelCode.POOLED else (channels,)


def _connection(c: Connection, weight_bits: int) -> Numbers:
    conv = c.kernel if isinstance(c.kernel, Conv) else None
    inputs, rows, columns = c.weight.shape[:3] if conv else (0, 0, 0)
    (sy, sx), (py, px), (dy, dx) = (
        (conv.stride, conv.padding, conv.dilation) if conv else ((0, 0), (0, 0), (0, 0))
    )
    return {
        "projection": c.projection,
        "kernel": code_of(c.kernel),
        "source_channels": c.source_shape[0],
        "source_rows": c.source_shape[1],
        "source_columns": c.source_shape[2],
        "channel_base": c.channel_base,
        "inputs": inputs,
        "kernel_rows": rows,
        "kernel_columns": columns,
        "stride_y": sy,
        "stride_x": sx,
        "padding_y": py,
        "padding_x": px,
        "dilation_y": dy,
        "dilation_x": dx,
        "groups": conv.groups if conv else 0,
        "exponent": c.exponent,
        "weight_bits": weight_bits,
        "axons": len(c.axons),
        "sources": len(c.sources),
    }


def _read(record: Record, words: Words, count: int) -> tuple[list[Numbers], Words]:
    """(the first `count` records of `words`, what is left)."""
    size = record.words * count
    if len(words) < size:
        raise BitsError("headers are cut short")
    return record.unpack_each(words[:size]), words[size:]
