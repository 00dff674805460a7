"""Reading S-ResNets: recordings, names, tensors stored twice, options, and the errors of what does not fit."""

import numpy as np
import pytest
import torch

from snn2chip.model import ModelRequest
from snn2chip.network.check import check
from snn2chip.network.engine import run
from snn2chip.network.types import AvgPool2d, BatchNorm, InputKind, Neuron
from snn2chip.neuron import Compare, Reset
from snn2chip.stages.inspect import inspect_model
from snn2chip.zoo.run import run_zoo
from snn2chip.zoo.s_resnet import SResnet, SResnetNM
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.readers.checkpoints import dyadic
from tests.readers.recorded import load_case
from tests.readers.test_sew_resnet import load, refused

LEAK = {"leak_mem": 0.875}
SHAPE = (3, 8, 8)
SIZES = {"n": 1, "nFilters": 4, "num_steps": 3, "leak_mem": 0.875}


def small(make=SResnet, **more):
    """Norms of weights 2^20 and 2^21 and variance 2^40, different at every step."""
    return dyadic(make(**SIZES, img_size=8, num_cls=3, **more))


def images(channels=3, size=8, frames=()):
    g = torch.Generator().manual_seed(1)
    shape = (2, *frames, channels, size, size)
    return torch.randint(0, 9, shape, generator=g).float().numpy() / 8


def written(path, state):
    torch.save({"global_step": 70, "state_dict": state, "accuracy": 12.5}, path)
    return str(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net_best.pth.tar"


def agree(model):
    """Float engine and zoo fire alike; only the joins of the first stage are whole, so only they are recorded."""
    check(model.network)
    recording = run(model.network, model.inputs)
    trace, logits = run_zoo(model.zoo(), model.inputs.values.astype(np.float32))
    real = {k for k in trace if k not in recording.outputs}
    assert all(k.endswith("#out") for k in real)
    for name, spikes in recording.outputs.items():
        assert np.array_equal(spikes, trace[name]), name
    np.testing.assert_allclose(recording.decision, logits, atol=1e-5)
    return trace, recording


@pytest.mark.parametrize(
    "name",
    ["s_resnet_n1_exact", "s_resnet_n1_boost_exact", "s_resnet_nm_n1_exact", "s_resnet_n2_natural"],
)
def test_the_authors_recordings(tmp_path, name):
    model = load_case(name, tmp_path)
    trace, recording = agree(model)
    _, _, expected = casegen.load_case(CASES / name)
    said = casegen.compare(CASES / name, recording.outputs)
    assert all(s.endswith("#out: missing") for s in said)
    np.testing.assert_allclose(recording.decision, expected["output"]["array"], atol=1e-6)
    for join, exponent in casegen.read_case(CASES / name).get("join_exp", {}).items():
        assert np.array_equal(trace[join] * 2.0**-exponent, expected[join]["array"]), join


def test_what_is_read_from_the_keys(path):
    network = load(written(path, small().state_dict()), images(), options=LEAK).network
    neuron, norm = network.layer("conv_list.3").op, network.layer("bntt_list.3").op
    assert isinstance(neuron, Neuron) and isinstance(norm, BatchNorm)
    assert (neuron.model.compare, neuron.model.reset) == (Compare.GREATER, Reset.SUBTRACT)
    assert (float(neuron.model.decay.item()), norm.eps) == (0.875, 1e-4)
    assert norm.weight.shape == (3, 8)
    assert (network.steps, network.input.kind) == (3, InputKind.STATIC)
    twice, counters = network.provenance.unused[::-1]
    assert "conv1 = conv_list.0" in twice and "resize_bn_2 = bn_conv1x1_list.1" in twice
    assert counters.startswith("27 ×")


def test_inspect_names_the_system(path):
    request = ModelRequest(path=written(path, small().state_dict()), options=LEAK)
    lines = inspect_model(request).lines()
    assert (
        "s_resnet (SResnet of Vicente-Sola et al. 2022, n = 1, 4 filters, norms of 3 steps)"
        in lines[0]
    )
    assert "option leak_mem = 0.875 (--option)" in lines
    assert "option T = 3 (tensors of the file)" in lines
    assert "option img_size = 32 (default)" in lines


def test_one_of_two_names_is_enough_and_both_must_agree(path):
    state = small().state_dict()
    once = {k: v for k, v in state.items() if not k.startswith(("conv1.", "bntt_list.0."))}
    agree(load(written(path, once), images(), options=LEAK))
    changed = {**state, "resize_bn_1.2.bias": state["resize_bn_1.2.bias"] + 1}
    said = refused(written(path, changed), options=LEAK)
    assert "resize_bn_1.2.bias: is not the same as bn_conv1x1_list.0.2.bias" in said


def test_leftovers_are_listed(path):
    state = small().state_dict() | {"spare.weight": torch.ones(2)}
    unused = load(written(path, state), images(), options=LEAK).network.provenance.unused
    assert "spare.weight (no part of the network)" in unused


def test_the_leak_is_asked_for(path):
    written(path, small().state_dict())
    assert "leak_mem=0.874" in refused(str(path), shape=SHAPE)
    assert "0 … 1" in refused(str(path), options={"leak_mem": 8.74}, shape=SHAPE)


def test_boosting_is_asked_for_where_rows_do_not_tell(path):
    net = small(boosting=True)
    written(path, net.state_dict())
    assert "30 classes, or 3 with boosting" in refused(str(path), options=LEAK)
    for more in ({"boosting": True}, {"num_cls": 3}):
        agree(load(str(path), images(), options=LEAK | more))
    plain = load(str(path), images(), options=LEAK | {"boosting": False}).network
    assert plain.readout.layer == "fc"
    assert "contradicts" in refused(str(path), options=LEAK | {"boosting": True, "num_cls": 30})
    written(path, small().state_dict())
    assert "contradicts" in refused(str(path), options=LEAK | {"boosting": True})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"n": 2}, "--option n: contradicts"),
        ({"nFilters": 8}, "--option nFilters: contradicts"),
        ({"num_steps": 4}, "--option num_steps: contradicts"),
        ({"num_cls": 4}, "--option num_cls: contradicts"),
        ({"T": 2}, "batch norms of its own"),
        ({"img_size": 16}, "the size that the network was made for"),
        ({"poisson_gen": True}, "new random spikes at every step"),
        ({"leak": 0.5}, "leak_mem"),
    ],
)
def test_options_that_do_not_fit_are_refused(path, options, says):
    written(path, small().state_dict())
    assert says in refused(str(path), x=images(), options=LEAK | options)


def test_spikes_drawn_beforehand_are_frames(path):
    written(path, small(poisson_gen=True).state_dict())
    drawn = np.sign(images(frames=(3,)) - 0.5)
    options = LEAK | {"poisson_gen": True}
    _, recording = agree(load(str(path), drawn, layout="NTCHW", options=options))
    assert recording.outputs["conv_list.6"].any()


def test_event_frames_are_halved_and_may_be_fewer(path):
    written(path, small(SResnetNM).state_dict())
    for steps, size in ((3, 8), (2, 16)):
        x = images(2, size, (steps,))
        options = LEAK | {"img_size": 8}
        model = load(str(path), x, layout="NTCHW", options=options)
        agree(model)
        assert model.network.steps == steps
        pools = [x.name for x in model.network.layers if isinstance(x.op, AvgPool2d)]
        assert pools == (["pool2"] if size == 8 else ["resize", "pool2"])
    refusal = refused(str(path), x=images(2, 8, (4,)), layout="NTCHW", options=LEAK)
    assert "need 3, as in the file, or fewer frames" in refusal


def test_what_is_missing_or_of_another_shape_is_named(path):
    state = small().state_dict()
    for key, needs in (
        ("conv_list.5.weight", "conv_list.5.weight"),
        ("bntt_list.3.1.running_var", "bntt_list.3.1.running_var"),
        ("bn_conv1x1_list.1.2.bias", "bn_conv1x1_list.1.2.bias"),
        ("fc.weight", "fc.weight"),
    ):
        gone = {k: v for k, v in state.items() if k != key and not k.startswith("resize_bn")}
        assert needs in refused(written(path, gone), options=LEAK, shape=SHAPE)
    wrong = {**state, "conv1x1_list.0.weight": torch.zeros(8, 5, 1, 1)}
    wrong = {k: v for k, v in wrong.items() if not k.startswith("conv_resize")}
    assert "need [8, 4, 1, 1]" in refused(written(path, wrong), options=LEAK, shape=SHAPE)
