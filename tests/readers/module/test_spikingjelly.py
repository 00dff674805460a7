"""SpikingJelly, the version that is installed: neurons, step modes, wrappers, residual networks; == its own spikes."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from snn2chip.neuron import Reset
from tests.readers.module.live import (
    dyadic,
    equal,
    images,
    imported,
    kinds,
    layers,
    models,
    refused,
)

neuron = imported("spikingjelly.activation_based.neuron")
layer = imported("spikingjelly.activation_based.layer")
functional = imported("spikingjelly.activation_based.functional")


class Block(nn.Module):
    def __init__(self, channels, join, make):
        super().__init__()
        self.conv1 = layer.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = layer.BatchNorm2d(channels)
        self.sn1 = make()
        self.conv2 = layer.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = layer.BatchNorm2d(channels)
        self.sn2 = make()
        self.join = join

    def forward(self, x):
        out = self.sn1(self.bn1(self.conv1(x)))
        return self.join(self.sn2(self.bn2(self.conv2(out))), x)


class Net(nn.Module):
    def __init__(self, join=lambda a, b: a + b, make=neuron.IFNode):
        super().__init__()
        self.stem = nn.Sequential(layer.Conv2d(2, 4, 3, padding=1), layer.BatchNorm2d(4), make())
        self.block1 = Block(4, join, make)
        self.pool = layer.MaxPool2d(2)
        self.block2 = Block(4, join, make)
        self.avg = layer.AdaptiveAvgPool2d((2, 2))
        self.flat = layer.Flatten()
        self.drop = layer.Dropout(0.5)
        self.fc = layer.Linear(16, 5)

    def forward(self, x):
        x = self.block2(self.pool(self.block1(self.stem(x))))
        return self.fc(self.drop(self.flat(self.avg(x))))


def net(mode="m", **more):
    made = dyadic(Net(**more), largest=0.5)
    functional.set_step_mode(made, mode)
    return made


JOINS = {
    "add": (lambda a, b: a + b, ["Add"]),
    "in place": (lambda a, b: a.add_(b), ["Add"]),
    "and": (lambda a, b: a * b, ["And"]),
    "iand": (lambda a, b: b * (1 - a), ["AndNot"]),
    "iand, other way": (lambda a, b: (1.0 - b) * a, ["AndNot"]),
    "neither": (lambda a, b: 1 - (1 - a) * (1 - b), ["Or"]),
}


@pytest.mark.parametrize("join", JOINS)
def test_residual_networks(join):
    function, wanted = JOINS[join]
    found = equal(net(join=function), images(4, 2, 2, 8, 8), 4)
    assert [k for k in kinds(found) if k in ("Add", "And", "AndNot", "Or")] == 2 * wanted
    assert layers(found)["block1#out"] in {("block1.sn2", "stem.2"), ("stem.2", "block1.sn2")}
    assert found.network.readout.layer == "fc"
    assert found.network.provenance.system == "SpikingJelly"


@pytest.mark.parametrize("mode", ["s", "m"])
def test_both_step_modes_are_one_network(mode):
    found = equal(net(mode), images(4, 2, 2, 8, 8), 4, "TNCHW")
    other = equal(net("s" if mode == "m" else "m"), images(4, 2, 2, 8, 8), 4, "TNCHW")
    assert layers(found) == layers(other)


def test_one_image_is_shown_at_every_step():
    found = equal(net("s"), images(3, 2, 8, 8), 4)
    assert found.network.input.kind.value == "static"


def test_a_module_that_repeats_its_image():
    class Repeating(Net):
        def forward(self, x):
            return super().forward(x.unsqueeze(0).repeat(4, 1, 1, 1, 1)).mean(0)

    repeating = dyadic(Repeating(), largest=0.5)
    functional.set_step_mode(repeating, "m")
    found = equal(repeating, images(3, 2, 8, 8), 4)
    assert found.network.readout.mean
    assert found.network.provenance.assumed == (
        "layout NCHW (one image for all steps), because the input has 4 axes",
    )


NEURONS = {
    "if soft": lambda: neuron.IFNode(v_reset=None),
    "if to a value": lambda: neuron.IFNode(v_threshold=1.5, v_reset=0.25),
    "lif": lambda: neuron.LIFNode(tau=2.0),
    "lif, input kept": lambda: neuron.LIFNode(tau=4.0, decay_input=False),
    "lif to a value": lambda: neuron.LIFNode(tau=2.0, v_reset=-0.25),
    "lif soft": lambda: neuron.LIFNode(tau=2.0, v_reset=None, decay_input=False),
    "plif": lambda: neuron.ParametricLIFNode(init_tau=2.0),
}


@pytest.mark.parametrize("kind", NEURONS)
@pytest.mark.parametrize("mode", ["s", "m"])
def test_neurons(kind, mode):
    equal(net(mode, make=NEURONS[kind]), 2 * images(4, 2, 2, 8, 8), 4, "TNCHW")


def test_containers_over_the_steps():
    module = nn.Sequential(
        layer.SeqToANNContainer(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)),
        neuron.IFNode(step_mode="m"),
        layer.MultiStepContainer(nn.Conv2d(4, 4, 3, padding=1), neuron.IFNode()),
        layer.SeqToANNContainer(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 5)),
        neuron.IFNode(step_mode="m"),
    )
    found = equal(dyadic(module, largest=0.25), images(4, 2, 2, 8, 8), 4)
    assert [x.name for x in found.network.layers][:4] == ["0.0", "0.1", "1", "2.0"]


def test_its_own_models_are_read(monkeypatch):
    downloads = ModuleType("torchvision._internally_replaced_utils")
    downloads.load_state_dict_from_url = None  # type: ignore[attr-defined] # pretrained weights are not wanted
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, downloads.__name__, downloads)
    sew = imported("spikingjelly.activation_based.model.sew_resnet")
    made = sew.SEWResNet(
        sew.BasicBlock, [1, 1, 1, 1], num_classes=3, cnf="ADD", spiking_neuron=neuron.IFNode
    )
    functional.set_step_mode(dyadic(made, largest=0.05), "m")
    found = equal(made, images(2, 1, 3, 32, 32), 2, lively=False)
    assert layers(found)["layer2.0#out"] == ("layer2.0.downsample_sn", "layer2.0.sn2")


def test_the_module_stays_as_it_was():
    made = net().train()
    before = {k: v.clone() for k, v in made.state_dict().items()}
    found = equal(made, images(4, 2, 2, 8, 8), 4)
    assert made.training
    assert all(torch.equal(before[k], v) for k, v in made.state_dict().items())
    assert "evaluation mode" in " ".join(found.network.provenance.assumed)


def test_a_module_fresh_from_training_has_graphs_in_its_membranes():
    made = net()
    made(images(4, 2, 2, 8, 8)).sum().backward()
    assert made.stem[2].v.grad_fn is not None
    equal(made, images(4, 2, 2, 8, 8), 4)
    assert made.stem[2].v.grad_fn is not None


def test_runs_forget_what_was_before():
    found = equal(net("s"), images(4, 2, 2, 8, 8), 4, "TNCHW")
    first, second = found.run(found.inputs), found.run(found.inputs)
    assert all(np.array_equal(first[k], second[k]) for k in first)


def test_what_is_no_known_neuron_is_refused():
    line = refused("module-neuron", net(make=neuron.QIFNode), images(4, 2, 2, 8, 8))
    assert "stem.2" in line
    assert "QIFNode" in line

    class Mine(neuron.LIFNode):
        def neuronal_charge(self, x):
            self.v = self.v + x

    line = refused("module-neuron", net("s", make=Mine), images(2, 2, 8, 8))
    assert "Mine changes LIFNode of SpikingJelly (have neuronal_charge)" in line


def test_a_subclass_that_changes_nothing_is_its_base():
    class Mine(neuron.LIFNode):
        def __init__(self):
            super().__init__(tau=2.0, v_reset=None)

    found = equal(net("s", make=Mine), 2 * images(2, 2, 8, 8), 4)
    assert models(found)["stem.2"].reset is Reset.SUBTRACT


def test_a_surrogate_that_gives_no_spikes_is_refused():
    surrogate = imported("spikingjelly.activation_based.surrogate")
    make = lambda: neuron.IFNode(surrogate_function=surrogate.Sigmoid(spiking=False))  # noqa: E731
    assert "spiking=True" in refused("module-neuron", net("s", make=make), images(2, 2, 8, 8))


def test_mixed_step_modes_are_refused():
    made = net("m")
    functional.set_step_mode(made.block1, "s")
    assert "module-" in refused("module-run", made, images(4, 2, 2, 8, 8), layout="TNCHW")
    made = dyadic(
        nn.Sequential(
            nn.Linear(6, 5), neuron.IFNode(step_mode="m"), nn.Linear(5, 5), neuron.IFNode()
        )
    )
    line = refused("module-steps", made, images(4, 2, 6))
    assert "another order of steps and samples" in line
