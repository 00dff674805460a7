"""Reading SEW and plain Spiking ResNets: names, joins, options, and the errors of what does not fit."""

from typing import Any

import numpy as np
import pytest
import torch

from snn2chip.errors import Snn2ChipError
from snn2chip.model import ModelRequest, load_model
from snn2chip.network.check import check
from snn2chip.network.engine import run
from snn2chip.network.types import (
    AndNot,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    InputKind,
    Linear,
    MaxPool2d,
    Neuron,
)
from snn2chip.neuron import Compare, Reset
from snn2chip.zoo import sew_resnet
from snn2chip.zoo.run import run_zoo
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.readers.checkpoints import (
    ARGS,
    SMALL_TRUNK,
    dyadic,
    images,
    respelt,
    save,
    small,
    small_plain,
)


def load(path, x=None, **request):
    shape = request.pop("shape", (1, 8, 8) if x is None else None)
    if x is not None:
        np.save(f"{path}.npy", x)
        request |= {"input_path": f"{path}.npy"}
    return load_model(ModelRequest(path=path, shape=shape, **request))


def refused(path, **request):
    with pytest.raises(Snn2ChipError) as caught:
        load(path, **request)
    assert caught.value.exit_status == 2
    return str(caught.value)


def agree(model):
    """The float engine, the zoo's module and each other."""
    check(model.network)
    assert model.inputs is not None
    recording = run(model.network, model.inputs)
    trace, logits = run_zoo(model.zoo(), model.inputs.values.astype(np.float32))
    assert set(trace) == {k for k in recording.outputs if not k.endswith("#sum")}
    for name, spikes in trace.items():
        assert np.array_equal(recording.outputs[name], spikes), name
    assert np.allclose(recording.decision, logits, atol=1e-5)
    return trace


@pytest.fixture
def path(tmp_path):
    return save(tmp_path / "c.pth", small().state_dict(), ARGS)


@pytest.mark.parametrize("name", ["sew_resnet18_add_32", "spiking_resnet18_32"])
def test_recorded_cases(tmp_path, name):
    casegen.save_checkpoint(CASES / name, tmp_path / "c.pth")
    _, x, expected = casegen.load_case(CASES / name)
    model = load(str(tmp_path / "c.pth"), x)
    assert casegen.compare(CASES / name, agree(model)) == []
    assert model.inputs is not None
    recording = run(model.network, model.inputs)
    assert casegen.compare(CASES / name, recording.outputs) == []
    assert np.array_equal(recording.decision, expected["output"]["array"])
    assert model.network.provenance.arch == name.split("_add")[0].removesuffix("_32")
    assert model.network.provenance.used == 102


@pytest.mark.parametrize("connect_f", ["ADD", "AND", "IAND"])
def test_small_networks_agree_with_their_module(tmp_path, connect_f):
    path = save(
        tmp_path / "c.pth", small(connect_f, (2, 1)).state_dict(), ARGS | {"connect_f": connect_f}
    )
    trace = agree(load(path, images().numpy()))
    assert 0 < trace["layer1.1#out"].mean() < 3


@pytest.mark.parametrize("bottleneck", [False, True])
def test_plain_networks_agree_with_their_module(tmp_path, bottleneck):
    args = {"T": 3, "stem_stride": 1, "stem_pool": False}
    model = load(
        save(tmp_path / "c.pth", small_plain(bottleneck).state_dict(), args), images().numpy()
    )
    assert model.network.provenance.system == "spiking_resnet"
    assert not any(layer.name.endswith("#out") for layer in model.network.layers)
    agree(model)


def test_names_and_operators(path):
    network = load(path).network
    names = [layer.name for layer in network.layers]
    block = "layer2.0."
    assert names[:4] == ["conv1", "bn1", "sn1", "layer1.0.conv1.module.0"]
    assert [n.removeprefix(block) for n in names if n.startswith(block)] == [
        *("conv1.module.0", "conv1.module.1", "sn1", "conv2.module.0", "conv2.module.1", "sn2"),
        *("downsample.0.module.0", "downsample.0.module.1", "downsample.1"),
    ]
    assert names[-4:] == ["layer2.0#out", "avgpool", "flatten", "fc"]
    ops = {layer.name: layer.op for layer in network.layers}
    conv, pool = ops["layer2.0.conv1.module.0"], ops["avgpool"]
    assert isinstance(conv, Conv2d)
    assert (conv.stride, conv.padding, conv.bias) == ((2, 2), (1, 1), None)
    assert isinstance(pool, AvgPool2d)
    assert pool.kernel == (4, 4)
    assert isinstance(ops["bn1"], BatchNorm)
    assert isinstance(ops["fc"], Linear)
    assert (network.readout.layer, network.readout.mean, network.steps) == ("fc", True, 4)


def test_neurons_are_the_authors(path):
    neuron = load(path).network.layer("sn1").op
    assert isinstance(neuron, Neuron)
    model = neuron.model
    assert (model.threshold.item(), model.decay.item(), model.input_gain.item()) == (1.0, 1.0, 1.0)
    assert (model.compare, model.reset, model.v_reset) == (Compare.GREATER_EQUAL, Reset.ZERO, 0.0)


def test_iand_keeps_the_identity_first(tmp_path):
    path = save(tmp_path / "c.pth", small("IAND").state_dict(), ARGS | {"connect_f": "IAND"})
    join = load(path).network.layer("layer2.0#out")
    assert isinstance(join.op, AndNot)
    assert join.inputs == ("layer2.0.downsample.1", "layer2.0.sn2")


def test_weights_are_float64_copies(path):
    conv = load(path).network.layer("conv1").op
    assert isinstance(conv, Conv2d)
    assert conv.weight.dtype == np.float64
    assert np.array_equal(conv.weight, small().conv1.weight.detach().numpy())


def test_branch_new_sj(tmp_path):
    state = respelt(small(stem_pool=True).state_dict(), "new_sj")
    model = load(save(tmp_path / "c.pth", state, ARGS | {"stem_pool": True}), images().numpy())
    assert "layer2.0.downsample.0.0" in {layer.name for layer in model.network.layers}
    assert "maxpool.0#out" in agree(model)
    assert isinstance(model.network.layer("maxpool.0#out").op, MaxPool2d)


def test_spikingjelly_keys_need_an_architecture(tmp_path):
    path = save(tmp_path / "c.pth", respelt(small().state_dict(), "spikingjelly"))
    assert "--arch sew_resnet18" in refused(path)
    assert "--option cnf=ADD" in refused(path, arch="sew_resnet")
    options = {"cnf": "and", "neuron": "LIFNode", "tau": 2.0, "stem_stride": 1, "stem_pool": False}
    frames = np.stack([images().numpy()] * 3)
    model = load(path, frames, arch="sew_resnet", options=options)
    assert any("mean of fc over T" in line for line in model.network.provenance.assumed)
    trace = agree(model)
    assert "layer2.0.downsample_sn" in trace
    assert model.network.input.kind is InputKind.FRAMES
    assert model.network.steps == 3


def test_spikingjelly_bottleneck_swaps_iand(tmp_path):
    net = respelt(bottleneck_state(), "spikingjelly")
    options = {"cnf": "IAND", "stem_stride": 1, "stem_pool": False}
    path = save(tmp_path / "c.pth", net)
    model = load(path, images().numpy(), arch="sew_resnet", options=options)
    assert model.network.layer("layer1.0#out").inputs == ("layer1.0.sn3", "layer1.0.downsample_sn")
    assert any("iand_swapped" in line for line in model.network.provenance.assumed)
    agree(model)
    kept = load(path, arch="sew_resnet", options=options | {"iand_swapped": False})
    assert kept.network.layer("layer1.0#out").inputs == ("layer1.0.downsample_sn", "layer1.0.sn3")


def bottleneck_state():
    return dyadic(sew_resnet.SEWResNet(sew_resnet.Bottleneck, (1, 1), **SMALL_TRUNK)).state_dict()


def test_learned_decays(tmp_path):
    state = respelt(small().state_dict(), "spikingjelly")
    neurons = [
        "sn1",
        "layer1.0.sn1",
        "layer1.0.sn2",
        "layer2.0.sn1",
        "layer2.0.sn2",
        "layer2.0.downsample_sn",
    ]
    state |= {f"{n}.w": torch.tensor(40.0 if i % 2 else 0.0) for i, n in enumerate(neurons)}
    model = load(save(tmp_path / "c.pth", state, ARGS), images().numpy())
    assert model.network.provenance.system == "sew_resnet"
    agree(model)


def test_double_precision(tmp_path):
    state = {k: v.double() if v.is_floating_point() else v for k, v in small().state_dict().items()}
    model = load(save(tmp_path / "c.pth", state, ARGS), images().numpy())
    agree(model)
    assert model.zoo is not None
    assert next(model.zoo().parameters()).dtype is torch.float64
    assert any("float64" in line for line in model.network.provenance.assumed)


def test_frames_run_through_the_stem_and_it_is_said(path):
    model = load(path, np.stack([images(seed=s).numpy() for s in range(5)]))
    assert model.network.steps == 5
    assert any(
        "conv1 and bn1 run on each of 5 frames" in line for line in model.network.provenance.assumed
    )
    assert any("the file's args say 4" in line for line in model.network.provenance.assumed)
    agree(model)


def test_steps_come_from_the_user_then_the_file_then_the_default(tmp_path, path):
    assert load(path, steps=6).network.steps == 6
    assert load(path, options={"T": 5}).network.steps == 5
    assert load(path).network.steps == 4
    bare = save(
        tmp_path / "b.pth", small().state_dict(), {k: v for k, v in ARGS.items() if k != "T"}
    )
    network = load(bare).network
    assert network.steps == 4
    assert any(
        line.startswith("T = 4 (the authors' default") for line in network.provenance.assumed
    )
    assert "disagree" in refused(path, steps=6, options={"T": 5})


def test_what_the_keys_cannot_say_must_be_said(tmp_path):
    path = save(tmp_path / "c.pth", small().state_dict())
    assert "--option connect_f=ADD" in refused(path)
    options = {"connect_f": "add", "stem_stride": 1, "stem_pool": "false"}
    assert load(path, options=options).network.provenance.options["connect_f"] == "ADD"
    assert "--shape" in refused(path, options=options, shape=None)


def test_defaults_are_listed(tmp_path):
    path = save(
        tmp_path / "c.pth", small(stem_stride=2, stem_pool=True).state_dict(), {"connect_f": "ADD"}
    )
    assumed = "\n".join(load(path).network.provenance.assumed)
    for words in (
        "T = 4",
        "stem_stride = 2",
        "stem_pool = True",
        "neuron = IFNode",
        "v_threshold = 1.0",
    ):
        assert words in assumed


def test_names_in_the_authors_logs_are_older_than_the_paper(tmp_path):
    args = ARGS | {"model": "spiking_resnet34", "connect_f": "add"}
    network = load(save(tmp_path / "c.pth", small().state_dict(), args)).network
    assert (network.provenance.system, network.provenance.options["connect_f"]) == (
        "sew_resnet",
        "ADD",
    )


def test_a_shortcut_in_the_first_stage_means_that_it_is_strided(tmp_path):
    trunk: dict[str, Any] = {
        "in_channels": 1,
        "num_classes": 3,
        "width": 4,
        "stem_kernel": 3,
        "strides": (2, 2),
    }
    net = dyadic(
        sew_resnet.SEWResNet(sew_resnet.BasicBlock, (1, 1), stem_stride=1, stem_pool=False, **trunk)
    )
    model = load(save(tmp_path / "c.pth", net.state_dict(), ARGS), images().numpy())
    assert agree(model)["layer1.0#out"].shape[-2:] == (4, 4)


def test_without_any_shortcut_the_args_tell(tmp_path):
    state = small(blocks=(2,)).state_dict()
    model = load(save(tmp_path / "c.pth", state, ARGS), images().numpy())
    assert model.network.provenance.system == "sew_resnet"
    agree(model)
    assert "--arch" in refused(save(tmp_path / "b.pth", state, {"T": 4}))


def test_strides_of_stages_can_be_said(tmp_path):
    net = small(blocks=(1, 1))
    path = save(tmp_path / "c.pth", net.state_dict(), ARGS)
    conv = load(path, options={"strides": [1, 1]}).network.layer("layer2.0.conv1.module.0").op
    assert isinstance(conv, Conv2d)
    assert conv.stride == (1, 1)
    assert "strides" in refused(path, options={"strides": [1, 2, 2]})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"colour": "blue"}, ["colour", "connect_f"]),
        ({"conect_f": "ADD"}, ["conect_f", "did you mean 'connect_f'?"]),
        ({"connect_f": "XOR"}, ["XOR", "ADD | AND | IAND"]),
        ({"connect_f": 3}, ["connect_f = 3"]),
        ({"connect_f": "AND"}, ["contradicts the file's args", "AND", "ADD"]),
        ({"num_classes": 10}, ["num_classes", "fc.weight", "10", "3"]),
        ({"T": 0}, ["T = 0"]),
        ({"T": -1}, ["T = -1"]),
        ({"T": 1.5}, ["T = 1.5"]),
        ({"T": True}, ["T = True"]),
        ({"T": "four"}, ["T = four"]),
        ({"v_threshold": 0}, ["v_threshold = 0"]),
        ({"v_reset": "soft"}, ["v_reset = soft"]),
        ({"tau": 2}, ["tau", "IFNode"]),
        ({"neuron": "ParametricLIFNode"}, ["ParametricLIFNode", "no sn1.w"]),
        ({"stem_pool": "maybe"}, ["stem_pool = maybe", "true | false"]),
        ({"stem_stride": 2}, ["stem_stride", "contradicts"]),
        ({"strides": 2}, ["strides = 2"]),
        ({"iand_swapped": True}, ["iand_swapped", "ADD"]),
    ],
)
def test_wrong_options(path, options, says):
    text = refused(path, options=options)
    assert all(words in text for words in says), text


def test_wrong_architectures(tmp_path, path):
    assert "did you mean 'sew_resnet18'?" in refused(path, arch="sew_resnet19")
    text = refused(path, arch="sew_resnet50")
    assert "sew_resnet50" in text
    assert "conv3" in text
    assert "sew_resnet" in refused(path, arch="spiking_resnet")
    plain = save(tmp_path / "p.pth", small_plain().state_dict(), {"stem_stride": 1})
    assert "no connect function" in refused(plain, options={"connect_f": "ADD"})


def changed(tmp_path, change):
    state = small(blocks=(2, 1)).state_dict()
    change(state)
    return save(tmp_path / "x.pth", state, ARGS)


CONV, NORM = "layer2.0.conv2.module.0.weight", "layer2.0.conv1.module.1.running_var"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop(CONV), [CONV, "is missing"]),
        (lambda s: s.pop(NORM), [NORM, "is missing"]),
        (lambda s: s.pop("conv1.weight"), ["x.pth"]),
        (lambda s: s.pop("fc.weight"), ["fc.weight"]),
        (lambda s: [s.pop(k) for k in list(s) if k.startswith("layer1.0.")], ["layer1.0.*"]),
        (lambda s: [s.pop(k) for k in list(s) if k.startswith("layer1.")], ["layer1.*"]),
        (lambda s: s.update({CONV: s[CONV][:, :-1]}), [CONV, "[8, 7, 3, 3]", "[8, 8, 3, 3]"]),
        (lambda s: s.update({NORM: s[NORM][:-1]}), [NORM, "[7]", "[8]"]),
        (lambda s: s.update({"fc.weight": s["fc.weight"].T}), ["fc.weight"]),
        (lambda s: s.update({"conv1.weight": s["conv1.weight"][:, :, :2]}), ["conv1.weight"]),
        (lambda s: s[NORM].fill_(-1.0), [NORM, "negative"]),
    ],
)
def test_wrong_tensors(tmp_path, change, says):
    text = refused(changed(tmp_path, change))
    assert all(words in text for words in says), text


def test_keys_that_are_not_needed_are_listed(tmp_path):
    path = changed(tmp_path, lambda s: s.update({"layer9.7.surprise": torch.ones(3)}))
    unused = load(path).network.provenance.unused
    assert unused[0].startswith("layer9.7.surprise")
    assert "num_batches_tracked" in unused[1]


def test_something_else(tmp_path):
    path = save(tmp_path / "c.pth", {"transformer.wte.weight": torch.zeros(8, 8)})
    text = refused(path)
    assert "transformer.wte.weight" in text
    assert "sew_resnet" in refused(path, arch="sew_resnet18")
