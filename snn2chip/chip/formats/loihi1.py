"""Loihi 1: how much synapse memory a tile takes, as nengo-loihi counts it. Programs are not packed in this format yet.

A shared convolution uses population axons: one input axon per source position, whose spikes carry the channel; the axon
points to a set of weights. Positions with the same taps share a set; near the border of a tile, and with strides, taps
differ. The base that an axon adds has 8 bits, so sets repeat where an output's offset passes a multiple of 256.
(nengo-loihi: block.py, builder/connection.py, SynapseConfig.bits_per_axon.)
"""

from dataclasses import dataclass

from snn2chip.chip.formats.bits import WORD, words_of

BASES = 256
BLOCK_SYNAPSES = 64
HEADER_BITS = 10
INDEX_BITS = (0, 6, 7, 8, 9, 10, 11, 12)
"""Widths of a synapse's index that the chip has."""

Taps = tuple[tuple[int, int], ...]
"""(kernel position, output) pairs that one source coordinate reaches along an axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSets:
    """Weights of one tile of a convolution: sets, synapses of all of them, bits of an index, bits of memory."""

    sets: int
    synapses: int
    index_bits: int
    memory_bits: int


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
    height, width = ((n - k) // s + 1 for n, k, s in zip(source, kernel, stride, strict=True))
    rows = [_taps(i, height, kernel[0], stride[0]) for i in range(source[0])]
    columns = [_taps(i, width, kernel[1], stride[1]) for i in range(source[1])]
    unit, plane = (channels, 1) if channels_last else (1, height * width)
    sizes: dict[tuple[tuple[int, ...], tuple[int, ...], int], int] = {}
    largest = 0
    for y, x in ((y, x) for y in rows for x in columns if y and x):
        first, last = _output(y, x, 0, width), _output(y, x, -1, width)
        offset = first * unit - first * unit % BASES
        largest = max(largest, offset + (last - first) * unit + (channels - 1) * plane)
        key = (tuple(t for t, _ in y), tuple(t for t, _ in x), offset)
        sizes[key] = len(y) * len(x) * channels * inputs
    index_bits = min(b for b in INDEX_BITS if b >= largest.bit_length())
    return WeightSets(
        sets=len(sizes),
        synapses=sum(sizes.values()),
        index_bits=index_bits,
        memory_bits=sum(set_bits(n, weight_bits + index_bits) for n in sizes.values()),
    )


def set_bits(synapses: int, synapse_bits: int) -> int:
    """Memory of one set: blocks of at most 64 synapses with a header of 10 bits, each rounded up to whole words."""
    full, rest = divmod(synapses, BLOCK_SYNAPSES)
    words = full * words_of(BLOCK_SYNAPSES * synapse_bits + HEADER_BITS)
    return WORD * (words + (words_of(rest * synapse_bits + HEADER_BITS) if rest else 0))


def _taps(coordinate: int, outputs: int, kernel: int, stride: int) -> Taps:
    """What a source coordinate reaches, by rising kernel position (falling output)."""
    reached = (
        (t, (coordinate - t) // stride) for t in range(kernel) if (coordinate - t) % stride == 0
    )
    return tuple((t, o) for t, o in reached if 0 <= o < outputs)


def _output(y: Taps, x: Taps, which: int, width: int) -> int:
    """Position of the first (0) or last (-1) output that is reached, row-major in the tile."""
    return sorted(o for _, o in y)[which] * width + sorted(o for _, o in x)[which]
