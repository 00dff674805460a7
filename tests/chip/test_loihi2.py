from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2chip.arrays import ints
from snn2chip.chip.files import MEMORIES
from snn2chip.chip.formats import loihi2
from snn2chip.chip.formats.bits import FieldError
from snn2chip.chip.program import AxonIn, AxonTable, Connection, CoreContents, TileContents
from snn2chip.chip.target import load_target
from snn2chip.circuit.types import Conv, Dense
from snn2chip.errors import StatementError
from snn2chip.neuron import Emits, Reset
from tests.chip.contents import NOWHERE, random_core, same

TARGET = load_target("loihi2")


def pack(contents):
    return loihi2.pack_core(contents, TARGET, chip=0, tiles=(NOWHERE,) * len(contents.tiles))


def by_hand():
    """Two neurons at one position, a 1x1 convolution from one channel, one destination."""
    return CoreContents(
        tiles=(
            TileContents(
                population=3,
                population_shape=(2, 1, 1),
                channels=(0, 2),
                rows=(0, 1),
                columns=(0, 1),
                depth=2,
                steps=4,
                fraction_bits=0,
                v_limit=8388607,
                levels=ints([[[[5]], [[-1]]]]),
                amounts=ints([[[[6]], [[0]]]]),
                delta=ints([[[4095]], [[0]]]),
                bias=ints([[[-2]], [[7]]]),
                gain=None,
                gain_shift=0,
                reset=Reset.SUBTRACT,
                late_reset=False,
                emits=Emits.SPIKE,
                v_min=None,
                multispike_shift=0,
                multispike_ge=True,
                graded_shift=0,
                connections=(
                    Connection(
                        projection=0,
                        kernel=Conv(),
                        source_shape=(1, 1, 1),
                        channel_base=0,
                        exponent=1,
                        weight=ints([[[[3, -4]]]]),
                        first_axon=0,
                        axons=(AxonIn(sources=(1, 3), delay=0), AxonIn(sources=(2,), delay=5)),
                    ),
                ),
            ),
        ),
        axons=AxonTable(per_neuron=False, first=ints([0, 1]), core=ints([9]), axon=ints([2])),
    )


def test_words_by_hand():
    core = pack(by_hand())
    mask = (1 << 24) - 1
    assert core.neurons.tolist() == [5 | (-2 & mask) << 24 | 4095 << 48, mask | 7 << 24]
    # 3 bits hold -4..3: header 2 above the run's length, then 3 and -4 (100 in two's complement).
    assert core.synapses.tolist() == [2 << 7 | 2 | 3 << 10 | 0b100 << 13]
    assert core.axons_in.tolist() == [0, 5]
    assert core.groups.tolist()[-3:] == [1, 3, 2 | 1 << 20]
    assert core.axon_map.tolist() == [1 << 40]
    assert core.axon_memory.tolist() == [9 | 2 << 20]
    assert loihi2.count(core).counts == {
        "neurons": 2,
        "synapse_words": 1,
        "axons_in": 2,
        "axon_map_words": 1,
        "axon_memory_words": 1,
        "parameter_words": 0,
        "total_words": 7,
        "header_words": 14,
        "groups": 1,
    }
    assert same(loihi2.unpack_core(core, TARGET), by_hand())


@pytest.mark.parametrize(("at", "word"), [(-1, 2 | 2 << 20), (-1, 2), (-3, 1 | 1 << 20)])
def test_axons_that_nothing_drives_or_that_are_not_there_are_refused(at, word):
    core = pack(by_hand())
    words = core.groups.copy()
    words[at] = word
    if at == -3:  # in another order than packing makes
        words[-2], words[-1] = 3, 2
    with pytest.raises(StatementError, match="program-bytes"):
        loihi2.unpack_core(replace(core, groups=words), TARGET)


def with_parameters():
    """As by hand, with a gain for all of two steps and a bias for each of them."""
    contents = by_hand()
    tile = replace(
        contents.tiles[0],
        steps=2,
        gain=ints([[[3]], [[-1]]]),
        gain_shift=2,
        bias=ints([[[[-2]], [[7]]], [[[0]], [[5]]]]),
    )
    return replace(contents, tiles=(tile,))


def test_parameters_by_hand():
    core = pack(with_parameters())
    mask = (1 << 24) - 1
    assert core.neurons.tolist() == [5 | 4095 << 48, mask]
    assert core.parameters.tolist() == [3 | (-2 & mask) << 24, mask | 7 << 24, 3, mask | 5 << 24]
    counts = loihi2.count(core).counts
    assert (counts["parameter_words"], counts["total_words"]) == (4, 11)
    assert same(loihi2.unpack_core(core, TARGET), with_parameters())


@pytest.mark.parametrize(
    ("gain", "bias", "words"),
    [
        ((), None, 1),
        ((), (5, 1), 5),
        ((5, 1), None, 5),
        ((5, 6), None, 30),
        ((), (5, 6), 30),
        (None, (5, 1), 5),
        (None, None, 0),
    ],
)
def test_parameters_are_shared_where_they_are_equal(gain, bias, words):
    """One channel of six neurons, five steps."""
    rng = np.random.default_rng(0)
    shape = (1, 2, 3)

    def drawn(own):
        values = rng.integers(-99, 99, (*own[:1], 1, *((2, 3) if own[1:] == (6,) else (1, 1))))
        return ints(np.broadcast_to(values, (*own[:1], *shape)))

    tile = replace(
        by_hand().tiles[0],
        channels=(0, 1),
        rows=(0, 2),
        columns=(0, 3),
        population_shape=shape,
        steps=5,
        levels=ints(np.zeros((1, *shape))),
        amounts=ints(np.zeros((1, *shape))),
        delta=ints(np.zeros(shape)),
        gain=None if gain is None else drawn(gain),
        bias=drawn(() if bias is None else bias),
        connections=(),
    )
    entries = AxonTable(per_neuron=False, first=ints([0] * 7), core=ints([]), axon=ints([]))
    contents = CoreContents(tiles=(tile,), axons=entries)
    core = pack(contents)
    assert len(core.parameters) == words
    assert same(loihi2.unpack_core(core, TARGET), contents)


@pytest.mark.parametrize(
    ("memory", "word", "flip", "why"),
    [
        ("neurons", 0, 1 << 24, "beside those of each step"),
        ("parameters", 0, 1, "parameters hold values"),
        ("parameters", 0, 1 << 60, "padding of a parameter record"),
    ],
)
def test_parameters_that_packing_never_makes(memory, word, flip, why):
    words = getattr(core := pack(with_parameters()), memory).copy()
    words[word] ^= np.uint64(flip)
    with pytest.raises(StatementError, match=why):
        loihi2.unpack_core(replace(core, **{memory: words}), TARGET)


def test_a_bias_of_each_step_that_does_not_change_is_refused():
    core = pack(with_parameters())
    words = np.concatenate([core.parameters[:2], core.parameters[:2]])
    with pytest.raises(StatementError, match="the same in all of them"):
        loihi2.unpack_core(replace(core, parameters=words), TARGET)


def test_dense_synapses_by_hand():
    connection = Connection(
        projection=0,
        kernel=Dense(),
        source_shape=(2, 1, 1),
        channel_base=0,
        exponent=0,
        weight=ints([[-1, 0, 1], [1, 1, -2]]),
        first_axon=0,
        axons=(AxonIn(sources=(1,), delay=0),),
    )
    words = loihi2.pack_synapses(connection, TARGET)
    # 2 bits of weight above 14 bits of index; three synapses and a header of 10 bits fill 58 bits.
    head = 1 << 7 | 3
    assert words.tolist() == [
        head | (3 << 14 | 0) << 10 | (0 << 14 | 1) << 26 | (1 << 14 | 2) << 42,
        head | (1 << 14 | 0) << 10 | (1 << 14 | 1) << 26 | (2 << 14 | 2) << 42,
    ]


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32))
def test_contents_come_back(seed):
    contents = random_core(seed)
    core = pack(contents)
    assert same(loihi2.unpack_core(core, TARGET), contents)
    used = loihi2.count(core).counts
    assert used["groups"] == len(contents.tiles)
    assert used["total_words"] == sum(len(getattr(core, m)) for m in MEMORIES if m != "groups")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_axon_tables_come_back(seed):
    table = random_core(seed).axons
    assert same(loihi2.unpack_axons(*loihi2.pack_axons(table)), table)


def flipped(core, memory, bit):
    words = getattr(core, memory).copy()
    words[bit // 64] ^= np.uint64(1 << bit % 64)
    return replace(core, **{memory: words})


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_every_bit_means_something_or_is_refused(seed):
    contents = with_parameters() if seed == 1 else random_core(seed, most=2)
    core = pack(contents)
    refused = 0
    for memory in MEMORIES:
        bits = 64 * len(getattr(core, memory))
        for bit in range(0, bits, max(1, bits // 120)):
            try:
                again = loihi2.unpack_core(flipped(core, memory, bit), TARGET, "core 7")
            except StatementError as e:
                assert e.finding.code == "program-bytes"
                assert e.finding.where == "core 7"
                refused += 1
            else:
                assert not same(again, contents), (memory, bit)
    assert refused


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("change", [lambda w: w[:-1], lambda w: np.append(w, np.uint64(0))])
def test_a_word_too_few_or_too_many_is_refused(memory, change):
    core = pack(with_parameters())
    with pytest.raises(StatementError, match="program-bytes"):
        loihi2.unpack_core(replace(core, **{memory: change(getattr(core, memory))}), TARGET)


def test_noise_is_refused():
    rng = np.random.default_rng(0)
    core = pack(random_core(3))
    for _ in range(200):
        words = {m: rng.integers(0, 1 << 63, len(getattr(core, m)), np.uint64) for m in MEMORIES}
        with pytest.raises(StatementError, match="program-bytes"):
            loihi2.unpack_core(replace(core, **words), TARGET)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bias": ints([[[1 << 23]], [[0]]])}, "neuron bias"),
        ({"levels": ints([[[[1 << 23]], [[0]]]])}, "neuron level"),
        ({"delta": ints([[[4096]], [[0]]])}, "neuron delta"),
        ({"v_limit": 1 << 32}, "tile v_limit"),
        ({"amounts": ints([[[[1 << 23]], [[0]]]])}, "amount amount"),
    ],
)
def test_values_that_no_field_holds(change, words):
    contents = by_hand()
    tile = replace(contents.tiles[0], **change)
    with pytest.raises(FieldError, match=words):
        pack(replace(contents, tiles=(tile,)))


def test_weights_of_nine_bits_do_not_fit():
    contents = by_hand()
    wide = replace(contents.tiles[0].connections[0], weight=ints([[[[128, 0]]]]))
    with pytest.raises(FieldError):
        pack(replace(contents, tiles=(replace(contents.tiles[0], connections=(wide,)),)))
