"""snnTorch: membranes passed on or inside, loops over the steps, all resets; == its own spikes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import snn2chip
from snn2chip.errors import StatementError
from snn2chip.readers.module import snntorch as reader
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

snn = imported("snntorch")


class Looped(nn.Module):
    def __init__(self, **more):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1)
        self.lif1 = snn.Leaky(0.5, **more)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.lif2 = snn.Leaky(0.75, threshold=1.5, **more)
        self.fc = nn.Linear(64, 5)
        self.lif3 = snn.Leaky(0.5, **more)

    def forward(self, x):
        mem1, mem2, mem3 = self.lif1.init_leaky(), self.lif2.init_leaky(), self.lif3.init_leaky()
        spikes, membranes = [], []
        for step in range(x.size(0)):
            first, mem1 = self.lif1(self.conv1(x[step]), mem1)
            second, mem2 = self.lif2(self.conv2(first), mem2)
            out, mem3 = self.lif3(self.fc(F.avg_pool2d(second + first, 2).flatten(1)), mem3)
            spikes.append(out)
            membranes.append(mem3)
        return torch.stack(spikes), torch.stack(membranes)


RESETS = {
    "subtract": {},
    "zero": {"reset_mechanism": "zero"},
    "none": {"reset_mechanism": "none"},
    "zero at once": {"reset_mechanism": "zero", "reset_delay": False},
}


@pytest.mark.parametrize("kind", RESETS)
def test_loops_over_the_steps(kind):
    found = equal(dyadic(Looped(**RESETS[kind])), images(8, 3, 2, 8, 8), 8, lively=False)
    assert layers(found)["out"] == ("lif2", "lif1")
    assert found.network.steps == 8
    assert kinds(found).count("Neuron") == 3


def test_every_layer_is_exercised():
    equal(dyadic(Looped()), images(8, 3, 2, 8, 8), 8)


def test_a_late_reset_that_is_read_as_one_of_the_same_step_is_seen(monkeypatch):
    """The mutation: rung 0 names the first spike that differs."""
    monkeypatch.setattr(reader, "_late", lambda m, reset: False)
    with pytest.raises(StatementError) as caught:
        snn2chip.read(dyadic(Looped()), images(8, 3, 2, 8, 8), steps=8)
    assert caught.value.finding.code == "module-spikes"
    assert "first lif1, step 1" in str(caught.value)


def test_a_reset_in_the_same_step_is_assumed_to_be_enough():
    found = equal(
        dyadic(Looped(reset_delay=False), largest=0.125), images(8, 3, 2, 8, 8), 8, lively=False
    )
    assert "above its threshold after a reset" in " ".join(found.network.provenance.assumed)


def test_membranes_inside():
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        snn.Leaky(0.5, init_hidden=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 5),
        snn.Leaky(0.5, init_hidden=True, output=True),
    )
    for example in (images(3, 2, 8, 8), images(8, 3, 2, 8, 8)):
        found = equal(dyadic(module), example, 8)
        assert found.run.feed.looped


def test_membranes_that_the_neurons_keep_though_forward_gives_none():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif = nn.Linear(6, 4), snn.Leaky(0.5)

        def forward(self, x):
            return self.lif(self.fc(x))[0]

    equal(dyadic(Plain(), seed=1), 2 * images(3, 6), 8)


def test_one_image_and_an_accumulated_answer():
    class Counting(nn.Module):
        def __init__(self, steps):
            super().__init__()
            self.fc, self.lif, self.steps = nn.Linear(6, 4), snn.Leaky(0.5), steps

        def forward(self, x):
            mem = self.lif.reset_mem()
            current = self.fc(x)
            total = torch.zeros_like(current)
            for _ in range(self.steps):
                spikes, mem = self.lif(current, mem)
                total = total + spikes
            return total / self.steps

    found = equal(dyadic(Counting(8), seed=1), 2 * images(3, 6), 8)
    assert found.network.readout.mean
    assert kinds(found) == ["Linear", "Neuron"]
    line = refused("module-shared", Counting(3), images(3, 6), steps=8)
    assert "3 calls" in line
    assert "a loop over the steps must run T times" in line


def test_parameters_of_single_neurons():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 4)
            beta = torch.tensor([-0.5, 0.5, 0.75, 1.5])  # clamped to 0 and 1
            self.lif = snn.Leaky(
                beta,
                threshold=torch.tensor([0.5, 1.0, 1.5, 2.0]),
                learn_beta=True,
                init_hidden=True,
            )

        def forward(self, x):
            return self.lif(self.fc(x))

    found = equal(dyadic(Own()), 2 * images(5, 6), 8, lively=False)
    assert models(found)["lif"].decay.ravel().tolist() == [0.0, 0.5, 0.75, 1.0]


REFUSED = {
    "state_quant": {"state_quant": lambda x: x.round()},
    "graded_spikes_factor": {"graded_spikes_factor": 2.0},
    "below 0": {"threshold": -1.0, "reset_mechanism": "zero"},
}


@pytest.mark.parametrize("what", REFUSED)
def test_parameters_that_no_model_has(what):
    module = nn.Sequential(nn.Linear(6, 4), snn.Leaky(0.5, init_hidden=True, **REFUSED[what]))
    assert what in refused("module-neuron", module, images(3, 6))


def test_a_current_of_its_own_is_refused():
    module = nn.Sequential(nn.Linear(6, 4), snn.Synaptic(0.5, 0.5, init_hidden=True))
    assert "Synaptic" in refused("module-neuron", module, images(3, 6))


def test_membranes_as_values_and_foreign_states_are_refused():
    class Membrane(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif, self.out = nn.Linear(6, 4), snn.Leaky(0.5), nn.Linear(4, 2)

        def forward(self, x):
            return self.out(self.lif(self.fc(x))[1])

    assert "the membrane of lif is used as a value" in refused(
        "module-state", Membrane(), images(3, 6)
    )

    class Mixed(Looped):
        def forward(self, x):  # pyright: ignore[reportIncompatibleMethodOverride]
            mem1 = second = None
            for step in range(x.size(0)):
                first, mem1 = self.lif1(self.conv1(x[step]), mem1)
                second, _ = self.lif2(self.conv2(first), mem1)
            return second

    line = refused("module-state", Mixed(), images(4, 3, 2, 8, 8))
    assert line.startswith("error[module-state] lif2 (test_snntorch.py:")
