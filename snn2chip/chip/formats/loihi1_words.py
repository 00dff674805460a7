"""Loihi 1: how much synapse memory a tile takes, as nengo-loihi counts it (block.py, SynapseConfig.bits_per_axon).

A shared convolution uses population axons: one input axon per source position, whose spikes carry the channel; the axon
points to a set of weights. Positions with the same taps share a set; near the border of a tile, and with strides, taps
differ. The base that an axon adds has 8 bits, so sets repeat where an output's offset passes a multiple of 256.

Two ways to store what crosses a tile's border, chosen for rows and for columns: *mask* (published) gives positions
near the border sets of their own, with the taps that stay inside; *pad* (ours) gives the tile a rim of dummy
compartments, so that every position uses the full set and what spills over counts for nothing.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import numpy as np

from snn2chip.arrays import IntArray, frozen
from snn2chip.chip.formats.bits import WORD

BASES = 256
BLOCK_SYNAPSES = 64
HEADER_BITS = 10
INDEX_BITS = (0, 6, 7, 8, 9, 10, 11, 12)
"""Widths of a synapse's index that the chip has."""
WEIGHT_BITS = (1, 2, 3, 4, 5, 6, 8)
"""Widths of a stored weight that the chip has."""

UNCOUNTED = 1 << 40
"""In the place of a count that is none, because a tile has more neurons than a core or than an index can tell apart."""

N = TypeVar("N", int, IntArray)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One axis of a convolution: taps, stride, padding, dilation, and the lengths of the two maps."""

    taps: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Reached:
    """What one source coordinate reaches: rising `taps`, and the `first` and `last` output, from the tile's start."""

    taps: tuple[int, ...]
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One axis of a tile: source coordinates from `begin` on, and the length with its rim; `before` of it is rim."""

    begin: int
    reached: tuple[Reached, ...]
    before: int
    length: int
    digest: int = field(init=False, repr=False, compare=False)
    """Its hash, made once: caches of costs look the same few spans up a million times."""

    def __post_init__(self) -> None:
        parts = (self.begin, self.reached, self.before, self.length)
        object.__setattr__(self, "digest", hash(parts))

    def __hash__(self) -> int:
        return self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSets:
    """Weights of one tile of a convolution: sets, synapses of all of them, bits of an index, bits of memory."""

    sets: int
    synapses: int
    index_bits: int
    memory_bits: int


@lru_cache(maxsize=4096)
def span_of(line: Line, start: int, stop: int, pad: bool) -> Span:
    """The axis of a tile of outputs [start, stop); with `pad` every coordinate reaches all that its taps lead to."""
    found: dict[int, Reached] = {}
    for at in range(line.source):
        outputs = [
            (t, (at + line.padding - t * line.dilation) // line.stride)
            for t in range(line.taps)
            if (at + line.padding - t * line.dilation) % line.stride == 0
        ]
        inside = [(t, o) for t, o in outputs if start <= o < stop]
        if inside:
            kept = outputs if pad else inside
            places = [o - start for _, o in kept]
            found[at] = Reached(tuple(t for t, _ in kept), min(places), max(places))
    if not found:
        return Span(begin=0, reached=(), before=0, length=stop - start)
    before = max(0, -min(r.first for r in found.values()))
    after = max(0, max(r.last for r in found.values()) + 1 - (stop - start))
    begin = min(found)
    nothing = Reached((), 0, 0)
    return Span(
        begin=begin,
        reached=tuple(found.get(i, nothing) for i in range(begin, max(found) + 1)),
        before=before,
        length=before + stop - start + after,
    )


def with_rim(span: Span, before: int, length: int) -> Span:
    """The same axis in a tile whose rim other connections make wider."""
    return Span(begin=span.begin, reached=span.reached, before=before, length=length)


SetKey = tuple[tuple[int, ...], tuple[int, ...], int]
"""(row taps, column taps, what the base cannot say of the first output's offset: a multiple of 256)."""


def sets_of(rows: Span, columns: Span) -> dict[SetKey, int]:
    """Set -> largest spatial index in it, in the order in which positions (row-major) first need it."""
    found: dict[SetKey, int] = {}
    for y in rows.reached:
        for x in columns.reached:
            if y.taps and x.taps:
                first = offset_of(rows, columns, y.first, x.first)
                high = first - first % BASES
                reach = (y.last - y.first) * columns.length + x.last - x.first
                key = (y.taps, x.taps, high)
                found[key] = max(found.get(key, 0), high + reach)
    return found


def offset_of(rows: Span, columns: Span, y: int, x: int) -> int:
    """Compartment of output (y, x) within its channel, counted from the tile's start, rim included."""
    return (y + rows.before) * columns.length + x + columns.before


def axons_of(rows: Span, columns: Span) -> int:
    """Input axons of one spike train: a position each."""
    return _count(rows) * _count(columns)


@lru_cache(maxsize=4096)
def _count(span: Span) -> int:
    return sum(bool(r.taps) for r in span.reached)


def index_bits_of(largest: int) -> int:
    """The narrowest index that holds `largest`. Raises ValueError where none does."""
    return next_width(largest.bit_length(), INDEX_BITS)


def weight_bits_of(bits: int) -> int:
    """The narrowest stored weight of at least so many bits."""
    return next_width(bits, WEIGHT_BITS)


def next_width(bits: int, widths: tuple[int, ...]) -> int:
    """The first of `widths` that is at least `bits`. Raises ValueError where none is."""
    wide = [w for w in widths if w >= bits]
    if not wide:
        raise ValueError(f"{bits} bits, and at most {widths[-1]} are there")
    return wide[0]


def set_words(synapses: N, synapse_bits: N | int) -> N:
    """Words of one set: blocks of at most 64 synapses with a header of 10 bits, each rounded up to whole words.

    >>> set_words(64, 18), set_words(65, 18), set_words(0, 18)
    (19, 20, 0)
    """
    full, rest = synapses // BLOCK_SYNAPSES, synapses % BLOCK_SYNAPSES
    of_rest = -(-(rest * synapse_bits + HEADER_BITS) // WORD)
    return full * -(-(BLOCK_SYNAPSES * synapse_bits + HEADER_BITS) // WORD) + of_rest * (rest > 0)


@lru_cache(maxsize=1 << 16)
def words_of_sets(
    rows: Span, columns: Span, inputs: int, tiles: tuple[int, ...], bits: int
) -> IntArray:
    """Words of all sets, for `tiles` of so many channels, each of which sees `inputs` channels.

    `bits`: of a weight and a delay. UNCOUNTED where no index is wide enough.
    """
    channels = np.array(tiles, np.int64)
    pairs = inputs * channels
    largest, sizes = _sets_by_size(rows, columns)
    index = _index_bits(largest + (channels - 1) * (rows.length * columns.length))
    words = np.zeros_like(pairs)
    for size, count in sizes:
        words = words + count * set_words(size * pairs, bits + index)
    return frozen(np.where(index < 0, UNCOUNTED, words))


@lru_cache(maxsize=1 << 16)
def _sets_by_size(rows: Span, columns: Span) -> tuple[int, tuple[tuple[int, int], ...]]:
    """(largest spatial index, (kernel positions in a set, how many such sets) ...)."""
    if rows.length * columns.length > BASES:
        return _sets_of_large(rows, columns)
    sizes: Counter[int] = Counter()
    for y, ny in _lengths(rows).items():
        for x, nx in _lengths(columns).items():
            sizes[y * x] += ny * nx
    return _reach(rows) * columns.length + _reach(columns), tuple(sizes.items())


def _sets_of_large(rows: Span, columns: Span) -> tuple[int, tuple[tuple[int, int], ...]]:
    """As `_sets_by_size`, where one base does not reach all of a channel: the sets that `sets_of` finds, counted."""
    y, x = _Reaches(rows), _Reaches(columns)
    first = (y.first + rows.before)[:, None] * columns.length + x.first + columns.before
    high = first - first % BASES
    largest = high + y.reach[:, None] * columns.length + x.reach
    taps = y.which[:, None] * (x.which.max(initial=0) + 1) + x.which
    sets = np.unique(taps * (high.max(initial=0) + BASES) + high, return_index=True)[1]
    sizes = (y.taps[:, None] * x.taps).ravel()[sets]
    return int(largest.max(initial=0)), tuple(Counter(sizes.tolist()).items())


class _Reaches:
    """A span's coordinates that reach something, as arrays. `which`: numbers that tell lists of taps apart."""

    def __init__(self, span: Span) -> None:
        reached = [r for r in span.reached if r.taps]
        numbers = {taps: i for i, taps in enumerate(dict.fromkeys(r.taps for r in reached))}
        self.which = np.array([numbers[r.taps] for r in reached], np.int64)
        self.taps = np.array([len(r.taps) for r in reached], np.int64)
        self.first = np.array([r.first for r in reached], np.int64)
        self.reach = np.array([r.last - r.first for r in reached], np.int64)


def _index_bits(largest: IntArray) -> IntArray:
    """As `index_bits_of`, on an array; -1 where there is none."""
    found = np.full_like(largest, -1)
    for bits in reversed(INDEX_BITS):
        found = np.where(largest < 1 << bits, bits, found)
    return found


def _lengths(span: Span) -> Mapping[int, int]:
    """Number of taps -> how many different lists of taps have it."""
    return Counter(len(taps) for taps in {r.taps for r in span.reached if r.taps})


def _reach(span: Span) -> int:
    return max((r.last - r.first for r in span.reached), default=0)


def conv_weight_sets(
    *,
    source: tuple[int, int],
    inputs: int,
    channels: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    weight_bits: int,
    channels_last: bool = False,
) -> WeightSets:
    """Weight sets of a tile that sees `source` rows and columns of `inputs` channels and has `channels` of its own.

    The tile's neurons are ordered channel by channel or, `channels_last`, position by position.

    >>> conv_weight_sets(source=(9, 9), inputs=64, channels=8, kernel=(3, 3), stride=(1, 1), weight_bits=8).memory_bits
    746496
    """
    lines = [
        Line(taps=k, stride=s, source=n, target=(n - k) // s + 1)
        for n, k, s in zip(source, kernel, stride, strict=True)
    ]
    rows, columns = (span_of(line, 0, line.target, False) for line in lines)
    unit, plane = (channels, 1) if channels_last else (1, rows.length * columns.length)
    sizes: dict[SetKey, int] = {}
    largest = 0
    for y in (r for r in rows.reached if r.taps):
        for x in (r for r in columns.reached if r.taps):
            first = offset_of(rows, columns, y.first, x.first)
            last = offset_of(rows, columns, y.last, x.last)
            high = first * unit - first * unit % BASES
            largest = max(largest, high + (last - first) * unit + (channels - 1) * plane)
            sizes[y.taps, x.taps, high] = len(y.taps) * len(x.taps) * channels * inputs
    index_bits = index_bits_of(largest)
    return WeightSets(
        sets=len(sizes),
        synapses=sum(sizes.values()),
        index_bits=index_bits,
        memory_bits=WORD * sum(set_words(n, weight_bits + index_bits) for n in sizes.values()),
    )
