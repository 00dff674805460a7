"""A population as the split sees it, whatever the chip: its links, its consumers, and what its spikes cost the mesh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from snn2chip.arrays import IntArray
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
    starts = [starts_of(n, s) for n, s in zip(layer.shape, size, strict=True)]
    pairs = np.zeros([len(s) for s in starts], np.int64)
    for consumer in layer.consumers:
        heard = consumer.reach
        if layer.by_neuron:
            listeners = np.add.reduceat(heard.channels.sum(0), starts[0])
        else:
            listeners = np.logical_or.reduceat(heard.channels, starts[0], axis=1).sum(0)
        rows = np.add.reduceat(heard.rows.sum(0), starts[1])
        columns = np.add.reduceat(heard.columns.sum(0), starts[2])
        pairs += consumer.copies * np.einsum("i,j,k->ijk", listeners, rows, columns)
    return pairs


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
