"""What tiles of a population need of a core of Loihi 1, for many sizes of tile at once, by each way to store borders.

Rows and columns each have their way: with a rim of neurons that nobody hears, every position uses the full weight set;
without, positions near the border have sets of their own. A tile of one row needs no rim there, and no set twice.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.loihi1_axons import POPULATION_SLOTS
from snn2chip.chip.formats.loihi1_pack import BORDERS, Pad
from snn2chip.chip.formats.loihi1_sets import line_of, spans_of
from snn2chip.chip.formats.loihi1_words import (
    Line,
    Span,
    axons_of,
    set_words,
    span_of,
    weight_bits_of,
    words_of_sets,
)
from snn2chip.chip.layer import Layer, Needs, pairs_of
from snn2chip.chip.reach import starts_of
from snn2chip.chip.target import Target
from snn2chip.chip.wiring import Link
from snn2chip.circuit.types import Conv, Dense, Shape
from snn2chip.fixed import signed_bits

TOO_MANY = 1 << 40


def needs_of(layer: Layer, target: Target, sizes: Sequence[IntArray]) -> tuple[Needs, ...]:
    """Needs of the largest tile for all `sizes` but for the output axons, by each way to store borders."""
    return tuple(_needs(layer, target, sizes, pad) for pad in pads_of(layer, target))


def pads_of(layer: Layer, target: Target) -> tuple[Pad, ...]:
    """The ways to store borders that the target allows; dense layers have no place for a rim."""
    ways = BORDERS[str(target.quantities["core.border"].value)]
    dense = any(isinstance(link.projection.kernel, Dense) for link in layer.links)
    return BORDERS["mask"] if dense else ways


def outgoing_of(layer: Layer, size: Shape) -> dict[str, int]:
    """Output axon slots of the tile with the most destinations: discrete axons take one, those of populations more."""
    slots = 1 if layer.by_neuron else POPULATION_SLOTS
    return {"axons_out": slots * pairs_of(layer, size)}


def _needs(layer: Layer, target: Target, sizes: Sequence[IntArray], pad: Pad) -> Needs:
    shape = [len(s) for s in sizes]
    neurons, words, axons = (np.zeros(shape, np.int64) for _ in range(3))
    most = target.limit("neurons")
    bits = tuple(_bits(link) for link in layer.links)
    for (j, th), (k, tw) in product(enumerate(sizes[1]), enumerate(sizes[2])):
        if th * tw > most:
            neurons[:, j, k] = TOO_MANY
            continue
        for rows in _classes(layer, 0, int(th), pad[0]):
            for columns in _classes(layer, 1, int(tw), pad[1]):
                own = _tile(layer, most, bits, sizes[0], rows, columns, (int(th), int(tw)))
                for total, part in zip((neurons, words, axons), own, strict=True):
                    np.maximum(total[:, j, k], part, out=total[:, j, k])
    thresholds = np.array(_thresholds(layer.thresholds, sizes[0]), np.int64)
    formats = sum(len(delays) for delays in layer.delays)
    return {
        "neurons": neurons,
        "synapse_words": words,
        "axons_in": axons,
        "thresholds": np.broadcast_to(thresholds[:, None, None], neurons.shape),
        "synapse_formats": np.full_like(neurons, formats),
    }


def _bits(link: Link) -> int:
    """Stored bits of a link's weights."""
    weight = link.projection.weight
    return weight_bits_of(signed_bits(int(weight.min(initial=0)), int(weight.max(initial=0))))


def _tile(
    layer: Layer,
    most: int,
    bits: Sequence[int],
    channels: IntArray,
    rows: tuple[Span, ...],
    columns: tuple[Span, ...],
    size: tuple[int, int],
) -> tuple[IntArray, IntArray, IntArray]:
    """(neurons, synapse words, input axons) of one place of a tile, for all numbers of channels.

    Where even one channel has more than `most` neurons, nothing else is counted.
    """
    height = rows[0].length if rows else size[0]
    width = columns[0].length if columns else size[1]
    neurons = channels * height * width
    words, axons = np.zeros_like(channels), np.zeros_like(channels)
    spans, tiles = iter(zip(rows, columns, strict=True)), tuple(channels.tolist())
    if height * width > most:
        return neurons, words, axons
    for link, delays, stored in zip(layer.links, layer.delays, bits, strict=True):
        span = None if isinstance(link.projection.kernel, Dense) else next(spans)
        for delay in delays:
            words = words + _words(link, tiles, neurons, span, stored + delay.bit_length())
        c, h, w = link.source_shape
        places = h * w if span is None else axons_of(*span)
        axons = axons + len(link.sources) * (c * h * w if link.by_neuron else places)
    return neurons, words, axons


def _words(
    link: Link,
    tiles: tuple[int, ...],
    neurons: IntArray,
    span: tuple[Span, Span] | None,
    bits: int,
) -> IntArray:
    """Synapse words of one link for one delay; `bits` of a weight and a delay."""
    if span is not None:
        conv = isinstance(link.projection.kernel, Conv)
        per_output = link.projection.weight.shape[1] if conv else 1
        return words_of_sets(*span, per_output, tiles, bits)
    c, h, w = link.source_shape
    if link.by_neuron:
        return c * h * w * set_words(neurons, bits)
    one = span_of(Line(taps=1, source=1, target=1), 0, 1, False)
    return words_of_sets(one, one, c, tiles, bits)


def _classes(layer: Layer, axis: int, size: int, pad: bool) -> list[tuple[Span, ...]]:
    """The different tiles of this length on an axis: the span of each link that is no dense one."""
    length = layer.shape[1 + axis]
    lines = tuple(
        line_of(kernel, axis, _taps(link, axis), link.source_shape, layer.shape)
        for link in layer.links
        if not isinstance(kernel := link.projection.kernel, Dense)
    )
    return _different(lines, length, size, pad)


def _taps(link: Link, axis: int) -> int:
    weight = link.projection.weight
    return weight.shape[2 + axis] if isinstance(link.projection.kernel, Conv) else 1


@lru_cache(maxsize=4096)
def _different(
    lines: tuple[Line, ...], length: int, size: int, pad: bool
) -> list[tuple[Span, ...]]:
    found = {
        tuple(
            Span(begin=0, reached=s.reached, before=s.before, length=s.length)
            for s in spans_of(lines, int(start), min(int(start) + size, length), pad)
        )
        for start in starts_of(length, size)
    }
    return sorted(found, key=str)


def _thresholds(levels: IntArray, sizes: IntArray) -> list[int]:
    """The most different thresholds in a tile, for each number of channels."""
    if len(np.unique(levels)) == 1:
        return [1] * len(sizes)
    own = [set(np.unique(channel).tolist()) for channel in levels]
    return [
        max(len(set().union(*own[i : i + c])) for i in starts_of(len(own), c))
        for c in (int(n) for n in sizes)
    ]
