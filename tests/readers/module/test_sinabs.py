"""sinabs: several spikes in a step, floors, squeezed layers, its pools and merges; == its own spikes."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from snn2chip.network.engine import run
from tests.readers.module.live import dyadic, equal, images, imported, kinds, layers, refused

sl = imported("sinabs.layers")
sina = imported("sinabs.activation")


class Squeezed(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1)
        self.spike1 = make()
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.spike2 = make()
        self.merge = sl.Merge()
        self.pool = sl.SumPool2d(2)
        self.flat = nn.Flatten()
        self.fc = nn.Linear(64, 5)
        self.spike3 = make()

    def forward(self, x):
        first = self.spike1(self.conv1(x))
        second = self.spike2(self.conv2(first))
        return self.spike3(self.fc(self.flat(self.pool(self.merge(first, second)))))


HALF = 1 / math.log(2)  # exp(-1 / HALF) is a half in float32

MAKERS = {
    "iaf": lambda: sl.IAFSqueeze(batch_size=3),
    "iaf, floor": lambda: sl.IAFSqueeze(batch_size=3, min_v_mem=-0.5),
    "iaf, single": lambda: sl.IAFSqueeze(batch_size=3, spike_fn=sina.SingleSpike),
    "iaf, to 0": lambda: sl.IAFSqueeze(num_timesteps=4, reset_fn=sina.MembraneReset()),
    "lif": lambda: sl.LIFSqueeze(tau_mem=HALF, batch_size=3),
    "lif, input kept": lambda: sl.LIFSqueeze(tau_mem=HALF, norm_input=False, batch_size=3),
    "lif, threshold": lambda: sl.LIFSqueeze(
        tau_mem=HALF, spike_threshold=torch.tensor(0.5), batch_size=3
    ),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_squeezed(kind):
    found = equal(dyadic(Squeezed(MAKERS[kind])), images(12, 2, 8, 8), 4, "NT-CHW", lively=False)
    assert layers(found)["merge#out"] == ("spike1", "spike2")
    assert "SumPool2d" in kinds(found)


def test_several_spikes_in_a_step():
    found = equal(dyadic(Squeezed(MAKERS["iaf"])), images(12, 2, 8, 8), 4, "NT-CHW")
    assert found.run(found.inputs)["spike1"].max() > 1


def test_samples_first():
    module = nn.Sequential(nn.Linear(6, 8), sl.IAF(), nn.Linear(8, 4), sl.LIF(tau_mem=HALF))
    found = equal(dyadic(module), 2 * images(3, 8, 6), 8, "NTCHW")
    assert found.inputs.values.shape == (8, 3, 6, 1, 1)


def test_another_batch_runs_where_the_module_has_one_of_its_own():
    found = equal(dyadic(Squeezed(MAKERS["iaf"])), images(12, 2, 8, 8), 4, "NT-CHW")
    part = found.inputs.__class__(kind=found.inputs.kind, values=found.inputs.values[:, :2])
    ours, theirs = run(found.network, part).outputs, found.run(part)
    assert all(np.array_equal(ours[k].reshape(v.shape), v) for k, v in theirs.items())


REFUSED = {
    "decays on its own": lambda: sl.LIFSqueeze(tau_mem=HALF, tau_syn=HALF, batch_size=3),
    "MaxSpike": lambda: sl.IAFSqueeze(batch_size=3, spike_fn=sina.MaxSpike(2)),
    "reset_fn": lambda: sl.IAFSqueeze(batch_size=3, reset_fn=sina.MembraneSubtract(0.5)),
    "ExpLeakSqueeze": lambda: sl.ExpLeakSqueeze(tau_mem=HALF, batch_size=3),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_model_has_is_refused(what):
    line = refused("module-neuron", Squeezed(REFUSED[what]), images(12, 2, 8, 8), layout="NT-CHW")
    assert what in line
