"""Loihi 1: rims, the neurons around a tile that nobody hears (`core.border`), and what they cost.

A spike that reaches a padded tile is added with its whole weight set, and some of it lands on the rim. The chip updates
these neurons like all others. Nothing of it changes a spike, and all of it takes energy and time.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.formats import loihi1
from snn2chip.chip.program import Connection, Core, TileContents
from snn2chip.circuit.types import Conv
from snn2chip.energy.fan_out import Mask, Range, hits, spread
from snn2chip.recording import Outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Outputs of a tile along both axes, its rim included."""

    rows: Range
    columns: Range


def own_box(tile: TileContents) -> Box:
    """The tile without its rim."""
    return Box(rows=tile.rows, columns=tile.columns)


def box_of(format_: str, core: Core, tile: TileContents) -> Box:
    """The tile with the rim that the words of its core give it."""
    if format_ != loihi1.NAME:
        return own_box(tile)
    border = loihi1.border_of(core)
    (y, x), (height, width) = border.before, border.size
    top, left = tile.rows[0] - y, tile.columns[0] - x
    return Box(rows=(top, top + height), columns=(left, left + width))


def rim_neurons(tile: TileContents, box: Box) -> int:
    """Neurons of the rim."""
    size = (tile.shape[0], *(stop - start for start, stop in (box.rows, box.columns)))
    return prod(size) - prod(tile.shape)


def taps_of(c: Connection, kernel: Conv, axis: int, inside: Range, box: Range) -> IntArray:
    """Taps that each source coordinate is added with on an axis: all of the box, where it reaches the tile at all."""
    taps, size = c.weight.shape[1 + axis], c.source_shape[1 + axis]
    own = hits(kernel, axis, taps, inside, size)
    return own if inside == box else np.where(own > 0, hits(kernel, axis, taps, box, size), 0)


def outputs_of(c: Connection, kernel: Conv, tile: TileContents) -> IntArray:
    """Channels of the tile that each input channel of `c` has synapses to: those of its own group."""
    inputs, own = c.weight.shape[0], np.arange(*tile.channels)
    of_input = (c.channel_base + np.arange(inputs)) // (c.source_shape[0] // kernel.groups)
    return (of_input[:, None] == own // (tile.population_shape[0] // kernel.groups)).sum(1)


def reached_rim(
    tile: TileContents, box: Box, arriving: list[tuple[Connection, Outputs]]
) -> IntArray:
    """[steps]: neurons of the rim that a spike reaches. `arriving`: each axon's connection, events [steps, C, H, W]."""
    (top, bottom), (left, right) = box.rows, box.columns
    found = np.zeros((1, tile.shape[0], bottom - top, right - left), bool)
    for c, events in arriving:
        if isinstance(c.kernel, Conv):
            found = found | _reached(c, c.kernel, tile, box, events != 0)
    y, x = tile.rows[0] - top, tile.columns[0] - left
    inside = found[:, :, y : y + tile.shape[1], x : x + tile.shape[2]]
    return found.sum((1, 2, 3)) - inside.sum((1, 2, 3))


def _reached(c: Connection, kernel: Conv, tile: TileContents, box: Box, events: Mask) -> Mask:
    """Neurons of the box that events reach: [steps, channels, rows, columns]."""
    taps = c.weight.shape[1:3]
    rows, columns = (
        taps_of(c, kernel, axis, own, whole) > 0
        for axis, own, whole in ((0, tile.rows, box.rows), (1, tile.columns, box.columns))
    )
    heard = events & rows[:, None] & columns
    each_in, each_out = (n // kernel.groups for n in (c.source_shape[0], tile.population_shape[0]))
    found: dict[int, Mask] = {}
    for channel in range(*tile.channels):
        group = channel // each_out
        if group not in found:
            seen = np.asarray(heard[:, group * each_in : (group + 1) * each_in].any(1))
            down = spread(kernel, 0, taps[0], seen.swapaxes(-1, -2), box.rows).swapaxes(-1, -2)
            found[group] = spread(kernel, 1, taps[1], down, box.columns)
    return np.stack([found[channel // each_out] for channel in range(*tile.channels)], 1)
