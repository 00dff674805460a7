"""The weight sets of a tile on Loihi 1: which synapses each holds, and to which set each input axon points."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.bits import BitsError
from snn2chip.chip.formats.loihi1_words import (
    BASES,
    Line,
    Reached,
    SetKey,
    Span,
    offset_of,
    sets_of,
    span_of,
    with_rim,
)
from snn2chip.circuit.types import Conv, Dense, Kernel, Shape

Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A connection's kernel, and the tile that it leads into. `weight_shape`: as `Connection` says."""

    kernel: Kernel
    source_shape: Shape
    channel_base: int
    weight_shape: tuple[int, ...]
    population_shape: Shape
    channels: Range
    rows: Range
    columns: Range

    @property
    def dense(self) -> bool:
        """Whether every source neuron has an axon and a set of its own."""
        return isinstance(self.kernel, Dense) and not self.kernel.pooled

    @property
    def shared(self) -> bool:
        """Whether positions of the source share weights, as those of a convolution do."""
        return not isinstance(self.kernel, Dense)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightSet:
    """`at`: places in the connection's flattened weights; `index`: compartments that the axon's base is added to."""

    at: IntArray
    index: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """`sets`; for every axon of one summand (position, or source neuron) its pointer to a set, and its base."""

    sets: tuple[WeightSet, ...]
    pointers: IntArray
    bases: IntArray

    @property
    def largest_index(self) -> int:
        """The largest index of any set."""
        return max((int(s.index.max(initial=0)) for s in self.sets), default=0)


def line_of(kernel: Kernel, axis: int, taps: int, source: Shape, target: Shape) -> Line:
    """An axis of a kernel with so many `taps`; an identity has one tap."""
    if not isinstance(kernel, Conv):
        return Line(taps=1, source=source[1 + axis], target=target[1 + axis])
    return Line(
        taps=taps,
        stride=kernel.stride[axis],
        padding=kernel.padding[axis],
        dilation=kernel.dilation[axis],
        source=source[1 + axis],
        target=target[1 + axis],
    )


def spans_of(lines: Sequence[Line], start: int, stop: int, pad: bool) -> tuple[Span, ...]:
    """The spans of all kernels into outputs [start, stop) of an axis, with the rim that the widest of them needs."""
    spans = [span_of(line, start, stop, pad) for line in lines]
    before = max((s.before for s in spans), default=0)
    after = max((s.length - s.before for s in spans), default=0)
    return tuple(with_rim(s, before, before + after) for s in spans)


def tile_spans(places: Sequence[Place], pad: tuple[bool, bool]) -> list[tuple[Span, Span] | None]:
    """(rows, columns) of each connection into a tile; None for dense and pooled ones, which see the whole map."""
    shared = [p for p in places if not isinstance(p.kernel, Dense)]
    axes: list[tuple[Span, ...]] = []
    for axis in (0, 1):
        lines = [
            line_of(p.kernel, axis, _taps(p.weight_shape, axis), p.source_shape, p.population_shape)
            for p in shared
        ]
        start, stop = (shared[0].rows, shared[0].columns)[axis] if shared else (0, 0)
        axes.append(spans_of(lines, start, stop, pad[axis]))
    both = iter(zip(*axes, strict=True))
    return [None if isinstance(p.kernel, Dense) else next(both) for p in places]


def _taps(weight_shape: tuple[int, ...], axis: int) -> int:
    return weight_shape[1 + axis] if len(weight_shape) == 4 else 1


def layout_of(place: Place, span: tuple[Span, Span] | None) -> Layout:
    """Sets and pointers of one connection."""
    if span is None:
        return _whole(place)
    ungrouped = not isinstance(place.kernel, Conv) or place.kernel.groups == 1
    channels = (0, place.weight_shape[-1]) if ungrouped else place.channels
    moved = replace(place, channels=channels, rows=(0, 0), columns=(0, 0))
    return _layout(moved, *(replace(s, begin=0) for s in span))


@lru_cache(maxsize=64)
def _layout(place: Place, rows: Span, columns: Span) -> Layout:
    """As `layout_of`: the same for tiles that differ in their place alone."""
    span = (rows, columns)
    found = sets_of(rows, columns)
    order: dict[SetKey, int] = {key: i for i, key in enumerate(found)}
    pointers, bases = [], []
    reached: dict[SetKey, tuple[Reached, Reached]] = {}
    for y, x in _positions(rows, columns):
        first = offset_of(rows, columns, y.first, x.first)
        key = (y.taps, x.taps, first - first % BASES)
        reached.setdefault(key, (y, x))
        pointers.append(order[key])
        bases.append(first % BASES)
    return Layout(
        sets=tuple(_set(place, span, *reached[key], key[2]) for key in found),
        pointers=np.array(pointers, np.int64),
        bases=np.array(bases, np.int64),
    )


def _positions(rows: Span, columns: Span) -> Iterator[tuple[Reached, Reached]]:
    for y in rows.reached:
        for x in columns.reached:
            if y.taps and x.taps:
                yield y, x


def _set(place: Place, span: tuple[Span, Span], y: Reached, x: Reached, high: int) -> WeightSet:
    """Input channels outermost, then taps, the tile's channels innermost."""
    width = span[1].length
    plane = span[0].length * width
    offset = (_outputs(y)[:, None] - y.first) * width + _outputs(x) - x.first + high
    shape = place.weight_shape
    if len(shape) == 1:
        at = np.arange(shape[0])
        return WeightSet(at=at, index=high + at * plane)
    cin, kh, kw, tc = shape
    at = np.arange(cin * kh * kw * tc).reshape(shape)[:, list(y.taps)][:, :, list(x.taps)]
    index = np.broadcast_to(offset[None, :, :, None] + np.arange(tc) * plane, at.shape)
    own = np.broadcast_to(_own_group(place)[:, None, None, :], at.shape)
    return WeightSet(at=at[own], index=index[own])


def _own_group(place: Place) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """[input channels, tile's channels]: pairs of the same group."""
    cin, tc = place.weight_shape[0], place.weight_shape[-1]
    groups = place.kernel.groups if isinstance(place.kernel, Conv) else 1
    inputs, outputs = place.source_shape[0], place.population_shape[0]
    if inputs % groups or outputs % groups or not inputs or not outputs:
        raise BitsError("groups do not divide the channels")
    of_input = (place.channel_base + np.arange(cin)) // (inputs // groups)
    of_output = (place.channels[0] + np.arange(tc)) // (outputs // groups)
    return of_input[:, None] == of_output


def _outputs(r: Reached) -> IntArray:
    """The output that each tap leads to: they fall as taps rise."""
    steps = max(len(r.taps) - 1, 1)
    return r.last - np.arange(len(r.taps)) * ((r.last - r.first) // steps)


def _whole(place: Place) -> Layout:
    """Dense: a set for each source neuron. Pooled: one set for all positions."""
    c, h, w = place.source_shape
    sources, run = place.weight_shape
    each = np.arange(sources * run).reshape(sources, run)
    if place.dense:
        order = np.arange(run)
        return Layout(
            sets=tuple(WeightSet(at=row, index=order) for row in each),
            pointers=np.arange(c * h * w),
            bases=np.zeros(c * h * w, np.int64),
        )
    index = np.tile(np.arange(run), sources)
    one = WeightSet(at=each.ravel(), index=index)
    nothing = np.zeros(h * w, np.int64)
    return Layout(sets=(one,), pointers=nothing, bases=nothing)
