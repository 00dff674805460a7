"""Groups, widths and dilations of torchvision's Bottleneck (ResNeXt, wide ResNet), in both spiking families."""

from typing import Any

import numpy as np
import pytest

from snn2chip.model import ModelRequest
from snn2chip.network.types import Conv2d
from snn2chip.options import BuildOptions
from snn2chip.pipeline import deploy
from snn2chip.zoo import sew_resnet, spiking_resnet
from snn2chip.zoo.trunk import Inner
from tests.readers.checkpoints import SMALL_TRUNK, dyadic, images, respelt, save
from tests.readers.test_sew_resnet import agree, load, refused

ARGS = {"T": 2, "stem_stride": 1, "stem_pool": False, "connect_f": "ADD"}
INNERS = {"resnext": Inner(groups=2, width_per_group=32), "wide": Inner(width_per_group=128)}


def build(family, inner, dilate=None):
    trunk: dict[str, Any] = {**SMALL_TRUNK, "T": 2, "inner": inner, "dilate": dilate}
    if family == "sew":
        return dyadic(sew_resnet.SEWResNet(sew_resnet.Bottleneck, (1, 2), "ADD", **trunk))
    return dyadic(spiking_resnet.SpikingResNet(spiking_resnet.Bottleneck, (1, 2), **trunk))


def conv2(model, block):
    found = next(x.op for x in model.network.layers if x.name.startswith(f"{block}.conv2"))
    assert isinstance(found, Conv2d)
    return found


@pytest.mark.parametrize("inner", INNERS.values(), ids=INNERS)
@pytest.mark.parametrize("family", ["sew", "plain"])
def test_shapes_tell_groups_and_widths(tmp_path, family, inner):
    args = ARGS if family == "sew" else {k: v for k, v in ARGS.items() if k != "connect_f"}
    path = save(tmp_path / "c.pth", build(family, inner).state_dict(), args)
    said = {"groups": inner.groups, "width_per_group": inner.width_per_group}
    model = load(path, images().numpy(), options=said)
    assert conv2(model, "layer2.1").groups == inner.groups
    trace = agree(model)
    assert 0 < trace["layer2.1.sn2"].mean() < 1


@pytest.mark.parametrize("family", ["sew", "plain"])
def test_a_dilated_stage_keeps_its_map(tmp_path, family):
    net = build(family, Inner(), dilate=(False, True))
    args = ARGS if family == "sew" else {k: v for k, v in ARGS.items() if k != "connect_f"}
    path = save(tmp_path / "c.pth", net.state_dict(), args)
    model = load(path, images().numpy(), options={"replace_stride_with_dilation": [True]})
    assert conv2(model, "layer2.0").dilation == (1, 1)
    assert conv2(model, "layer2.1").dilation == (2, 2)
    trace = agree(model)
    assert trace["layer2.1.sn3"].shape[-2:] == (8, 8)


def test_spikingjelly_keys_of_a_resnext(tmp_path):
    state = respelt(build("sew", INNERS["resnext"]).state_dict(), "spikingjelly")
    path = save(tmp_path / "c.pth", state, ARGS)
    model = load(path, images().numpy(), arch="sew_resnet", options={"spiking_neuron": "IFNode"})
    assert conv2(model, "layer1.0").groups == 2
    agree(model)


def test_a_resnext_and_a_dilated_network_reach_the_chip(tmp_path):
    np.save(tmp_path / "x.npy", images().numpy())
    for name, net, options in (
        ("resnext", build("sew", INNERS["resnext"]), {}),
        ("dilated", build("sew", Inner(), (False, True)), {"replace_stride_with_dilation": [True]}),
    ):
        path = save(tmp_path / f"{name}.pth", net.state_dict(), ARGS)
        model = ModelRequest(path=path, input_path=str(tmp_path / "x.npy"), options=options)
        result = deploy(BuildOptions(model=model), tmp_path / name)
        assert result.verdict.passed, name


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"groups": 4}, ["groups", "conv2", "4", "2"]),
        ({"width_per_group": 64}, ["width_per_group", "64", "32"]),
        ({"replace_stride_with_dilation": [True, False]}, ["2 values", "2 stages"]),
        ({"replace_stride_with_dilation": ["maybe"]}, ["maybe", "true | false"]),
        ({"init_tau": 0}, ["init_tau = 0"]),
    ],
)
def test_wrong_options(tmp_path, options, says):
    path = save(tmp_path / "c.pth", build("sew", INNERS["resnext"]).state_dict(), ARGS)
    text = refused(path, options=options)
    assert all(words in text for words in says), text


def test_basic_blocks_have_no_dilation(tmp_path):
    net = dyadic(sew_resnet.small_sew_resnet(1, 3, width=4, blocks=(1, 1)))
    path = save(tmp_path / "c.pth", net.state_dict(), ARGS)
    says = refused(path, options={"replace_stride_with_dilation": [True]})
    assert "Bottleneck" in says


def test_what_only_training_uses_is_said(tmp_path):
    net = dyadic(sew_resnet.small_sew_resnet(1, 3, width=4, blocks=(1, 1)))
    path = save(tmp_path / "c.pth", net.state_dict(), ARGS)
    model = load(path, options={"surrogate": "ATan", "slope": 2.0, "init_tau": 2.0})
    said = [line for line in model.network.provenance.assumed if "only matters" in line]
    assert [line.split()[0] for line in said] == ["init_tau", "surrogate", "slope"]
