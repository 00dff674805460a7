"""`.nir` files of other tools, small enough to follow by hand."""

from typing import Any

import numpy as np
import pytest

from snn2chip.network.check import check
from snn2chip.network.shapes import shapes
from snn2chip.network.types import (
    Add,
    AvgPool2d,
    Conv2d,
    Flatten,
    InputKind,
    Linear,
    Neuron,
    Scale,
    SumPool2d,
)
from snn2chip.neuron import Compare, Reset
from snn2chip.readers.nir import read_nir
from tests.readers.nir_files import (
    conv,
    dyadic,
    edit,
    field,
    integrate,
    layer_op,
    leaky,
    neuron,
    nir,
    one_neuron,
    small,
    spikes,
    write,
)

NORSE = "norse,dt=1.0"


def read(path, convention=NORSE, steps=4, kind=InputKind.FRAMES):
    network = read_nir(path, convention, steps, kind)
    check(network)
    return network


def test_nodes_become_layers_of_their_names(tmp_path):
    network = read(small(tmp_path / "net.nir"))
    assert [layer.name for layer in network.layers] == [
        "conv1",
        "if1",
        "conv2",
        "if2",
        "flat",
        "fc",
        "if3",
    ]
    assert [type(layer.op) for layer in network.layers] == [
        Conv2d,
        Neuron,
        Conv2d,
        Neuron,
        Flatten,
        Linear,
        Neuron,
    ]
    assert network.layer("conv1").inputs == ("input",)
    assert network.input.shape == (2, 6, 6)
    assert (network.readout.layer, network.readout.mean) == ("if3", False)


def test_the_network_knows_where_it_came_from(tmp_path):
    p = read(small(tmp_path / "net.nir")).provenance
    assert p.path == str(tmp_path / "net.nir")
    assert len(p.sha256) == 64
    assert (p.system, p.arch) == ("nir", f"nir {nir.version}")
    assert p.options["steps"] == 4
    assert str(p.options["convention"]).startswith("norse,dt=1,decay=euler")


def test_input_is_frames_unless_told_otherwise(tmp_path):
    path = small(tmp_path / "net.nir")
    assert read(path).input.kind is InputKind.FRAMES
    assert read(path, kind=InputKind.STATIC).input.kind is InputKind.STATIC


def test_the_readout_of_a_linear_layer_is_its_sum(tmp_path):
    nodes = {"sn": integrate(3), "fc": nir.Linear(weight=dyadic(1, 2, 3))}
    network = read(write(tmp_path / "net.nir", nodes, inputs=(3,), outputs=(2,)))
    assert network.input.shape == (3, 1, 1)
    assert (network.readout.layer, network.readout.mean) == ("fc", False)


# --- neurons ----------------------------------------------------------------------------------------------------------

CURRENTS = [1.0, 0.5, 0.5, 1.5, 0.0]


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        # above 1 only, back to 0: v 1, 1.5 (fires), .5, 2 (fires), 0
        ("norse", [0, 1, 0, 1, 0]),
        # at 1: v 1 (fires), .5, 1 (fires), 1.5 (fires), 0
        ("norse,compare=>=", [1, 0, 1, 1, 0]),
        # minus 1: v 1, 1.5 (fires, .5), 1, 2.5 (fires, 1.5), 1.5 (fires)
        ("norse,reset=subtract", [0, 1, 0, 1, 1]),
        ("norse,reset=none", [0, 1, 1, 1, 1]),
        # whole thresholds: 1, .5, 1, 1.5 -> 1 (.5 left), .5
        ("sinabs", [1, 0, 1, 1, 0]),
        ("sinabs,reset=none,v_min=-threshold", [1, 1, 2, 3, 3]),
        # r·dt is 1e-4 here: nothing ever fires
        ("spikingjelly", [0, 0, 0, 0, 0]),
    ],
)
def test_integrate_and_fire_by_hand(tmp_path, convention, expected):
    assert one_neuron(tmp_path / "net.nir", integrate(1, 1, 1), convention, CURRENTS) == expected


def test_a_late_reset_is_not_decayed(tmp_path):
    # v: 2 (fires); .5·2 - 1 + 1.125 = 1.125 (fires); .5·1.125 - 1 = -.4375
    node = leaky(1, 1, 1, tau=2e-4, r=2.0)
    assert one_neuron(tmp_path / "net.nir", node, "snntorch", [2.0, 1.125, 0.0]) == [1, 1, 0]
    # the same in the same step: 2 - 1 = 1; .5 + 1.125 - 1 = .625
    same = "snntorch,reset_timing=same_step"
    assert one_neuron(tmp_path / "net.nir", node, same, [2.0, 0.4375, 0.0625]) == [1, 0, 0]


def model_of(tmp_path, node, convention):
    path = write(tmp_path / "net.nir", {"sn": node}, inputs=(2, 2, 2), outputs=(2, 2, 2))
    return neuron(read(path, convention), "sn")


def test_decay_and_gain_in_the_dtype_of_the_file(tmp_path):
    beta = np.float32(0.9)
    tau = np.float32(1e-4) / (1 - beta)
    node = leaky(2, 2, 2, tau=float(tau), r=float(tau / np.float32(1e-4)))
    model = model_of(tmp_path, node, "snntorch")
    assert model.decay.item() == np.float32(1) - np.float32(1e-4) / tau
    assert abs(model.decay.item() - beta) <= np.finfo(np.float32).eps
    assert model.input_gain.item() == 1.0


def test_an_infinite_tau_keeps_everything(tmp_path):
    model = model_of(tmp_path, leaky(2, 2, 2, tau=np.inf, r=np.inf), "snntorch")
    assert (model.decay.item(), model.input_gain.item()) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("gain", "expected"),
    [("r*dt/tau", 0.75), ("dt/tau", 0.25), ("1-decay", 0.25), ("r", 3.0), ("1", 1.0)],
)
def test_gains(tmp_path, gain, expected):
    model = model_of(tmp_path, leaky(2, 2, 2, tau=4.0, r=3.0), f"{NORSE},gain={gain}")
    assert (model.decay.item(), model.input_gain.item()) == (0.75, expected)


def test_leak_reset_and_start(tmp_path):
    node = leaky(2, 2, 2, tau=2.0, leak=0.25, reset=-0.5)
    model = model_of(tmp_path, node, NORSE)
    assert (model.leak, model.v_reset, model.v_init) == (0.25, -0.5, 0.25)
    model = model_of(tmp_path, node, "spikingjelly,dt=1")
    assert (model.v_reset, model.v_init, model.compare) == (-0.5, -0.5, Compare.GREATER_EQUAL)
    model = model_of(tmp_path, node, f"{NORSE},v_init=0,reset=subtract")
    assert (model.v_reset, model.v_init) == (0.0, 0.0)


def test_parameters_of_one_value_are_spread(tmp_path):
    # norse and sinabs write them
    path = edit(small(tmp_path / "net.nir"), field("if1", "v_threshold", np.float32(2.0)))
    edit(path, field("if2", "v_threshold", np.array([3.0])))
    assert neuron(read(path), "if1").threshold.tolist() == [[[2.0]]]
    assert neuron(read(path), "if2").threshold.tolist() == [[[3.0]]]


def test_thresholds_are_written_as_small_as_they_are(tmp_path):
    ones = np.ones((2, 2, 2), np.float32)
    per_channel = ones * np.array([1, 2], np.float32).reshape(2, 1, 1)
    model = model_of(tmp_path, nir.IF(r=ones, v_threshold=per_channel, v_reset=ones * 0), NORSE)
    assert model.threshold.tolist() == [[[1.0]], [[2.0]]]
    each = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    model = model_of(tmp_path, nir.IF(r=ones, v_threshold=each, v_reset=ones * 0), NORSE)
    assert np.array_equal(model.threshold, each)


def test_a_threshold_node_has_no_memory(tmp_path):
    node = nir.Threshold(threshold=np.full((1, 1, 1), 1.0, np.float32))
    assert one_neuron(tmp_path / "net.nir", node, "sinabs", [0.75, 1.0, 1.25, 0.5]) == [0, 0, 1, 0]
    model = model_of(tmp_path, nir.Threshold(threshold=np.ones((2, 2, 2))), "sinabs")
    assert (model.decay.item(), model.reset) == (0.0, Reset.NONE)


def test_a_file_of_nir_1_0_4_has_no_v_reset(tmp_path):
    path = small(tmp_path / "net.nir")
    edit(path, lambda h: [h.pop(f"node/nodes/if{i}/v_reset") for i in (1, 2, 3)])
    assert neuron(read(path), "if1").v_reset == 0.0


# --- layers without memory --------------------------------------------------------------------------------------------


def test_pools_scales_and_biases(tmp_path):
    channel = np.array([2.0, 3.0], np.float32).reshape(2, 1, 1)
    nodes = {
        "scale": nir.Scale(scale=channel),
        "sum": nir.SumPool2d(
            kernel_size=np.array([2, 2]), stride=np.array([2, 2]), padding=np.array([0, 0])
        ),
        "mean": nir.AvgPool2d(kernel_size=3, stride=3, padding=0),
        "sn": integrate(2, 1, 1),
    }
    network = read(write(tmp_path / "net.nir", nodes, outputs=(2, 1, 1)))
    assert isinstance(layer_op(network, "scale"), Scale)
    assert layer_op(network, "scale").scale.shape == (2, 1, 1)
    assert layer_op(network, "sum") == SumPool2d(kernel=(2, 2), stride=(2, 2))
    assert layer_op(network, "mean") == AvgPool2d(kernel=(3, 3), stride=(3, 3))
    assert shapes(network)["mean"] == (2, 1, 1)


def test_grouped_and_oblong_convolutions(tmp_path):
    nodes = {
        "grouped": conv(2, 4, groups=2, weight=dyadic(1, 4, 1, 3, 3)),
        "oblong": conv(
            4, 3, weight=dyadic(2, 3, 4, 1, 5), padding=(0, 1), stride=(1, 2), dilation=(1, 1)
        ),
        "sn": integrate(3, 6, 2),
    }
    network = read(write(tmp_path / "net.nir", nodes, outputs=(3, 6, 2)))
    assert layer_op(network, "grouped").groups == 2
    assert shapes(network)["oblong"] == (3, 6, 2)
    assert layer_op(network, "oblong").stride == (1, 2)


@pytest.mark.parametrize(("word", "padding"), [("same", (1, 1)), ("valid", (0, 0))])
def test_padding_in_words(tmp_path, word, padding):
    size = 6 if word == "same" else 4
    nodes = {"conv": conv(2, 4, padding=word), "sn": integrate(4, size, size)}
    assert (
        layer_op(read(write(tmp_path / "net.nir", nodes, outputs=(4, size, size))), "conv").padding
        == padding
    )


# --- graphs -----------------------------------------------------------------------------------------------------------


def residual(path, join=None):
    nodes: dict[str, Any] = {
        "a": integrate(2, 6, 6),
        "conv": conv(2, 2),
        "b": integrate(2, 6, 6),
        "c": integrate(2, 6, 6),
    }
    pairs = [("input", "a"), ("a", "conv"), ("conv", "b"), ("c", "output")]
    if join is None:
        pairs += [("a", "c"), ("b", "c")]
    else:
        nodes["join"] = nir.Scale(scale=np.full((2, 6, 6), join, np.float32))
        pairs += [("a", "join"), ("b", "join"), ("join", "c")]
    return write(path, nodes, pairs, outputs=(2, 6, 6))


def test_several_edges_into_a_node_are_a_sum(tmp_path):
    network = read(residual(tmp_path / "net.nir"))
    assert isinstance(network.layer("c#in").op, Add)
    assert network.layer("c#in").inputs == ("a", "b")
    assert network.layer("c").inputs == ("c#in",)


def test_a_scale_of_one_over_several_edges_is_the_join_itself(tmp_path):
    network = read(residual(tmp_path / "net.nir", join=1))
    assert isinstance(layer_op(network, "join"), Add)
    assert network.layer("join").inputs == ("a", "b")
    assert network.layer("c").inputs == ("join",)


def test_a_scale_of_two_over_several_edges_stays_a_scale(tmp_path):
    network = read(residual(tmp_path / "net.nir", join=2))
    assert network.layer("join#in").inputs == ("a", "b")
    assert isinstance(layer_op(network, "join"), Scale)


def test_the_three_ways_to_write_a_sum_fire_alike(tmp_path):
    x = np.random.default_rng(1).integers(0, 3, (4, 2, 2, 6, 6))
    plain = spikes(read(residual(tmp_path / "a.nir")), x)
    named = spikes(read(residual(tmp_path / "b.nir", join=1)), x)
    assert plain["c"].any()
    assert np.array_equal(plain["c"], named["c"])


def test_several_edges_into_the_output_are_a_sum(tmp_path):
    nodes = {"a": integrate(2, 6, 6), "b": integrate(2, 6, 6)}
    pairs = [("input", "a"), ("input", "b"), ("a", "output"), ("b", "output")]
    network = read(write(tmp_path / "net.nir", nodes, pairs, outputs=(2, 6, 6)))
    assert network.readout.layer == "output#in"
    assert network.layer("output#in").inputs == ("a", "b")


def test_the_input_may_have_another_name(tmp_path):
    nodes = {"x": nir.Input(np.array([3])), "sn": integrate(3), "y": nir.Output(np.array([3]))}
    nir.write(tmp_path / "net.nir", nir.NIRGraph(nodes, [("sn", "y"), ("x", "sn")]))
    assert read(tmp_path / "net.nir").layer("sn").inputs == ("input",)
