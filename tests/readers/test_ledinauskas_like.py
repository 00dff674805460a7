"""Reading networks after Ledinauskas et al.: how they are recognised, every layout, options, and what does not fit."""

import argparse

import numpy as np
import pytest
import torch

from snn2chip.network.types import Neuron
from snn2chip.neuron import Compare, Reset
from snn2chip.zoo.ledinauskas_like import LedinauskasLike, Neurons
from tests.readers.checkpoints import dyadic
from tests.readers.test_sew_resnet import agree, load, refused

NAME = "ledinauskas-like"


def images(size=8):
    g = torch.Generator().manual_seed(1)
    return torch.randint(0, 17, (2, 1, size, size), generator=g).float().numpy() / 4


def saved(path, args=None, **more):
    """A network of decay 1/2, and its checkpoint with `args`."""
    reset = {"neuron": Neurons(decay=0.5, soft_reset=more.pop("soft", True))}
    net = dyadic(LedinauskasLike((1, 2), 3, width=4, T=4, in_channels=1, **reset, **more))
    held = {"arch": NAME, "T": 4, "decay": 0.5, **(args or {})}
    torch.save({"model": net.state_dict(), "args": argparse.Namespace(**held)}, path)
    return net


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pth"


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("stem", [{}, {"stem_stride": 2}, {"stem_pool": True}])
def test_every_layout_fires_as_the_zoo(path, bottleneck, soft, stem):
    args = {"reset": "subtract" if soft else "zero", **stem}
    saved(path, args, bottleneck=bottleneck, soft=soft, **stem)
    model = load(str(path), images())
    trace = agree(model)
    last = "layer2.1.sn3" if bottleneck else "layer2.1.sn2"
    assert trace[last].any()
    assert not trace[last].all()
    assert model.network.provenance.system == NAME
    assert ("bottleneck" in model.network.provenance.arch) is bottleneck


def test_neurons_and_what_is_assumed(path):
    net = saved(path)
    torch.save(net.state_dict(), path)  # without args, the keys are those of any ResNet
    assert NAME in refused(str(path)) or "--arch" in refused(str(path))
    network = load(str(path), images(), arch=NAME).network
    op = network.layer("sn1").op
    assert isinstance(op, Neuron)
    assert (op.model.threshold.item(), op.model.decay.item()) == (1.0, 0.9)
    assert (op.model.compare, op.model.reset) == (Compare.GREATER, Reset.SUBTRACT)
    assumed = " ".join(network.provenance.assumed)
    for said in ("T = 10", "decay = 0.9", "threshold = 1.0", "reset = subtract", "stem_stride = 1"):
        assert said in assumed


def test_options(path):
    saved(path)
    assert "contradicts the file's args" in refused(str(path), options={"decay": 0.25})
    assert "contradicts the shape" in refused(str(path), options={"num_classes": 4})
    assert "no option" in refused(str(path), options={"leak": 1})
    saved(path, {"decay": 1.5})
    assert "0 … 1" in refused(str(path))
    saved(path, {"reset": "none"})
    assert "subtract | zero" in refused(str(path))


def test_what_does_not_fit_is_named(path):
    net = saved(path)
    held = argparse.Namespace(arch=NAME, stem_pool=True)
    torch.save({"model": net.state_dict(), "args": held}, path)
    assert "even numbers" in refused(str(path), x=np.zeros((1, 1, 7, 8)))
    state = net.state_dict()
    del state["layer2.0.downsample.1.bias"]
    torch.save({"model": state, "args": argparse.Namespace(arch=NAME)}, path)
    assert "layer2.0.downsample.1.bias" in refused(str(path))
    gone = {k: v for k, v in net.state_dict().items() if not k.startswith("layer2.0")}
    torch.save({"model": gone, "args": argparse.Namespace(arch=NAME)}, path)
    assert "layer2.0.*: is missing" in refused(str(path))
    torch.save({"model": {"fc.weight": torch.zeros(2, 2)}, "args": held}, path)
    assert "no keys of" in refused(str(path))
