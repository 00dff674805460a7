"""Loihi 1: the words of a tile, with its border stored in a given way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snn2chip.arrays import IntArray, frozen
from snn2chip.chip.formats.bits import FieldError, Words
from snn2chip.chip.formats.loihi1_layout import AXON_IN, BORDER, HEAD, NEURON, SYNAPSES, THRESHOLD
from snn2chip.chip.formats.loihi1_sets import Layout, Place, layout_of, tile_spans
from snn2chip.chip.formats.loihi1_synapses import SynapseFormat, pack_sets
from snn2chip.chip.formats.loihi1_words import (
    Span,
    index_bits_of,
    weight_bits_of,
    words_of_sets,
)
from snn2chip.chip.formats.loihi2_headers import Numbers, header_of, pack_headers
from snn2chip.chip.program import Connection, TileContents
from snn2chip.chip.target import Target
from snn2chip.circuit.types import Conv
from snn2chip.fixed import signed_bits

Pad = tuple[bool, bool]
"""Whether rows, whether columns have a rim; else positions near the border have weight sets of their own."""
BORDERS: dict[str, tuple[Pad, ...]] = {
    "mask": ((False, False),),
    "pad": ((True, True),),
    "best": ((False, False), (True, False), (False, True), (True, True)),
}
BIAS_EXPONENTS = 8
"""Exponents of a bias: 0 to 7."""


def best_pad(target: Target, tile: TileContents) -> Pad:
    """The way to store the border of a tile that fits a core, with the fewest synapse words, then neurons.

    Dense layers have no place for a rim in their lists of weights.
    """
    ways = BORDERS[str(target.quantities["core.border"].value)]
    if not all(place_of(tile, c).shared for c in tile.connections):
        return (False, False)
    most = target.limit("neurons"), target.limit("synapse_words")

    def order(pad: Pad) -> tuple[bool, int, int]:
        neurons, words = size_of(tile, pad)
        return neurons > most[0] or words > most[1], words, neurons

    return min(ways, key=order)


def size_of(tile: TileContents, pad: Pad) -> tuple[int, int]:
    """(neurons with the rim, synapse words) of a tile without dense connections."""
    spans = tile_spans([place_of(tile, c) for c in tile.connections], pad)
    border, channels = _border(tile, pad, spans), tile.shape[0]
    words = 0
    for c, span in zip(tile.connections, spans, strict=True):
        if span is None:
            continue
        inputs = c.source_shape[0] // c.kernel.groups if isinstance(c.kernel, Conv) else 1
        for delay in {a.delay for a in c.axons}:
            bits = _weight_bits(c.weight) + delay.bit_length()
            rows, columns = (replace(s, begin=0) for s in span)
            words += int(words_of_sets(rows, columns, inputs, (channels,), bits)[0])
    return channels * border.size[0] * border.size[1], words


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packed:
    """A core's memories but for its output axons."""

    groups: Words
    neurons: Words
    synapses: Words
    axons_in: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """A tile's rim: whether rows and columns have one, how much comes first, and the lengths with it."""

    pad: Pad
    before: tuple[int, int]
    size: tuple[int, int]

    @property
    def fields(self) -> dict[str, int]:
        """For the record."""
        return {
            "pad_rows": int(self.pad[0]),
            "pad_columns": int(self.pad[1]),
            "before_rows": self.before[0],
            "rows": self.size[0],
            "before_columns": self.before[1],
            "columns": self.size[1],
        }


def packed_tile(tile: TileContents, pad: Pad) -> Packed:
    """The words of a tile whose border is stored in this way. Raises FieldError."""
    _check_plain(tile)
    places = [place_of(tile, c) for c in tile.connections]
    spans = tile_spans(places, pad)
    border = _border(tile, pad, spans)
    pairs, neurons = _pack_neurons(tile, border)
    formats: list[Numbers] = []
    synapses: list[Words] = []
    axons: list[Words] = []
    sets = 0
    for number, (c, place, span) in enumerate(zip(tile.connections, places, spans, strict=True)):
        layout = layout_of(place, span)
        delays = sorted({a.delay for a in c.axons})
        for delay in delays:
            fields = _format_fields(number, c, place, layout, delay)
            synapses.append(_pack_weights(c, layout, delay, synapse_format(len(formats), fields)))
            formats.append(fields)
        for a in c.axons:
            first = sets + delays.index(a.delay) * len(layout.sets)
            axons.append(_pack_axons_in(number, first, layout))
        sets += len(delays) * len(layout.sets)
    return Packed(
        groups=_pack_groups(tile, border, pairs, formats),
        neurons=neurons,
        synapses=_joined(synapses),
        axons_in=_joined(axons),
    )


def _pack_groups(
    tile: TileContents, border: Border, pairs: IntArray, formats: Sequence[Numbers]
) -> Words:
    bits = [_weight_bits(c.weight) for c in tile.connections]
    return _joined(
        [
            HEAD.pack_one({"thresholds": len(pairs), "formats": len(formats), "tiles": 1}),
            THRESHOLD.pack({"level": pairs[:, 0], "amount": pairs[:, 1]}),
            *(SYNAPSES.pack_one(f) for f in formats),
            BORDER.pack_one(border.fields),
            pack_headers([header_of(tile, bits)]),
        ]
    )


def _pack_axons_in(connection: int, first_set: int, layout: Layout) -> Words:
    """The axons of summands with one delay, whose sets are those from `first_set` on."""
    return AXON_IN.pack(
        {
            "connection": connection,
            "set": first_set + layout.pointers,
            "base": layout.bases,
        }
    )


def _check_plain(tile: TileContents) -> None:
    """Raise FieldError for what no field of this chip holds."""
    if tile.gain is not None or tile.bias.ndim == 4:
        raise FieldError("neuron", "gain, or bias of each step,", 0, 0, 0)
    if len(tile.levels) != 1:
        raise FieldError("neuron", "thresholds", 1, 1, len(tile.levels))


def place_of(tile: TileContents, c: Connection) -> Place:
    """Where a connection leads."""
    return Place(
        kernel=c.kernel,
        source_shape=c.source_shape,
        channel_base=c.channel_base,
        weight_shape=c.weight.shape,
        population_shape=tile.population_shape,
        channels=tile.channels,
        rows=tile.rows,
        columns=tile.columns,
    )


def _border(tile: TileContents, pad: Pad, spans: Sequence[tuple[Span, Span] | None]) -> Border:
    found = next((s for s in spans if s is not None), None)
    _, height, width = tile.shape
    if found is None:
        return Border(pad=pad, before=(0, 0), size=(height, width))
    rows, columns = found
    return Border(pad=pad, before=(rows.before, columns.before), size=(rows.length, columns.length))


def _pack_neurons(tile: TileContents, border: Border) -> tuple[IntArray, Words]:
    """(different thresholds [n, 2] with their amounts, words). The rim is silent and all zeros but for its mark."""
    each = np.stack([tile.levels[0].ravel(), tile.amounts[0].ravel()], 1)
    pairs, which = np.unique(each, axis=0, return_inverse=True)
    mantissa, exponent = _bias(tile.bias)
    channels, height, width = tile.shape
    (y, x), shape = border.before, (channels, *border.size)
    inside = (slice(None), slice(y, y + height), slice(x, x + width))

    def placed(values: IntArray, rim: int = 0) -> IntArray:
        wide = np.full(shape, rim, np.int64)
        wide[inside] = values.reshape(tile.shape)
        return wide

    words = NEURON.pack(
        {
            "threshold": placed(which),
            "mantissa": placed(mantissa),
            "exponent": placed(exponent),
            "delta": placed(tile.delta),
            "rim": placed(np.zeros(tile.shape, np.int64), 1),
        }
    )
    return pairs, words


def _bias(bias: IntArray) -> tuple[IntArray, IntArray]:
    """(mantissa, exponent) of each bias: the smallest exponent with a whole mantissa that fits. Raises FieldError."""
    field = next(f for f in NEURON.fields if f.name == "mantissa")
    half = 1 << (field.bits - 1)
    exponent = np.full(bias.shape, -1)
    for e in reversed(range(BIAS_EXPONENTS)):
        whole = (bias % (1 << e) == 0) & (bias >= -half << e) & (bias < half << e)
        exponent[whole] = e
    if (exponent < 0).any():
        wrong = bias[exponent < 0]
        raise FieldError("neuron", "bias", field.bits, int(wrong.min()), int(wrong.max()))
    return bias >> exponent, exponent


def _weight_bits(weight: IntArray) -> int:
    """Stored bits of a weight. Raises FieldError."""
    low, high = int(weight.min(initial=0)), int(weight.max(initial=0))
    if signed_bits(low, high) > 8:
        raise FieldError("synapse", "weight", 8, low, high)
    return weight_bits_of(signed_bits(low, high))


def _format_fields(
    number: int, c: Connection, place: Place, layout: Layout, delay: int
) -> dict[str, int]:
    largest = layout.largest_index
    try:
        index_bits = 0 if place.dense else index_bits_of(largest)
    except ValueError as e:
        raise FieldError("synapse", "index", 12, 0, largest) from e
    return {
        "connection": number,
        "weight_bits": _weight_bits(c.weight),
        "index_bits": index_bits,
        "delay_bits": delay.bit_length(),
        "exponent": c.exponent,
    }


def synapse_format(number: int, fields: Numbers) -> SynapseFormat:
    """The format that a record of SYNAPSES describes."""
    return SynapseFormat(
        number=number,
        weight_bits=fields["weight_bits"],
        index_bits=fields["index_bits"],
        delay_bits=fields["delay_bits"],
    )


def _pack_weights(c: Connection, layout: Layout, delay: int, format_: SynapseFormat) -> Words:
    flat = c.weight.ravel()
    return pack_sets([(flat[s.at], s.index) for s in layout.sets], delay, format_)


def _joined(parts: Sequence[Words]) -> Words:
    return frozen(np.concatenate([np.zeros(0, np.uint64), *parts]))
