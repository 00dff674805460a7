"""What tiles of a population need of a core of Loihi 2, by the published formulas, for many sizes of tile at once."""

from collections.abc import Sequence
from math import prod

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.loihi2_headers import rule_of
from snn2chip.chip.formats.loihi2_layout import (
    CONNECTION,
    CORE,
    FIELDS,
    SOURCE,
    TILE,
    AmountRule,
)
from snn2chip.chip.formats.loihi2_words import (
    dense_words,
    identity_words,
    memory_words,
    neuron_words,
    shared_words,
)
from snn2chip.chip.layer import Layer, Needs, pairs_of
from snn2chip.chip.reach import seen_channels, starts_of
from snn2chip.chip.target import Target
from snn2chip.chip.wiring import Link
from snn2chip.circuit.types import Conv, Dense, Shape
from snn2chip.fixed import signed_bits
from snn2chip.quantize.types import IntegerNeuron


def words_per_neuron(neuron: IntegerNeuron) -> int:
    """Neuron words: one per level, twice as many where reset amounts follow no rule."""
    levels = np.stack([np.broadcast_to(x, _common(neuron)) for x in neuron.levels])
    amounts = np.stack([np.broadcast_to(x, _common(neuron)) for x in neuron.amounts])
    stored = rule_of(levels, amounts, neuron.multispike_shift) is AmountRule.STORED
    return neuron_words(len(levels), stored)


def _common(neuron: IntegerNeuron) -> tuple[int, ...]:
    return np.broadcast_shapes(*(x.shape for x in (*neuron.levels, *neuron.amounts)))


def needs_of(layer: Layer, target: Target, sizes: Sequence[IntArray]) -> Needs:
    """Needs of the largest tile, for all `sizes` (of channels, of rows, of columns), but for the axon memory."""
    tc, th, tw = np.meshgrid(*sizes, indexing="ij")
    neurons = tc * th * tw
    synapses = np.zeros_like(neurons)
    for link in layer.links:
        synapses = synapses + _synapse_words(link, layer.shape, target, sizes[0], neurons)
    needs = {
        "neurons": neurons * layer.neuron_words,
        "synapse_words": synapses,
        "axons_in": np.full_like(neurons, _axons_in(layer)),
        "axon_map_words": neurons if layer.by_neuron else th * tw,
        "parameter_words": layer.parameter_rows * (neurons if layer.parameters_by_neuron else tc),
    }
    sources = sum(len(link.sources) for link in layer.links)
    header = CORE.words + TILE.words + CONNECTION.words * len(layer.links) + SOURCE.words * sources
    return needs | {
        "total_words": sum(needs.values(), np.zeros_like(neurons)),
        "header_words": np.full_like(neurons, header),
        "groups": np.ones_like(neurons),
    }


def needs_of_each(layer: Layer, target: Target, size: Shape) -> Needs:
    """All needs of each tile, for tiles of one size: [channels, rows, columns of tiles]; and what fields number."""
    lengths = [_lengths(n, s) for n, s in zip(layer.shape, size, strict=True)]
    (tc, c), (th, y), (tw, x) = (np.unique(n, return_inverse=True) for n in lengths)
    each = {name: n[np.ix_(c, y, x)] for name, n in needs_of(layer, target, (tc, th, tw)).items()}
    memory = memory_words(pairs_of(layer, size))
    return each | {
        "axon_memory_words": memory,
        "total_words": each["total_words"] + memory,
        "connections": np.full_like(memory, len(layer.links)),
        "axons": np.full_like(memory, sum(layer.axons)),
    }


def room_of(target: Target, need: str) -> int:
    """The most of a need of `needs_of_each` that a core can hold."""
    limits = [target.limit(need)] if f"core.{need}" in target.quantities else []
    return min([*limits, FIELDS[need]] if need in FIELDS else limits)


def _axons_in(layer: Layer) -> int:
    """Input axon words: one of an axon, but one of each source neuron of a dense link's."""
    return sum(
        axons * (prod(link.source_shape) if link.by_neuron else 1)
        for link, axons in zip(layer.links, layer.axons, strict=True)
    )


def _lengths(size: int, tile: int) -> IntArray:
    """Lengths of the tiles along an axis."""
    return np.minimum(size - starts_of(size, tile), tile)


def outgoing_of(layer: Layer, size: Shape, total: int) -> dict[str, int]:
    """Axon memory of the tile with the most destinations, and with it the `total` of its words."""
    memory = int(memory_words(pairs_of(layer, size)).max())
    return {"axon_memory_words": memory, "total_words": total + memory}


def _synapse_words(
    link: Link, shape: Shape, target: Target, channel_sizes: IntArray, neurons: IntArray
) -> IntArray:
    """Words of one link, for all sizes."""
    weight, kernel = link.projection.weight, link.projection.kernel
    bits = signed_bits(int(weight.min(initial=0)), int(weight.max(initial=0)))
    if isinstance(kernel, Conv):
        taps = weight.shape[2] * weight.shape[3]
        words = [_conv_words(link, shape, int(c), taps, bits) for c in channel_sizes]
    elif isinstance(kernel, Dense):
        if not kernel.pooled:
            c, h, w = link.source_shape
            return dense_words(c * h * w, neurons, target.limit("dense_synapse_bits"))
        words = [shared_words(link.source_shape[0], int(c), bits) for c in channel_sizes]
    else:
        words = [identity_words(int(c), bits) for c in channel_sizes]
    return np.array(words, np.int64)[:, None, None]


def _conv_words(link: Link, shape: Shape, tile: int, taps: int, bits: int) -> int:
    """Words of the channel tile that needs most."""
    kernel, source = link.projection.kernel, link.source_shape[0]
    if isinstance(kernel, Conv) and kernel.groups == 1:
        return shared_words(source * taps, tile, bits)
    most = 0
    for start in range(0, shape[0], tile):
        stop = min(start + tile, shape[0])
        low, high = seen_channels(kernel, source, shape[0], (start, stop))
        most = max(most, shared_words((high - low) * taps, stop - start, bits))
    return most
