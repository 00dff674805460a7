"""Synapse memory of Loihi 1: sets of synapses in blocks of at most 64, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn2chip.arrays import IntArray, frozen
from snn2chip.chip.formats.bits import BitsError, Field, Words, pack_blocks, unpack_blocks, words_of
from snn2chip.chip.formats.loihi1_layout import RUN_BITS
from snn2chip.chip.formats.loihi1_words import BLOCK_SYNAPSES, HEADER_BITS, set_words


@dataclass(frozen=True, slots=True, kw_only=True)
class SynapseFormat:
    """Widths of one synapse; `number`: of the format in its core."""

    number: int
    weight_bits: int
    index_bits: int
    delay_bits: int

    @property
    def field(self) -> Field:
        """A whole synapse: weight lowest, then index, then delay."""
        return Field("synapse", self.weight_bits + self.index_bits + self.delay_bits)

    def words(self, sizes: Sequence[int]) -> int:
        """Words of sets of these sizes."""
        return sum(set_words(n, self.field.bits) for n in sizes)


def pack_sets(
    sets: Sequence[tuple[IntArray, IntArray]], delay: int, format_: SynapseFormat
) -> Words:
    """Words of sets of (weights, indices), one after the other."""
    values = [_joined(w, i, delay, format_) for w, i in sets]
    full = [v[: len(v) // BLOCK_SYNAPSES * BLOCK_SYNAPSES] for v in values]
    blocks = np.concatenate([np.zeros(0, np.int64), *full]).reshape(-1, BLOCK_SYNAPSES)
    packed = _blocks(blocks, format_)
    size = words_of(HEADER_BITS + BLOCK_SYNAPSES * format_.field.bits)
    parts: list[Words] = []
    at = 0
    for v, f in zip(values, full, strict=True):
        words = len(f) // BLOCK_SYNAPSES * size
        parts.append(packed[at : at + words])
        at += words
        if len(v) > len(f):
            parts.append(_blocks(v[None, len(f) :], format_))
    return frozen(np.concatenate([np.zeros(0, np.uint64), *parts]))


def unpack_sets(
    words: Words, sizes: Sequence[int], format_: SynapseFormat
) -> tuple[IntArray, IntArray]:
    """(weights of all sets in one array, their delays). Raises BitsError."""
    if len(words) != format_.words(sizes):
        raise BitsError(f"{len(words)} words of synapses where {format_.words(sizes)} belong")
    size = words_of(HEADER_BITS + BLOCK_SYNAPSES * format_.field.bits)
    whole: list[Words] = []
    rests: list[tuple[int, Words]] = []
    at = 0
    for n in sizes:
        full, rest = divmod(n, BLOCK_SYNAPSES)
        whole.append(words[at : at + full * size])
        at += full * size
        length = words_of(HEADER_BITS + rest * format_.field.bits) if rest else 0
        rests.append((rest, words[at : at + length]))
        at += length
    every = np.concatenate([np.zeros(0, np.uint64), *whole])
    blocks = _values(every, len(every) // size, BLOCK_SYNAPSES, format_).ravel()
    parts: list[IntArray] = []
    begin = 0
    for n, (rest, rest_words) in zip(sizes, rests, strict=True):
        parts.append(blocks[begin : begin + n - rest])
        begin += n - rest
        if rest:
            parts.append(_values(rest_words, 1, rest, format_)[0])
    return _parted(np.concatenate([np.zeros(0, np.int64), *parts]), format_)


def _joined(weight: IntArray, index: IntArray, delay: int, format_: SynapseFormat) -> IntArray:
    low = weight & ((1 << format_.weight_bits) - 1)
    if format_.index_bits:
        low = low | index << format_.weight_bits
    return low | delay << (format_.weight_bits + format_.index_bits)


def _parted(values: IntArray, format_: SynapseFormat) -> tuple[IntArray, IntArray]:
    half = 1 << (format_.weight_bits - 1)
    weight = ((values & (2 * half - 1)) ^ half) - half
    return weight, values >> (format_.weight_bits + format_.index_bits)


def _blocks(values: IntArray, format_: SynapseFormat) -> Words:
    return pack_blocks(_header(format_, values.shape[1]), HEADER_BITS, values, format_.field)


def _header(format_: SynapseFormat, run: int) -> int:
    return format_.number << RUN_BITS | (run - 1)


def _values(words: Words, blocks: int, run: int, format_: SynapseFormat) -> IntArray:
    header, values = unpack_blocks(words, HEADER_BITS, (blocks, run), format_.field)
    if (header != _header(format_, run)).any():
        raise BitsError("the header of a synapse block is not that of its set")
    return values
