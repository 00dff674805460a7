"""Loihi 2's table of input gains, and of biases that change from step to step.

A record for each step (one for all where neither changes) and channel, or each step and neuron where neurons of a
channel differ. A tile without a gain and with one bias for all steps has no table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.bits import BitsError, Words
from snn2chip.chip.formats.loihi2_layout import PARAMETER
from snn2chip.chip.program import TileContents


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterTable:
    """`rows`: 0, 1 or the number of steps. `by_neuron`: a record per neuron, not per channel."""

    rows: int
    by_neuron: bool

    def words(self, shape: tuple[int, int, int]) -> int:
        """Words of a tile of (channels, rows, columns)."""
        return self.rows * (prod(shape) if self.by_neuron else shape[0]) * PARAMETER.words


def table_of(gain: IntArray | None, bias: IntArray) -> ParameterTable:
    """The table of a tile or population; arrays [C, H or 1, W or 1], with T before them where they change."""
    held = [x for x in (gain, bias if bias.ndim == 4 else None) if x is not None]
    return ParameterTable(
        rows=max((len(x) if x.ndim == 4 else 1 for x in held), default=0),
        by_neuron=any(bool((x != x[..., :1, :1]).any()) for x in held),
    )


def pack_parameters(tile: TileContents) -> Words:
    """Records of a tile, step by step; a gain that does not change is repeated beside biases that do."""
    table = table_of(tile.gain, tile.bias)
    if not table.rows:
        return np.zeros(0, np.uint64)
    shape = (table.rows, *tile.shape)
    gain, bias = (
        0 if x is None else np.broadcast_to(x, shape)[(..., *_records(table.by_neuron))]
        for x in (tile.gain, tile.bias if tile.bias.ndim == 4 else None)
    )
    return PARAMETER.pack({"gain": gain, "bias": bias})


def parameter_words(header: Mapping[str, int], shape: tuple[int, int, int]) -> int:
    """Words of the tile with this header."""
    return _table(header).words(shape)


def unpack_parameters(
    header: Mapping[str, int], shape: tuple[int, int, int], words: Words
) -> tuple[IntArray | None, IntArray | None]:
    """(gain [C, H, W] or [T, C, H, W] or None, bias [T, C, H, W] or None). Raises BitsError.

    Fields of a record that mean nothing are not looked at: whoever unpacks packs again and compares.
    """
    table = _table(header)
    if not table.rows:
        return None, None
    fields = PARAMETER.unpack(words)
    records = shape if table.by_neuron else (shape[0], 1, 1)

    def held(name: str, changes: bool) -> IntArray:
        rows = fields[name].reshape(table.rows, *records)
        if changes and (rows == rows[:1]).all():
            raise BitsError(f"a {name} of each step is the same in all of them")
        if not changes:
            rows = rows[0]
        return np.broadcast_to(rows, (*rows.shape[:-3], *shape))

    gain = held("gain", bool(header["step_gain"])) if header["gain"] else None
    return gain, held("bias", True) if header["step_bias"] else None


def _table(header: Mapping[str, int]) -> ParameterTable:
    changes = header["step_gain"] or header["step_bias"]
    return ParameterTable(
        rows=header["steps"] if changes else header["gain"], by_neuron=bool(header["by_neuron"])
    )


def _records(by_neuron: bool) -> tuple[slice, slice]:
    return (slice(None), slice(None)) if by_neuron else (slice(1), slice(1))
