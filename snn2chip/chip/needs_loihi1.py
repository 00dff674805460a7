"""What tiles of a population need of a core of Loihi 1, for many sizes of tile at once, by each way to store borders.

Rows and columns each have their way: with a rim of neurons that nobody hears, every position uses the full weight set;
without, positions near the border have sets of their own. A tile of one row needs no rim there, and no set twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from snn2chip.arrays import IntArray, frozen
from snn2chip.chip.formats.loihi1_axons import POPULATION_SLOTS
from snn2chip.chip.formats.loihi1_pack import BORDERS, Pad
from snn2chip.chip.formats.loihi1_sets import line_of, spans_of
from snn2chip.chip.formats.loihi1_words import (
    UNCOUNTED,
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
from snn2chip.circuit.types import Conv, Dense, Kernel, Shape
from snn2chip.fixed import signed_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Synapses:
    """What the memory of a link depends on. `bits` of a stored weight; `inputs`: channels that an output sees.

    `delays`: the different times for which they hold spikes back; each has weight sets of its own.
    """

    kernel: Kernel
    taps: tuple[int, int]
    source_shape: Shape
    axons: int
    inputs: int
    bits: int
    delays: tuple[int, ...]

    @property
    def by_neuron(self) -> bool:
        """Whether every source neuron has an input axon of its own."""
        return isinstance(self.kernel, Dense) and not self.kernel.pooled


Sizes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def needs_of(layer: Layer, target: Target, sizes: Sequence[IntArray]) -> tuple[Needs, ...]:
    """Needs of the largest tile for all `sizes` but for the output axons, by each way to store borders."""
    thresholds = np.array(_thresholds(layer.thresholds, sizes[0]), np.int64)
    formats = sum(len(delays) for delays in layer.delays)
    links = _synapses_of(layer)
    channels, rows, columns = (tuple(s.tolist()) for s in sizes)
    most = target.limit("neurons")
    found: list[Needs] = []
    for pad in pads_of(layer, target):
        neurons, words, axons = _counted(layer.shape, links, most, (channels, rows, columns), pad)
        found.append(
            {
                "neurons": neurons,
                "synapse_words": words,
                "axons_in": axons,
                "thresholds": np.broadcast_to(thresholds[:, None, None], neurons.shape),
                "synapse_formats": np.full_like(neurons, formats),
            }
        )
    return tuple(found)


def pads_of(layer: Layer, target: Target) -> tuple[Pad, ...]:
    """The ways to store borders that the target allows; dense layers have no place for a rim, single taps need none."""
    ways = BORDERS[str(target.quantities["core.border"].value)]
    if any(isinstance(link.projection.kernel, Dense) for link in layer.links):
        return BORDERS["mask"]
    rows, columns = (any(_taps(link, axis) > 1 for link in layer.links) for axis in (0, 1))
    return tuple(dict.fromkeys((pad[0] and rows, pad[1] and columns) for pad in ways))


def outgoing_of(layer: Layer, size: Shape) -> dict[str, int]:
    """Output axon slots of the tile with the most destinations: discrete axons take one, those of populations more."""
    slots = 1 if layer.by_neuron else POPULATION_SLOTS
    return {"axons_out": slots * int(pairs_of(layer, size).max())}


def _synapses_of(layer: Layer) -> tuple[_Synapses, ...]:
    return tuple(
        _Synapses(
            kernel=link.projection.kernel,
            taps=(_taps(link, 0), _taps(link, 1)),
            source_shape=link.source_shape,
            axons=axons,
            inputs=_inputs(link),
            bits=_bits(link),
            delays=delays,
        )
        for link, delays, axons in zip(layer.links, layer.delays, layer.axons, strict=True)
    )


def _taps(link: Link, axis: int) -> int:
    weight = link.projection.weight
    return weight.shape[2 + axis] if isinstance(link.projection.kernel, Conv) else 1


def _inputs(link: Link) -> int:
    kernel = link.projection.kernel
    if isinstance(kernel, Conv):
        return link.projection.weight.shape[1]
    return link.source_shape[0] if isinstance(kernel, Dense) else 1


def _bits(link: Link) -> int:
    """Stored bits of a link's weights."""
    weight = link.projection.weight
    return weight_bits_of(signed_bits(int(weight.min(initial=0)), int(weight.max(initial=0))))


@lru_cache(maxsize=512)
def _counted(
    shape: Shape, links: tuple[_Synapses, ...], most: int, sizes: Sizes, pad: Pad
) -> tuple[IntArray, IntArray, IntArray]:
    """(neurons, synapse words, input axons) of the largest tile, for all `sizes`. Networks repeat their layers."""
    neurons, words, axons = (np.zeros([len(s) for s in sizes], np.int64) for _ in range(3))
    channels = np.array(sizes[0], np.int64)
    heights, widths = (
        [_classes(shape, links, axis, n, pad[axis]) if n <= most else [] for n in sizes[1 + axis]]
        for axis in (0, 1)
    )
    for (j, th), (k, tw) in product(enumerate(sizes[1]), enumerate(sizes[2])):
        if th * tw > most:
            neurons[:, j, k] = channels * (th * tw)
            words[:, j, k] = axons[:, j, k] = UNCOUNTED
            continue
        for rows, columns in product(heights[j], widths[k]):
            own = _tile(links, most, channels, rows, columns, (th, tw))
            for total, part in zip((neurons, words, axons), own, strict=True):
                np.maximum(total[:, j, k], part, out=total[:, j, k])
    return frozen(neurons), frozen(words), frozen(axons)


def _tile(
    links: Sequence[_Synapses],
    most: int,
    channels: IntArray,
    rows: tuple[Span, ...],
    columns: tuple[Span, ...],
    size: tuple[int, int],
) -> tuple[IntArray, IntArray, IntArray]:
    """(neurons, synapse words, input axons) of one place of a tile, for all numbers of channels.

    Where even one channel has more than `most` neurons, nothing else is counted: UNCOUNTED.
    """
    height = rows[0].length if rows else size[0]
    width = columns[0].length if columns else size[1]
    neurons = channels * height * width
    if height * width > most:
        return neurons, np.full_like(channels, UNCOUNTED), np.full_like(channels, UNCOUNTED)
    words, axons = np.zeros_like(channels), np.zeros_like(channels)
    spans, tiles = iter(zip(rows, columns, strict=True)), tuple(channels.tolist())
    for link in links:
        span = None if isinstance(link.kernel, Dense) else next(spans)
        for delay in link.delays:
            words = words + _words(link, tiles, neurons, span, link.bits + delay.bit_length())
        c, h, w = link.source_shape
        places = h * w if span is None else axons_of(*span)
        axons = axons + link.axons * (c * h * w if link.by_neuron else places)
    return neurons, words, axons


def _words(
    link: _Synapses,
    tiles: tuple[int, ...],
    neurons: IntArray,
    span: tuple[Span, Span] | None,
    bits: int,
) -> IntArray:
    """Synapse words of one link for one delay; `bits` of a weight and a delay."""
    if span is not None:
        return words_of_sets(*span, link.inputs, tiles, bits)
    if link.by_neuron:
        return prod(link.source_shape) * set_words(neurons, bits)
    one = span_of(Line(taps=1, source=1, target=1), 0, 1, False)
    return words_of_sets(one, one, link.inputs, tiles, bits)


def _classes(
    shape: Shape, links: Sequence[_Synapses], axis: int, size: int, pad: bool
) -> list[tuple[Span, ...]]:
    """The different tiles of this length on an axis: the span of each link that is no dense one."""
    lines = tuple(
        line_of(link.kernel, axis, link.taps[axis], link.source_shape, shape)
        for link in links
        if not isinstance(link.kernel, Dense)
    )
    return _different(lines, shape[1 + axis], size, pad)


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
