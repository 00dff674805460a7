"""The float engine on networks small enough to follow by hand."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import floats
from snn2chip.errors import Snn2ChipError
from snn2chip.network.engine import run
from snn2chip.network.types import (
    Add,
    And,
    AndNot,
    AvgPool2d,
    BatchNorm,
    Bias,
    Conv2d,
    Flatten,
    InputKind,
    Linear,
    MaxPool2d,
    Neuron,
    Or,
    Scale,
    SumPool2d,
)
from snn2chip.neuron import Compare, Emits, NeuronModel, Reset
from tests.network.build import frames, layer, network, neuron, per_map, static


def trace(net, values):
    """Outputs of one neuron over the steps, by layer."""
    recording = run(net, frames(np.reshape(values, (len(values), 1, 1, 1, 1))))
    return {name: out.reshape(-1).tolist() for name, out in recording.outputs.items()}


def test_integrate_and_fire_by_hand():
    net = network((1, 1, 1), layer("sn", neuron(1.0)), steps=5)
    # v: .5, 1.0 (fires, 0), .75, 1.25 (fires, 0), .25
    assert trace(net, [0.5, 0.5, 0.75, 0.5, 0.25])["sn"] == [0, 1, 0, 1, 0]


def test_strict_comparison_waits_for_more_than_the_threshold():
    net = network((1, 1, 1), layer("sn", neuron(1.0, compare=Compare.GREATER)), steps=3)
    assert trace(net, [0.5, 0.5, 0.25])["sn"] == [0, 0, 1]


def test_soft_reset_keeps_the_rest():
    net = network((1, 1, 1), layer("sn", neuron(1.0, reset=Reset.SUBTRACT)), steps=4)
    # v: 1.75 (fires, .75), 1.0 (fires, 0), .5, 1.0 (fires)
    assert trace(net, [1.75, 0.25, 0.5, 0.5])["sn"] == [1, 1, 0, 1]


def test_leaky_neuron_with_decayed_input_and_reset_value():
    # SpikingJelly LIF, tau 2, v_reset -1: h = v + (x - (v + 1)) / 2, v starts at -1.
    model = NeuronModel(
        decay=per_map(0.5), input_gain=per_map(0.5), leak=-1.0, v_reset=-1.0, v_init=-1.0
    )
    net = network((1, 1, 1), layer("sn", Neuron(model=model)), steps=4)
    # h: -1+4/2=1 fires -> -1; -1+(3)/2=.5; .5+(3-1.5)/2=1.25 fires
    assert trace(net, [4.0, 3.0, 3.0, 0.0])["sn"] == [1, 0, 1, 0]


def test_levels_have_their_own_membranes():
    model = NeuronModel(
        levels=(per_map(0.5), per_map(1.5), per_map(2.5)),
        compare=Compare.GREATER,
        decay=per_map(0.25),
    )
    net = network((1, 1, 1), layer("mlf", Neuron(model=model)), steps=2)
    # step 0: 2.0 fires levels 1, 2; level 3 keeps 2.0, so step 1 has 2.5 = .5 + 2 there: not strictly more
    assert trace(net, [2.0, 2.0])["mlf"] == [2, 2]
    assert trace(net, [2.0, 2.25])["mlf"] == [2, 3]


def test_multispikes_are_recorded_as_numbers():
    net = network(
        (1, 1, 1),
        layer("sn", neuron(1.0, emits=Emits.MULTISPIKE, reset=Reset.SUBTRACT)),
        steps=2,
    )
    assert trace(net, [3.5, 0.5])["sn"] == [3, 1]


def test_joins_and_gates():
    net = network(
        (2, 1, 1),
        layer("a", Conv2d(weight=floats([[[[1.0]], [[0.0]]]]))),
        layer("b", Conv2d(weight=floats([[[[0.0]], [[1.0]]]]))),
        layer("sa", neuron(1.0), "a"),
        layer("sb", neuron(1.0), "b"),
        layer("add", Add(), "sa", "sb"),
        layer("and", And(), "sa", "sb"),
        layer("andnot", AndNot(), "sa", "sb"),
        layer("or", Or(), "sa", "sb"),
    )
    values = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float).reshape(4, 1, 2, 1, 1)
    out = {k: v.reshape(-1).tolist() for k, v in run(net, frames(values)).outputs.items()}
    assert out["add"] == [0, 1, 1, 2]
    assert out["and"] == [0, 0, 0, 1]
    assert out["andnot"] == [0, 0, 1, 0]
    assert out["or"] == [0, 1, 1, 1]


def test_sums_of_currents_are_not_recorded():
    net = network(
        (1, 1, 1),
        layer("twice", Add(), "input", "input"),
        layer("sn", neuron(1.0), "twice"),
        steps=2,
    )
    assert trace(net, [0.5, 0.25]) == {"sn": [1, 0]}


def test_pools_and_their_padding():
    x = np.arange(1.0, 10.0).reshape(1, 1, 1, 3, 3)
    sizes = {"kernel": (2, 2), "stride": (2, 2), "padding": (1, 1)}
    average = network((1, 3, 3), layer("p", AvgPool2d(**sizes)), steps=1, mean=False)
    total = network((1, 3, 3), layer("p", SumPool2d(**sizes)), steps=1, mean=False)
    largest = network((1, 3, 3), layer("p", MaxPool2d(**sizes)), steps=1, mean=False)
    assert run(average, frames(x)).decision.tolist() == [[0.25, 1.25, 2.75, 7.0]]
    assert run(total, frames(x)).decision.tolist() == [[1.0, 5.0, 11.0, 28.0]]
    assert run(largest, frames(-x)).decision.tolist() == [[-1.0, -2.0, -4.0, -5.0]]


def test_batch_norms():
    plain = BatchNorm(
        weight=floats([3.0]), bias=floats([1.0]), mean=floats([2.0]), var=floats([3.0]), eps=1.0
    )
    outside = replace(plain, eps_outside=True, factor=0.5)
    x = np.full((1, 1, 1, 1, 1), 4.0)

    def normed(bn):
        return run(network((1, 1, 1), layer("bn", bn), steps=1), frames(x)).decision.item()

    assert normed(plain) == 3.0 * 2 / 2 + 1
    assert normed(outside) == pytest.approx(0.5 * 3 * 2 / (3**0.5 + 1) + 1)


def test_batch_norm_per_step():
    column = floats([[1.0], [2.0]])
    bn = BatchNorm(weight=column, bias=column, mean=0 * column, var=0 * column + 1, eps=0.0)
    net = network((1, 1, 1), layer("bn", bn), steps=2, kind=InputKind.STATIC, mean=False)
    assert run(net, static(np.full((1, 1, 1, 1), 3.0))).decision.item() == (3 + 1) + (6 + 2)


def test_a_static_image_counts_at_every_step():
    net = network(
        (1, 1, 2),
        layer("scale", Scale(scale=per_map(2.0))),
        layer("bias", Bias(bias=floats([[[1.0, 0.0]]])), "scale"),
        layer("flat", Flatten(), "bias"),
        layer("fc", Linear(weight=floats([[1.0, -1.0]]), bias=floats([0.5])), "flat"),
        steps=3,
        kind=InputKind.STATIC,
        mean=False,
    )
    recording = run(net, static([[[[1.0, 4.0]]]]))
    assert recording.decision.tolist() == [[3 * (3 - 8 + 0.5)]]
    assert recording.potentials["fc"].shape == (1, 1, 1, 1)


def test_shapes_of_recordings():
    net = network(
        (2, 2, 2),
        layer("map", neuron()),
        layer("flat", Flatten(), "map"),
        layer("fc", Linear(weight=floats(np.ones((3, 8)))), "flat"),
        layer("vector", neuron(), "fc"),
    )
    out = run(net, frames(np.ones((4, 5, 2, 2, 2)))).outputs
    assert out["map"].shape == (4, 5, 2, 2, 2)
    assert out["vector"].shape == (4, 5, 3)
    assert out["vector"].dtype == np.uint8


def test_without_recording_the_decision_stays():
    net = network((1, 1, 1), layer("sn", neuron(1.0)), steps=2, mean=False)
    recording = run(net, frames(np.ones((2, 1, 1, 1, 1))), record=False)
    assert not recording.outputs
    assert recording.decision.tolist() == [[2.0]]


def test_float32_rounds_as_float32():
    # 2^24 + 1 is not a float32: the sum of step 0 and 1 stays below the threshold only there.
    net = network((1, 1, 1), layer("sn", neuron(2.0**24 + 1)), steps=2)
    x = frames(np.array([2.0**24, 1.0]).reshape(2, 1, 1, 1, 1))
    assert run(net, x).outputs["sn"].sum() == 1
    strict = network((1, 1, 1), layer("sn", neuron(2.0**24, compare=Compare.GREATER)), steps=2)
    assert run(strict, x).outputs["sn"].sum() == 1
    assert run(strict, x, dtype="float32").outputs["sn"].sum() == 0


def test_wrong_input_says_what_is_needed():
    net = network((1, 2, 2), layer("sn", neuron()), steps=4)
    with pytest.raises(
        Snn2ChipError, match=r"have frames \[3, 1, 1, 2, 2\]; need \[T, N, 1, 2, 2\] with T = 4"
    ):
        run(net, frames(np.ones((3, 1, 1, 2, 2))))
    with pytest.raises(Snn2ChipError, match="the network takes frames input"):
        run(net, static(np.ones((1, 1, 2, 2))))
