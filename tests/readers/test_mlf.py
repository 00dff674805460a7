"""Reading MLF networks: the recording, levels and norms, options, and the errors of what does not fit."""

import numpy as np
import pytest
import torch

from snn2chip.network.engine import run
from snn2chip.network.types import BatchNorm, Neuron
from snn2chip.neuron import Compare, Reset
from snn2chip.zoo.mlf import MLFNeurons, MLFResNet
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.readers.checkpoints import dyadic, save
from tests.readers.test_sew_resnet import agree, load, refused

CASE = CASES / "mlf_resnet20_gesture_exact"
HALVES = {"Vth": 0.5, "Vth2": 1.5, "Vth3": 2.5}


def small(blocks=(1, 2), **more):
    neurons = MLFNeurons(thresholds=(0.5, 1.5, 2.5))
    net = dyadic(MLFResNet(blocks, 3, in_channels=1, width=4, neurons=neurons, **more))
    for (
        module
    ) in net.modules():  # eps stands outside the root: it vanishes beside 2^38 only in exact norms
        if isinstance(module, torch.nn.BatchNorm2d) and module.running_var is not None:
            module.running_var.fill_(2.0**76)
            if module.affine:
                module.weight.data.mul_(2.0**18)
    return net


def images():
    g = torch.Generator().manual_seed(1)
    return torch.randint(0, 17, (2, 1, 8, 8), generator=g).float().numpy() / 4


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pth"


def test_the_authors_recording(path):
    casegen.save_checkpoint(CASE, path)
    _, x, _ = casegen.load_case(CASE)
    model = load(str(path), x, layout="NTCHW", options=HALVES)
    assert model.inputs is not None
    assert casegen.compare(CASE, run(model.network, model.inputs).outputs) == []
    assert model.network.provenance.system == "mlf_ds_resnet"


def test_fires_as_the_zoo(path):
    torch.save({"model": small().state_dict(), "epoch": 2}, path)
    model = load(str(path), images(), options=HALVES)
    trace = agree(model)
    assert model.network.steps == 4
    assert {"spike_func", "layer2.execute.0.shortcut.2", "layer2.execute.1#out"} < set(trace)
    assert trace["layer2.execute.1.spike_func@2"].any()
    assert max(s.max() for s in trace.values()) > 1


def test_constants_of_the_authors(path):
    save(path, small().state_dict())
    network = load(str(path), images()).network
    neuron, norm = network.layer("spike_func").op, network.layer("bn1.bn").op
    assert isinstance(neuron, Neuron) and isinstance(norm, BatchNorm)
    assert [float(v.item()) for v in neuron.model.levels] == [0.6, 1.6, 2.6]
    assert neuron.model.compare is Compare.GREATER
    assert (neuron.model.reset, float(neuron.model.decay.item())) == (Reset.ZERO, 0.25)
    assert (norm.factor, norm.eps_outside) == (0.6, True)
    assumed = network.provenance.assumed
    assert all(any(x.startswith(name) for x in assumed) for name in ("Vth", "Vth2", "tau", "T"))


def test_steps_are_named_as_the_authors_name_them(path):
    save(path, small().state_dict())
    assert load(str(path), options={"TimeStep": 6}).network.steps == 6
    assert "disagree" in refused(str(path), options={"TimeStep": 6, "T": 5})


def test_options_that_make_no_sense_are_refused(path):
    save(path, small().state_dict())
    assert "the decay factor itself" in refused(str(path), options={"tau": 2.0})
    assert "alpha" in refused(str(path), options={"alpha": 0.5})
    assert "Vth2" in refused(str(path), options={"Vth4": 3})
    assert "contradicts the shape" in refused(str(path), options={"num_classes": 4})


def test_what_is_missing_is_named(path):
    state = small().state_dict()
    del state["layer2.execute.0.shortcut.1.bn.bias"]
    save(path, state)
    assert "layer2.execute.0.shortcut.1.bn.bias" in refused(str(path))
    state = {k: v for k, v in small().state_dict().items() if "execute.0" not in k}
    save(path, state)
    assert "layer1.execute.0" in refused(str(path))


def test_other_channels_are_refused(path):
    save(path, small().state_dict())
    assert "number of channels" in refused(str(path), x=np.zeros((1, 3, 8, 8)))


@pytest.mark.parametrize("levels", [1, 2])
def test_fewer_levels(path, levels):
    neurons = MLFNeurons(thresholds=(0.5, 1.5)[:levels])
    net = dyadic(MLFResNet((1, 1), 3, in_channels=1, width=4, neurons=neurons))
    save(path, net.state_dict())
    given = dict(list(HALVES.items())[:levels])
    model = load(str(path), images(), options={"levels": levels, **given})
    assert model.zoo is not None
    op, unit = model.network.layer("spike_func").op, model.zoo().get_submodule("spike_func")
    assert isinstance(op, Neuron)
    assert [float(v.item()) for v in op.model.levels] == [0.5, 1.5][:levels]
    assert unit.thresholds == (0.5, 1.5)[:levels]
    assert "1 … 3" in refused(str(path), options={"levels": 4})
