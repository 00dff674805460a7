"""A population as the split sees it, whatever the chip: its links, its consumers, and what its spikes cost the mesh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from snn2chip.arrays import IntArray, frozen
from snn2chip.chip.reach import Reach, starts_of
from snn2chip.chip.wiring import Link
from snn2chip.circuit.types import Conv, Dense, Shape

Needs = Mapping[str, IntArray]
"""Limit `core.*` -> need of one core, for every size [channel sizes, row sizes, column sizes]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Consumer:
    """Tiles that listen to a population: their reach, and how many axons of each are its."""

    reach: Reach
    copies: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """A population as the split sees it. `by_neuron`: its axon map has an entry for each neuron, not each position.

    `neuron_words`: of one neuron. `thresholds`: numbers that tell them apart, channels first. `delays`: for each link,
    the different times for which its synapses hold spikes back, where the chip does that in synapses; else zero alone.
    `axons`: of each link, those that its summands drive.
    `parameter_rows`: rows of gains, or of biases that change from step to step; `parameters_by_neuron`: each has its
    own, not its channel.
    """

    shape: Shape
    neuron_words: int
    thresholds: IntArray
    links: tuple[Link, ...]
    delays: tuple[tuple[int, ...], ...]
    axons: tuple[int, ...]
    consumers: tuple[Consumer, ...]
    by_neuron: bool
    parameter_rows: int = 0
    parameters_by_neuron: bool = False


def pairs_of(layer: Layer, size: Shape) -> IntArray:
    """Destinations of each tile, for tiles of one size: [channels, rows, columns of tiles]."""
    pairs = np.zeros([-(-n // s) for n, s in zip(layer.shape, size, strict=True)], np.int64)
    for consumer in layer.consumers:
        each = (layer.by_neuron, True, True)
        heard = (_heard(consumer, axis, size[axis], each[axis]) for axis in range(3))
        pairs += consumer.copies * np.einsum("i,j,k->ijk", *heard)
    return pairs


@lru_cache(maxsize=1 << 12)
def _heard(consumer: Consumer, axis: int, size: int, each: bool) -> IntArray:
    """Listeners to each part of an axis, parts of one size; `each` coordinate of a part has its own, or all have one.

    Kept, because many sizes of tile share the size of an axis.
    """
    reach = consumer.reach
    heard = (reach.channels, reach.rows, reach.columns)[axis]
    starts = starts_of(heard.shape[1], size)
    if each:
        return frozen(np.add.reduceat(heard.sum(0), starts))
    return frozen(np.logical_or.reduceat(heard, starts, axis=1).sum(0))


def traffic_of(layer: Layer, sizes: Sequence[IntArray]) -> IntArray:
    """About how many destinations the sources of `layer` must list, for all `sizes`."""
    tc, th, tw = np.meshgrid(*sizes, indexing="ij")
    parts = [-(-n // s) for n, s in zip(layer.shape, (tc, th, tw), strict=True)]
    total = np.zeros_like(tc)
    for link in layer.links:
        rows, columns = (_span(link, axis, s) for axis, s in ((0, th), (1, tw)))
        total = total + len(link.sources) * parts[0] * parts[1] * rows * parts[2] * columns
    return total


def _span(link: Link, axis: int, tile: IntArray) -> IntArray:
    """Source coordinates that a tile of this length sees on an axis, but for the map's border."""
    kernel, source = link.projection.kernel, link.source_shape[1 + axis]
    if isinstance(kernel, Dense):
        return np.full_like(tile, source)
    if not isinstance(kernel, Conv):
        return tile
    taps = (link.projection.weight.shape[2 + axis] - 1) * kernel.dilation[axis] + 1
    return np.minimum((tile - 1) * kernel.stride[axis] + taps, source)
