"""norse: cells with their state passed on, layers over all steps, residual blocks; == its own spikes."""

import pytest
import torch
from torch import nn

from tests.readers.module.live import dyadic, equal, images, imported, layers, refused

nt = imported("norse.torch")
reset = imported("norse.torch.functional.reset")


def box(**more):
    return nt.LIFBoxParameters(tau_mem_inv=torch.tensor(0.5), **more)


class Block(nn.Module):
    def __init__(self, channels, cell):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.sn1 = cell()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.sn2 = cell()

    def forward(self, x, state=None):
        s1, s2 = state if state is not None else (None, None)
        y, s1 = self.sn1(self.conv1(x), s1)
        y, s2 = self.sn2(self.conv2(y), s2)
        return y + x, (s1, s2)


def cell(**more):
    return lambda: nt.LIFBoxCell(box(**more), dt=1.0)


def net(make=None):
    make = make or cell()
    return dyadic(
        nt.SequentialState(
            nn.Conv2d(2, 4, 3, padding=1),
            make(),
            Block(4, make),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(64, 5),
            make(),
        )
    )


CELLS = {
    "box": cell(),
    "box, subtract": cell(reset_method=reset.reset_subtract),
    "box, rest elsewhere": cell(v_leak=torch.tensor(0.25), v_reset=torch.tensor(-0.25)),
    "box, threshold": cell(v_th=torch.tensor(0.5)),
    "iaf": lambda: nt.IAFCell(nt.IAFParameters(v_th=torch.tensor(2.0))),
    "lif whose current lasts one step": lambda: nt.LIFCell(
        nt.LIFParameters(tau_mem_inv=torch.tensor(0.5), tau_syn_inv=torch.tensor(1.0)), dt=1.0
    ),
}


@pytest.mark.parametrize("kind", CELLS)
def test_cells(kind):
    found = equal(net(CELLS[kind]), 2 * images(3, 2, 8, 8), 8, lively=False)
    assert found.run.feed.threads
    assert layers(found)["2#out"] == ("2.sn2", "1")
    assert found.network.provenance.system == "norse"


def test_every_layer_is_exercised():
    equal(net(), 4 * images(8, 3, 2, 8, 8), 8)


def test_lifted_over_the_steps_is_the_same_network():
    one = equal(net(), 4 * images(8, 3, 2, 8, 8), 8)
    lifted = equal(nt.Lift(net()), 4 * images(8, 3, 2, 8, 8), 8)
    renamed = {
        k.removeprefix("lifted_module."): tuple(x.removeprefix("lifted_module.") for x in v)
        for k, v in layers(lifted).items()
    }
    assert renamed == layers(one)


def test_layers_over_all_steps():
    class Over(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(6, 9), nn.Linear(9, 4)
            p = nt.LIFParameters(tau_mem_inv=torch.tensor(0.5), tau_syn_inv=torch.tensor(1.0))
            self.lif1, self.lif2 = nt.LIF(p, dt=1.0), nt.IAF()

        def forward(self, x):
            x, _ = self.lif1(self.fc1(x))
            x, _ = self.lif2(self.fc2(x))
            return x.sum(0)

    found = equal(dyadic(Over()), 4 * images(8, 3, 6), 8, lively=False)
    assert not found.network.readout.mean


def test_a_current_that_decays_is_refused():
    p = nt.LIFParameters(tau_mem_inv=torch.tensor(0.5), tau_syn_inv=torch.tensor(0.25))
    line = refused("module-neuron", net(lambda: nt.LIFCell(p, dt=1.0)), images(3, 2, 8, 8))
    assert "have 0.75 of it is kept in a step; need dt · tau_syn_inv = 1" in line


def test_readouts_that_give_membranes_are_refused():
    line = refused("module-neuron", net(lambda: nt.LICell()), images(3, 2, 8, 8))
    assert "LICell" in line


def test_a_state_that_is_not_passed_on_is_refused():
    class Forgetful(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif = nn.Linear(6, 4), nt.LIFBoxCell(box(), dt=1.0)

        def forward(self, x):
            return self.lif(self.fc(x))[0]

    line = refused("module-state", Forgetful(), images(3, 6))
    assert "forward(self, x, state=None)" in line

    class Looped(Forgetful):
        def forward(self, x):
            return torch.stack([self.lif(self.fc(frame))[0] for frame in x])

    line = refused("module-state", Looped(), images(4, 3, 6))
    assert "test_norse.py" in line
