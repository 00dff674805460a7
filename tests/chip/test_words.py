"""Word counts against published tables (snn2chip/bench/hardware_anchors.json says which)."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snn2chip.bench.published import anchors, rows
from snn2chip.chip.formats.loihi1_words import (
    Line,
    conv_weight_sets,
    index_bits_of,
    set_words,
    sets_of,
    span_of,
    words_of_sets,
)
from snn2chip.chip.formats.loihi2_words import (
    block_words,
    dense_words,
    identity_words,
    memory_words,
    neuron_words,
    shared_words,
)
from snn2chip.chip.target import load_target

ANCHORS = anchors()


def numbered(value):
    return value if isinstance(value, list) else [value]


YOLO = list(
    zip(
        rows("loihi2_yolo_kp"),
        ANCHORS["loihi2_yolo_kp"]["decoded"]["weight_bits_per_row"],
        strict=True,
    )
)


@pytest.mark.parametrize(("row", "weight_bits"), YOLO)
def test_yolo_kp_tables_of_loihi2(row, weight_bits):
    target = load_target("loihi2")
    positions = row["tile_w"] * row["tile_h"]
    neurons = positions * row["tile_c"] * neuron_words(1, False)
    # The last layer has no consumer: its axon map has an entry for each neuron.
    axon_map = neurons if row["c_out"] == 48 else positions
    axon_memory = row["axonmem_pct"] / 100 * target.limit("axon_memory_words")

    def percent(words, limit):
        return 100 * words / target.limit(limit)

    assert percent(neurons, "neurons") == pytest.approx(row["neurons_pct"], abs=0.02)
    assert percent(axon_map, "axon_map_words") == pytest.approx(row["axonmap_pct"], abs=0.02)
    for bits in numbered(weight_bits):
        words = shared_words(row["c_in"] * row["k"] ** 2, row["tile_c"], bits)
        total = neurons + words + axon_map + axon_memory
        assert percent(words, "synapse_words") == pytest.approx(row["synapses_pct"], abs=0.02)
        assert percent(total, "total_words") == pytest.approx(row["total_pct"], abs=0.02)


CONVS = [(3, 24, 81, 6), (24, 36, 864, 6), (36, 48, 1620, 6), (48, 64, 2160, 4), (64, 64, 2880, 4)]


@pytest.mark.parametrize(("inputs", "channels", "words", "bits"), CONVS)
def test_convolutions_of_pilotnet_on_loihi2(inputs, channels, words, bits):
    printed = [r["synapse_words_snn"] for r in rows("loihi2_pilotnet")]
    assert words in printed
    assert shared_words(inputs * 9, channels, bits) == words


def test_dense_layers_of_pilotnet_on_loihi2():
    bits = load_target("loihi2").limit("dense_synapse_bits")
    printed = {r["layer"]: r["synapse_words_snn"] for r in rows("loihi2_pilotnet")}
    # 100 neurons on 12 cores: eleven cores of nine and one of one; the table prints the mean.
    mean = (11 * dense_words(2560, 9, bits) + dense_words(2560, 1, bits)) / 12
    assert round(mean) == printed["dense 2560->100"]
    assert dense_words(100, 50, bits) == printed["dense 100->50"]
    assert dense_words(50, 10, bits) == printed["dense 50->10"]
    assert dense_words(10, 1, bits) == printed["dense 10->1"]


def test_small_counts_by_hand():
    assert block_words(1, 8) == 1
    assert block_words(7, 8) == 2
    assert identity_words(5, 8) == 5
    assert (memory_words(0), memory_words(1), memory_words(2), memory_words(3)) == (0, 1, 1, 2)
    assert (neuron_words(1, False), neuron_words(3, False), neuron_words(3, True)) == (1, 3, 6)


@pytest.mark.parametrize("row", rows("nengo_loihi_conv_bits"))
def test_convolutions_of_nengo_loihi_on_loihi1(row):
    found = conv_weight_sets(
        source=(row["in_rows"], row["in_cols"]),
        inputs=row["c_in"],
        channels=row["c_out_tile"],
        kernel=(row["k"], row["k"]),
        stride=(row["stride"], row["stride"]),
        weight_bits=8,
        channels_last=row["channels_last"],
    )
    assert found.sets == row["weight_sets"]
    assert found.synapses == row["entries"]
    assert found.index_bits == row["index_bits"]
    assert found.memory_bits == row["bits"]


@pytest.mark.parametrize(
    "row", [r for r in rows("nengo_loihi_conv_bits") if not r["channels_last"]]
)
def test_sets_that_are_packed_are_those_that_nengo_loihi_counts(row):
    lines = [
        Line(
            taps=row["k"],
            stride=row["stride"],
            source=n,
            target=(n - row["k"]) // row["stride"] + 1,
        )
        for n in (row["in_rows"], row["in_cols"])
    ]
    y, x = (span_of(line, 0, line.target, False) for line in lines)
    found = sets_of(y, x)
    pairs = row["c_in"] * row["c_out_tile"]
    assert len(found) == row["weight_sets"]
    assert sum(len(a) * len(b) for a, b, _ in found) * pairs == row["entries"]
    words = words_of_sets(y, x, row["c_in"], (row["c_out_tile"],), 8)
    assert int(words[0]) * 64 == row["bits"]


axes = st.tuples(
    st.integers(1, 7), st.integers(1, 3), st.integers(0, 3), st.integers(1, 2), st.booleans()
)


@settings(max_examples=60)
@given(axes, axes, st.integers(1, 40), st.integers(1, 40))
def test_words_are_those_of_the_sets_however_large_a_tile_is(rows, columns, height, width):
    y, x = (
        span_of(
            Line(taps=taps, stride=stride, padding=padding, dilation=dilation, source=60, target=n),
            0,
            n,
            pad,
        )
        for (taps, stride, padding, dilation, pad), n in ((rows, height), (columns, width))
    )
    found = sets_of(y, x)
    largest = max(found.values(), default=0) + 2 * y.length * x.length
    assume(largest.bit_length() <= 12)
    bits = 8 + index_bits_of(largest)
    words = sum(set_words(len(a) * len(b) * 5 * 3, bits) for a, b, _ in found)
    assert words_of_sets(y, x, 5, (3,), 8).tolist() == [words]


def test_blocks_of_loihi1_hold_64_synapses():
    assert set_words(64, 18) == 19
    assert set_words(65, 18) == 20
    assert set_words(0, 18) == 0
