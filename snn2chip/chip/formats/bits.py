"""Bit fields in 64-bit words, lowest bits first, vectorised over many records of one kind.

A field may straddle two words. What a record leaves free in its last word must be zero; `unpack` refuses it otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snn2chip.arrays import IntArray, frozen

Words = NDArray[np.uint64]
WORD = 64


class BitsError(ValueError):
    """Words that no packing makes: padding that is not zero, a length that does not fit."""


class FieldError(ValueError):
    """Values (from `low` to `high`) that do not fit their field of `bits`."""

    def __init__(self, record: str, field: str, bits: int, low: int, high: int) -> None:
        super().__init__(f"{record} {field}: {low}..{high} does not fit {bits} bits")
        self.record = record
        self.field = field
        self.bits = bits
        self.low = low
        self.high = high


@dataclass(frozen=True, slots=True)
class Field:
    """`bits` (1 to 63) of a record; two's complement where `signed`."""

    name: str
    bits: int
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """Fields one after the other, rounded up to whole words."""

    name: str
    fields: tuple[Field, ...]

    @property
    def words(self) -> int:
        """Words of one record."""
        return words_of(sum(f.bits for f in self.fields))

    def pack(self, values: Mapping[str, ArrayLike]) -> Words:
        """Words of as many records as the longest array of `values` says; numbers stand for all. Raises FieldError.

        >>> Record("pair", (Field("a", 4), Field("b", 4, signed=True))).pack({"a": [1, 2], "b": -1})
        array([241, 242], dtype=uint64)
        """
        count = max(np.size(v) for v in values.values())
        columns = [_fitting(np.ravel(values[f.name]), f, self.name) for f in self.fields]
        rows = np.zeros((self.words, count), np.uint64)
        at = 0
        for column, f in zip(columns, self.fields, strict=True):
            _put(rows, at, column, f.bits)
            at += f.bits
        return frozen(np.ascontiguousarray(rows.T).reshape(-1))

    def pack_one(self, values: Mapping[str, int]) -> Words:
        """Words of a single record: as `pack`, without arrays, which are slow for headers. Raises FieldError."""
        whole = at = 0
        for f in self.fields:
            value, (low, high) = int(values[f.name]), limits(f)
            if not low <= value <= high:
                raise FieldError(self.name, f.name, f.bits, value, value)
            whole |= (value & ((1 << f.bits) - 1)) << at
            at += f.bits
        written = np.frombuffer(whole.to_bytes(self.words * WORD // 8, "little"), "<u8")
        return frozen(written.astype(np.uint64))

    def unpack_each(self, words: Words) -> list[dict[str, int]]:
        """The records one by one, each field name -> value: as `unpack`, for few records. Raises BitsError."""
        self._check_whole(words)
        return [
            self._unpack_one(words[at : at + self.words]) for at in range(0, len(words), self.words)
        ]

    def _unpack_one(self, words: Words) -> dict[str, int]:
        whole = int.from_bytes(words.astype("<u8").tobytes(), "little")
        found: dict[str, int] = {}
        for f in self.fields:
            value = whole & ((1 << f.bits) - 1)
            found[f.name] = value - (1 << f.bits) * (f.signed and value >> (f.bits - 1))
            whole >>= f.bits
        if whole:
            raise BitsError(f"padding of a {self.name} record is not zero")
        return found

    def _check_whole(self, words: Words) -> None:
        if len(words) % self.words:
            raise BitsError(f"{len(words)} words are not whole {self.name} records of {self.words}")

    def unpack(self, words: Words) -> dict[str, IntArray]:
        """Field name -> [records]. Raises BitsError."""
        self._check_whole(words)
        rows = np.ascontiguousarray(words.reshape(-1, self.words).T)
        _check_padding(rows, sum(f.bits for f in self.fields), self.name)
        found: dict[str, IntArray] = {}
        at = 0
        for f in self.fields:
            found[f.name] = _signed(_get(rows, at, f.bits), f)
            at += f.bits
        return found


def words_of(bits: int) -> int:
    """Whole words that hold so many bits."""
    return -(-bits // WORD)


def pack_blocks(header: ArrayLike, header_bits: int, values: IntArray, value: Field) -> Words:
    """Blocks of one header and a run of equal fields: header [blocks] or a number, values [blocks, run]."""
    blocks, run = values.shape
    rows = np.zeros((words_of(header_bits + run * value.bits), blocks), np.uint64)
    head = Field("header", header_bits)
    _put(rows, 0, _fitting(np.ravel(header), head, value.name), header_bits)
    raw = _fitting(values.T, value, value.name)
    for i in range(run):
        _put(rows, header_bits + i * value.bits, raw[i], value.bits)
    return frozen(np.ascontiguousarray(rows.T).reshape(-1))


def unpack_blocks(
    words: Words, header_bits: int, shape: tuple[int, int], value: Field
) -> tuple[IntArray, IntArray]:
    """(headers [blocks], values [blocks, run]) of `shape` = (blocks, run). Raises BitsError."""
    blocks, run = shape
    size = words_of(header_bits + run * value.bits)
    if len(words) != blocks * size:
        raise BitsError(f"{len(words)} words are not {blocks} {value.name} blocks of {size}")
    rows = np.ascontiguousarray(words.reshape(blocks, size).T)
    _check_padding(rows, header_bits + run * value.bits, value.name)
    values = np.empty((run, blocks), np.int64)
    for i in range(run):
        values[i] = _signed(_get(rows, header_bits + i * value.bits, value.bits), value)
    return _get(rows, 0, header_bits).astype(np.int64), values.T


def fits(values: ArrayLike, field: Field) -> bool:
    """Whether every value fits the field."""
    low, high = limits(field)
    v = np.asarray(values)
    return v.size == 0 or bool(v.min() >= low and v.max() <= high)


def limits(field: Field) -> tuple[int, int]:
    """Smallest and largest value of a field."""
    half = 1 << (field.bits - 1)
    return (-half, half - 1) if field.signed else (0, 2 * half - 1)


def take(words: Words, sizes: Sequence[int]) -> list[Words]:
    """`words` cut into parts of these sizes. Raises BitsError where they do not add up."""
    if sum(sizes) != len(words):
        raise BitsError(f"{len(words)} words where the headers say {sum(sizes)}")
    return np.split(words, np.cumsum(sizes)[:-1]) if sizes else []


def _fitting(values: NDArray[np.generic], field: Field, record: str) -> Words:
    """The values' low bits. Raises FieldError."""
    if not fits(values, field):
        raise FieldError(record, field.name, field.bits, int(values.min()), int(values.max()))
    mask = np.uint64((1 << field.bits) - 1)
    return values.astype(np.int64).view(np.uint64) & mask


def _put(rows: Words, at: int, values: Words, bits: int) -> None:
    word, shift = divmod(at, WORD)
    rows[word] |= values << np.uint64(shift)
    if shift + bits > WORD:
        rows[word + 1] |= values >> np.uint64(WORD - shift)


def _get(rows: Words, at: int, bits: int) -> Words:
    word, shift = divmod(at, WORD)
    values = rows[word] >> np.uint64(shift)
    if shift + bits > WORD:
        values = values | (rows[word + 1] << np.uint64(WORD - shift))
    return values & np.uint64((1 << bits) - 1)


def _signed(raw: Words, field: Field) -> IntArray:
    values = raw.astype(np.int64)
    if not field.signed:
        return values
    half = 1 << (field.bits - 1)
    return (values ^ half) - half


def _check_padding(rows: Words, bits: int, name: str) -> None:
    used = bits % WORD
    if used and (rows[-1] >> np.uint64(used)).any():
        raise BitsError(f"padding of a {name} record is not zero")
