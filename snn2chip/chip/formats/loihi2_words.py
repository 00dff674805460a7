"""How many words a tile takes on Loihi 2: the published formulas, on numbers or on arrays of candidate tiles."""

from typing import TypeVar

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.bits import WORD
from snn2chip.chip.formats.loihi2_layout import HEADER_BITS

N = TypeVar("N", int, IntArray)


def block_words(run: N, bits: int) -> N:
    """ceil((run · bits + 10) / 64): one synapse block of `run` weights.

    >>> block_words(128, 5), block_words(64, 8)
    (11, 9)
    """
    return -(-(run * bits + HEADER_BITS) // WORD)


def shared_words(blocks: N, channels: N, weight_bits: int) -> N:
    """Words of weights that all positions of a tile share: one block per input channel and kernel position."""
    return blocks * block_words(channels, weight_bits)


def dense_words(sources: int, neurons: N, synapse_bits: int) -> N:
    """Words of a dense connection: one block per source neuron, index and weight for each neuron of the tile.

    >>> dense_words(2560, 9, 16)
    7680
    """
    return sources * block_words(neurons, synapse_bits)


def identity_words(channels: N, weight_bits: int) -> N:
    """Words of an identity: one small block per channel."""
    return channels * block_words(1, weight_bits)


def memory_words(pairs: N) -> N:
    """Axon memory of so many destinations, two in a word."""
    return -(-pairs // 2)


def neuron_words(levels: int, stored_amounts: bool) -> int:
    """Words of one neuron: one per level, and one more per level whose reset amount follows no rule."""
    return levels * (2 if stored_amounts else 1)
