"""Loihi 2: the words of a tile's neurons, of connections' synapses, and of input axons."""

from collections.abc import Sequence
from math import prod

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.bits import Field, Words, pack_blocks
from snn2chip.chip.formats.loihi2_headers import code_of, rule_of
from snn2chip.chip.formats.loihi2_layout import (
    AMOUNT,
    AXON_IN,
    HEADER_BITS,
    HEADER_RUN_BITS,
    NEURON,
    AmountRule,
    KernelCode,
)
from snn2chip.chip.program import Connection, TileContents
from snn2chip.chip.target import Target
from snn2chip.fixed import signed_bits


def pack_synapses(connection: Connection, target: Target) -> Words:
    """Synapse blocks of one connection: weights in their fewest bits."""
    bits = weight_bits(connection.weight)
    run = connection.weight.shape[-1] if connection.weight.ndim > 1 else 1
    values = connection.weight.reshape(-1, run)
    field = Field("weight", bits, signed=True)
    if code_of(connection.kernel) is KernelCode.DENSE:
        index_bits = index_bits_of(bits, target)
        values = values << index_bits | np.arange(run) % (1 << index_bits)
        field = Field("weight", bits + index_bits, signed=True)
    return pack_blocks(block_header(bits, run), HEADER_BITS, values, field)


def weight_bits(weight: IntArray) -> int:
    """The fewest bits that hold every weight, with its sign."""
    return signed_bits(int(weight.min(initial=0)), int(weight.max(initial=0)))


def pack_neurons(tile: TileContents, group: int) -> Words:
    """One word per neuron and level (bias and decay in the first), then amounts where they follow no rule."""
    parts = [
        NEURON.pack(
            {
                "level": level,
                "bias": tile.bias if i == 0 and tile.bias.ndim == 3 else 0,
                "delta": tile.delta if i == 0 else 0,
                "group": group,
            }
        )
        for i, level in enumerate(tile.levels)
    ]
    if rule_of(tile.levels, tile.amounts, tile.multispike_shift) is AmountRule.STORED:
        parts += [AMOUNT.pack({"amount": amount}) for amount in tile.amounts]
    return joined(parts)


def pack_axons_in(connections: Sequence[Connection]) -> Words:
    """One word per axon of a connection; of a dense one, a word per source neuron."""
    parts: list[Words] = []
    for number, c in enumerate(connections):
        neurons = np.arange(axon_words(code_of(c.kernel), c.source_shape))
        parts += [
            AXON_IN.pack({"delay": a.delay, "connection": number, "neuron": neurons})
            for a in c.axons
        ]
    return joined(parts)


def axon_words(kernel: KernelCode, source_shape: Sequence[int]) -> int:
    """Input axon words of one axon of a connection."""
    return prod(source_shape) if kernel is KernelCode.DENSE else 1


def index_bits_of(bits: int, target: Target) -> int:
    """Bits of the index beside a weight of so many bits, in a dense connection."""
    return target.limit("dense_synapse_bits") - bits


def block_header(bits: int, run: int) -> int:
    """Header of a block of `run` weights."""
    return (bits - 1) << HEADER_RUN_BITS | run % (1 << HEADER_RUN_BITS)


def joined(parts: Sequence[Words]) -> Words:
    """One after the other; none give no words."""
    return np.concatenate([np.zeros(0, np.uint64), *parts])
