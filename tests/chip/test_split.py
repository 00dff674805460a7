import itertools
from dataclasses import replace

import numpy as np
import pytest

from snn2chip.chip.needs_loihi2 import words_per_neuron
from snn2chip.chip.program import Coding
from snn2chip.chip.split import SLACKS, Tiling, split
from snn2chip.chip.target import load_target
from snn2chip.chip.wiring import wire
from snn2chip.circuit.types import INPUT
from tests.chip import tiny
from tests.chip.circuits import Builder, random_circuit, sew_resnet, small_sew

LOIHI2 = load_target("loihi2")

# SEW ResNet-18 at 224x224 with 8 bits: stem and stages 1 and 2 are bound by neurons, stage 4 by synapses.
SEW18 = {"conv1": 208, "maxpool": 56, "layer1": 4 * 56, "layer2": 5 * 28, "layer3": 5 * 14, "fc": 5}


@pytest.fixture(scope="module")
def sew18():
    qc = sew_resnet()
    tilings, findings = split(qc, LOIHI2, wire(qc, Coding.BIAS))
    assert findings == ()
    return tilings


def test_cores_of_sew_resnet18(sew18):
    cores = {}
    for name, tiling in sew18.items():
        layer = name.split(".")[0]
        cores[layer] = cores.get(layer, 0) + tiling.cores
    assert 770 <= sum(cores.values()) <= 830
    for layer, expected in SEW18.items():
        assert cores[layer] == pytest.approx(expected, rel=0.05), layer
    assert cores["layer4"] == 12 + 7 + 3 * 24


def test_deep_tiles_of_sew_resnet18(sew18):
    assert sew18["layer1.0.conv1"].size == (64, 7, 8)
    assert sew18["layer2.0.conv1"].size == (128, 4, 7)


def test_ways_to_split_give_cores_for_messages(sew18):
    """Fewest and quiet frame the default; what each gives away stays within its percentage, layer by layer."""
    qc = sew_resnet()
    ways = {way: split(qc, LOIHI2, wire(qc, Coding.BIAS), way=way)[0] for way in SLACKS}
    assert ways["balanced"] == sew18
    total = {way: sum(t.cores for t in found.values()) for way, found in ways.items()}
    assert total["fewest"] < total["balanced"] < total["quiet"]
    last = {way: found["fc"].cores for way, found in ways.items()}
    assert last["quiet"] <= 2 * last["fewest"] and last["balanced"] <= 1.1 * last["fewest"]


@pytest.mark.parametrize("make", [random_circuit, small_sew])
@pytest.mark.parametrize("seed", range(3))
def test_tiles_cover_every_neuron_once(make, seed):
    qc = make(seed)
    tilings, _ = split(qc, tiny.TINY, wire(qc, Coding.BIAS))
    assert tilings
    for name, tiling in tilings.items():
        held = np.zeros(qc.population(name).shape, np.int64)
        for t in tiling.tiles():
            held[slice(*t.channels), slice(*t.rows), slice(*t.columns)] += 1
        assert (held == 1).all()
        assert len(list(tiling.tiles())) == tiling.cores


def test_few_cores_by_trying_everything():
    """No size of tile takes fewer cores than the one found, but for the tenth that is given for messages."""
    b = Builder((2, 6, 6), seed=3)
    b.conv("one", INPUT, 8)
    b.conv("two", "one", 8)
    qc = b.done(b.answer("answer", "two", 3))
    target = tiny.target(neurons=40, synapse_words=150)
    tilings, _ = split(qc, target, wire(qc, Coding.GRADED))
    best = min(
        Tiling(population="two", shape=(8, 6, 6), size=size, by_neuron=False).cores
        for size in itertools.product(range(1, 9), range(1, 7), range(1, 7))
        if size[0] * size[1] * size[2] <= 40 and 8 * 9 * -(-(size[0] * 8 + 10) // 64) <= 150
    )
    assert best <= tilings["two"].cores <= best * 1.1


def test_dense_consumers_make_maps_by_neuron():
    b = Builder((2, 4, 4))
    b.conv("one", INPUT, 4)
    qc = b.done(b.answer("answer", "one", 3, pooled=False))
    tilings, _ = split(qc, LOIHI2, wire(qc, Coding.GRADED))
    assert tilings["one"].by_neuron
    assert tilings["answer"].by_neuron
    b = Builder((2, 4, 4))
    b.conv("one", INPUT, 4)
    qc = b.done(b.answer("answer", "one", 3))
    tilings, _ = split(qc, LOIHI2, wire(qc, Coding.GRADED))
    assert not tilings["one"].by_neuron


@pytest.mark.parametrize(
    ("limits", "layer", "what", "need"),
    [
        ({"synapse_words": 8 * 9 - 1}, "two", "synapse words", 72),
        ({"axons_in": 8 * 36 - 1}, "answer", "axons in", 288),
        ({"neurons": 1}, "one", "neurons", 2),
        ({"header_words": 10}, "one", "header words", 12),
        ({"total_words": 100}, "answer", "total words", 288 + 288 + 2),
    ],
)
def test_what_fits_nowhere_says_what_binds(limits, layer, what, need):
    b = Builder((2, 6, 6))
    b.conv("one", INPUT, 8, levels=2)
    b.conv("two", "one", 8)
    qc = b.done(b.answer("answer", "two", 3, pooled=False))
    target = tiny.target(**limits)
    tilings, findings = split(qc, target, wire(qc, Coding.GRADED))
    found = {f.where: f for f in findings}
    assert layer not in tilings
    assert found[layer].code == "map-fit"
    assert what in found[layer].why
    assert (found[layer].need, found[layer].have) == (str(need), str(next(iter(limits.values()))))


def test_axon_memory_makes_tiles_smaller():
    b = Builder((2, 12, 12))
    b.conv("one", INPUT, 2)
    b.conv("two", "one", 16)
    qc = b.done(b.answer("answer", "two", 3))
    wide = split(qc, tiny.target(neurons=72), wire(qc, Coding.GRADED))[0]["one"]
    tight = tiny.target(neurons=72, axon_memory_words=40)
    narrow = split(qc, tight, wire(qc, Coding.GRADED))[0]["one"]
    assert narrow.cores > wide.cores


def test_neurons_with_levels_or_free_amounts_take_more_words():
    neuron = small_sew(0).populations[0].neuron
    two = replace(neuron, levels=neuron.levels * 2, amounts=neuron.amounts * 2)
    free = replace(neuron, amounts=(neuron.amounts[0] + 5,))
    assert [words_per_neuron(n) for n in (neuron, two, free)] == [1, 2, 2]
