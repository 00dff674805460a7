"""Contents of cores: the parts of a QuantizedCircuit that one tile holds."""

from collections.abc import Mapping, Sequence

import numpy as np

from snn2chip.arrays import IntArray, frozen
from snn2chip.chip.axons import first_axons
from snn2chip.chip.program import AxonIn, Connection, Schedule, Tile, TileContents
from snn2chip.chip.reach import seen_channels
from snn2chip.chip.wiring import Link, axons_of
from snn2chip.circuit.types import Conv, Dense
from snn2chip.quantize.types import QuantizedCircuit


def tile_contents(
    qc: QuantizedCircuit,
    tile: Tile,
    number: int,
    schedule: Schedule,
    connections: tuple[Connection, ...],
) -> TileContents:
    """The neurons of `tile`, of population `number` of the program."""
    p = qc.population(tile.population)
    n = p.neuron
    box = (slice(*tile.channels), slice(*tile.rows), slice(*tile.columns))

    def cut(values: IntArray) -> IntArray:
        return frozen(np.broadcast_to(values, p.shape)[box].copy())

    def cut_steps(values: IntArray) -> IntArray:
        if values.ndim == 3:
            return cut(values)
        spans = zip(values.shape[1:], box, strict=True)
        part = values[(slice(None), *(span if n > 1 else slice(None) for n, span in spans))]
        constant = bool((part == part[:1]).all())
        inside = np.broadcast_to(part, (len(part), *tile.shape))
        return frozen(inside[0].copy()) if constant else inside

    return TileContents(
        population=number,
        population_shape=p.shape,
        channels=tile.channels,
        rows=tile.rows,
        columns=tile.columns,
        depth=schedule.depth[p.name],
        steps=qc.steps,
        fraction_bits=p.fraction_bits,
        v_limit=qc.v_limit,
        levels=frozen(np.stack([cut(x) for x in n.levels])),
        amounts=frozen(np.stack([cut(x) for x in n.amounts])),
        delta=cut(n.delta),
        bias=cut_steps(p.bias),
        gain=None if n.gain is None else cut_steps(n.gain),
        gain_shift=n.gain_shift,
        reset=n.reset,
        late_reset=n.late_reset,
        emits=n.emits,
        v_min=n.v_min,
        multispike_shift=n.multispike_shift,
        multispike_ge=n.multispike_ge,
        graded_shift=n.graded_shift,
        connections=connections,
    )


def connections_into(
    tile: Tile,
    links: Sequence[Link],
    weights: Sequence[IntArray],
    numbers: Mapping[str, int],
    schedule: Schedule,
    first_axon: int,
) -> tuple[Connection, ...]:
    """The connections of a tile; `weights` as `weights_of` gives them, `numbers` of the populations.

    `first_axon`: of the tile, among those of its core.
    """
    return tuple(
        Connection(
            projection=link.number,
            kernel=link.projection.kernel,
            source_shape=link.source_shape,
            channel_base=_base(link, tile),
            exponent=link.projection.exponent,
            weight=weight,
            first_axon=first_axon + first,
            axons=tuple(
                AxonIn(sources=tuple(numbers[s] for s in axon.sources), delay=axon.delay)
                for axon in axons_of(link, schedule)
            ),
        )
        for link, weight, first in zip(links, weights, first_axons(links, schedule), strict=True)
    )


def shared_by(link: Link, tile: Tile) -> tuple[object, ...]:
    """A key that tiles with the same weights share."""
    if link.by_neuron:
        return (link.projection.name, tile.channels, tile.rows, tile.columns)
    return (link.projection.name, tile.channels)


def weights_of(link: Link, tile: Tile, target_shape: tuple[int, int, int]) -> IntArray:
    """The weights of a link into a tile, laid out as `Connection` says."""
    weight, kernel = link.projection.weight, link.projection.kernel
    channels = slice(*tile.channels)
    if isinstance(kernel, Conv):
        return frozen(_conv_weights(weight, link, tile, target_shape[0]))
    if not isinstance(kernel, Dense):
        return frozen(weight[channels])
    if kernel.pooled:
        return frozen(weight[channels].T)
    inside = weight.reshape(*target_shape, -1)[channels, slice(*tile.rows), slice(*tile.columns)]
    return frozen(inside.reshape(-1, inside.shape[-1]).T)


def _conv_weights(weight: IntArray, link: Link, tile: Tile, channels: int) -> IntArray:
    """[seen channels, kh, kw, tile's channels], zero where a channel is of another group."""
    kernel, source = link.projection.kernel, link.source_shape[0]
    start, stop = tile.channels
    if isinstance(kernel, Conv) and kernel.groups == 1:
        return weight[start:stop].transpose(1, 2, 3, 0)
    low, high = seen_channels(kernel, source, channels, tile.channels)
    wide = np.zeros((high - low, *weight.shape[2:], stop - start), np.int64)
    for o in range(start, stop):
        first, last = seen_channels(kernel, source, channels, (o, o + 1))
        wide[first - low : last - low, :, :, o - start] = weight[o]
    return wide


def _base(link: Link, tile: Tile) -> int:
    if not isinstance(link.projection.kernel, Conv):
        return 0
    # Only the target's channel count matters: weight is [O, ...].
    target = len(link.projection.weight)
    return seen_channels(link.projection.kernel, link.source_shape[0], target, tile.channels)[0]
