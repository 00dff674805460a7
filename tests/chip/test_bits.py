import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2chip.chip.formats.bits import (
    BitsError,
    Field,
    FieldError,
    Record,
    limits,
    pack_blocks,
    take,
    unpack_blocks,
    words_of,
)


def test_fields_straddle_words():
    record = Record("r", (Field("a", 60), Field("b", 8), Field("c", 4, signed=True)))
    words = record.pack({"a": 1, "b": [0xAB], "c": -1})
    assert record.words == 2
    assert words.tolist() == [1 | (0xB << 60), 0xA | (0xF << 4)]
    assert {k: v.tolist() for k, v in record.unpack(words).items()} == {
        "a": [1],
        "b": [0xAB],
        "c": [-1],
    }


def test_a_block_by_hand():
    words = pack_blocks(5, 10, np.array([[1, -1, 2]]), Field("weight", 20, signed=True))
    expected = 5 | 1 << 10 | 0xFFFFF << 30 | 2 << 50
    assert words.tolist() == [expected & (1 << 64) - 1, expected >> 64]


fields = st.lists(st.tuples(st.integers(1, 63), st.booleans()), min_size=1, max_size=9)


@given(fields, st.integers(1, 5), st.integers(0, 2**32))
def test_records_come_back(kinds, count, seed):
    record = Record("r", tuple(Field(str(i), b, s) for i, (b, s) in enumerate(kinds)))
    rng = np.random.default_rng(seed)
    ends = {f.name: limits(f) for f in record.fields}
    values = {n: rng.integers(low, high, count, endpoint=True) for n, (low, high) in ends.items()}
    words = record.pack(values)
    assert len(words) == count * words_of(sum(b for b, _ in kinds))
    found = record.unpack(words)
    assert all(np.array_equal(values[n], found[n]) for n in values)
    each = record.unpack_each(words)
    assert each == [{n: int(v[i]) for n, v in values.items()} for i in range(count)]
    assert np.array_equal(np.concatenate([record.pack_one(row) for row in each]), words)
    low_words = record.pack({n: low for n, (low, _) in ends.items()})
    assert all(record.unpack(low_words)[n].tolist() == [low] for n, (low, _) in ends.items())


@settings(max_examples=60)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 24), st.booleans(), st.integers(0, 2**32)
)
def test_blocks_come_back(blocks, run, bits, signed, seed):
    field = Field("weight", bits, signed)
    rng = np.random.default_rng(seed)
    low, high = limits(field)
    values = rng.integers(low, high, (blocks, run), endpoint=True)
    header = rng.integers(0, 1024, blocks)
    words = pack_blocks(header, 10, values, field)
    assert len(words) == blocks * words_of(10 + run * bits)
    found_header, found = unpack_blocks(words, 10, (blocks, run), field)
    assert np.array_equal(found, values)
    assert np.array_equal(found_header, header)


def test_a_value_that_does_not_fit_is_named():
    record = Record("neuron", (Field("bias", 4, signed=True),))
    with pytest.raises(FieldError, match=r"neuron bias: -9\.\.7 does not fit 4 bits"):
        record.pack({"bias": [-9, 7]})
    for value in (-9, 8):
        with pytest.raises(
            FieldError, match=rf"neuron bias: {value}\.\.{value} does not fit 4 bits"
        ):
            record.pack_one({"bias": value})


def test_padding_must_be_zero():
    record = Record("r", (Field("a", 10),))
    with pytest.raises(BitsError, match="padding"):
        record.unpack(np.array([1 << 10], np.uint64))
    with pytest.raises(BitsError, match="padding of a r record"):
        record.unpack_each(np.array([5, 1 << 10], np.uint64))
    with pytest.raises(BitsError, match="padding"):
        unpack_blocks(np.array([1 << 63], np.uint64), 10, (1, 5), Field("weight", 10))


def test_lengths_must_fit():
    record = Record("r", (Field("a", 40), Field("b", 40)))
    with pytest.raises(BitsError, match="whole"):
        record.unpack(np.zeros(3, np.uint64))
    with pytest.raises(BitsError, match="whole"):
        record.unpack_each(np.zeros(3, np.uint64))
    with pytest.raises(BitsError, match="not 2 weight blocks"):
        unpack_blocks(np.zeros(3, np.uint64), 10, (2, 5), Field("weight", 10))
    with pytest.raises(BitsError, match="3 words where"):
        take(np.zeros(3, np.uint64), [1, 1])
