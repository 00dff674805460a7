"""What cannot be kept is refused: one line with the code, the submodule and the line of the user's code."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.module.read import read_module
from tests.readers.module.live import dyadic, equal, images, imported, refused

neuron = imported("spikingjelly.activation_based.neuron")


class Net(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.fc1, self.sn1 = nn.Linear(6, 6), neuron.IFNode()
        self.fc2, self.sn2 = nn.Linear(6, 6), neuron.IFNode()
        self.gelu = nn.GELU()
        self.table = nn.Parameter(torch.arange(4) / 8)
        self.body = body

    def forward(self, x):
        return self.body(self, self.sn1(self.fc1(x)))


def branch(s, x):
    if x.sum() > 0:
        return s.sn2(s.fc2(x))
    return x


def loop(s, x):
    while (x > 0).any():
        x = s.fc2(x)
    return s.sn2(x)


def part(s, x):
    out = torch.zeros(3, 6)
    out[0] = x[0]
    return s.sn2(s.fc2(out))


def part_of_a_value(s, x):
    x[:, 0] = 1.0
    return s.sn2(s.fc2(x))


BODIES = {
    "if": ("module-control-flow", branch, "depends on the value of a tensor"),
    "while": ("module-control-flow", loop, "depends on the value of a tensor"),
    "item": ("module-control-flow", lambda s, x: s.sn2(x * x.max().item()), "number of Python"),
    "float": ("module-control-flow", lambda s, x: s.sn2(x * float(x.sum())), "number of Python"),
    "numpy": ("module-control-flow", lambda s, x: s.sn2(x + x.numpy().mean()), "number of Python"),
    "range": ("module-control-flow", lambda s, x: [s.fc2(x) for _ in range(x.sum())], "number"),
    "relu": ("module-function", lambda s, x: s.sn2(torch.relu(s.fc2(x))), "relu is not understood"),
    "cat": ("module-function", lambda s, x: s.sn2(torch.cat([x, x])), "cat is not understood"),
    "compare": ("module-function", lambda s, x: s.sn2((x > 0).float()), "gt is not understood"),
    "matmul": ("module-function", lambda s, x: s.sn2(x @ x.T), "is not understood"),
    "softmax": ("module-function", lambda s, x: F.softmax(s.fc2(x), 1), "softmax is not"),
    "gelu": ("module-unsupported", lambda s, x: s.sn2(s.gelu(x)), "the kind GELU"),
    "slice": ("module-function", lambda s, x: s.sn2(x[:, :3]), "takes a part of a tensor"),
    "sum of all": ("module-function", lambda s, x: s.sn2(x * x.sum()), "over all axes"),
    "max": ("module-function", lambda s, x: s.sn2(x.amax(1)), "amax is not understood"),
    "quotient": ("module-function", lambda s, x: s.sn2(1 / x), "a division by a number"),
    "cancels": ("module-function", lambda s, x: s.sn2(x - x), "this sum cancels"),
    "product of currents": ("module-product", lambda s, x: s.sn2(s.fc2(x) * x), "not spikes"),
    "product of counts": ("module-product", lambda s, x: s.sn2((x + x) * x), "sn1#scaled"),
    "transposed": ("module-shape", lambda s, x: s.sn2(x.transpose(0, 1)), "moves other axes"),
    "another map": ("module-shape", lambda s, x: s.sn2(x.view(-1, 2, 3)), "this view"),
    "mean of features": ("module-function", lambda s, x: s.sn2(x.mean(1)), "over axes"),
    "dropout": ("module-training", lambda s, x: s.sn2(F.dropout(x)), "self.training"),
    "norm": (
        "module-training",
        lambda s, x: s.sn2(F.batch_norm(x, None, None, training=True)),
        "b",
    ),
    "set": ("module-write", part, "writes into a part"),
    "set of a value": ("module-write", part_of_a_value, "writes into a part"),
    "unregistered": ("module-unregistered", lambda s, x: nn.Linear(6, 6)(x), "no part of"),
    "shared neuron": ("module-shared", lambda s, x: s.sn1(s.fc2(x)), "2 calls"),
    "samples": ("module-constant", lambda s, x: s.sn2(x + torch.rand(3, 6)), "for each sample"),
    "text": ("module-run", lambda s, x: s.sn2(x + "1"), "own forward fails"),
    "two answers": ("module-readout", lambda s, x: (x, s.sn2(s.fc2(x))), "2 tensors"),
    "no answer": ("module-readout", lambda s, x: None, "0 tensors"),
    "own error": ("module-run", lambda s, x: s.fc2(x[:, :2]), "own forward fails"),
}


@pytest.mark.parametrize("what", BODIES)
def test_refused(what):
    code, body, words = BODIES[what]
    line = refused(code, Net(body), images(3, 6))
    assert words in line


@pytest.mark.parametrize("what", ["if", "relu", "gelu", "set of a value", "own error"])
def test_the_line_is_the_users(what):
    _, body, _ = BODIES[what]
    first = inspect.getsourcelines(body)[1]
    line = refused(BODIES[what][0], Net(body), images(3, 6))
    number = int(line.split("test_refusals.py:")[1].split(")")[0])
    assert first <= number <= first + 4


def test_a_submodule_is_named():
    class Inner(nn.Module):
        def forward(self, x):
            return torch.tanh(x)

    module = Net(lambda s, x: s.inner(x))
    module.inner = Inner()
    line = refused("module-function", module, images(3, 6))
    assert line.startswith("error[module-function] inner (test_refusals.py:")


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_layers_that_no_network_has():
    for layer, words in (
        (nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"), "padding_mode 'circular'"),
        (nn.Conv2d(2, 2, 4, padding="same"), "an even kernel"),
        (nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), "count_include_pad"),
        (nn.AvgPool2d(2, divisor_override=3), "divisor_override"),
        (nn.AvgPool2d(3, ceil_mode=True), "ceil_mode"),
        (nn.MaxPool2d(2, dilation=2), "dilation"),
        (nn.AdaptiveAvgPool2d(3), "windows of different sizes"),
        (nn.LPPool2d(2, 2), "only power 1"),
        (nn.BatchNorm2d(2, track_running_stats=False), "no running statistics"),
        (nn.Upsample(scale_factor=2), "the kind Upsample"),
    ):
        module = nn.Sequential(layer, neuron.IFNode())
        assert words in refused("module-unsupported", module, images(3, 2, 8, 8))


def test_a_linear_layer_on_the_rows_of_a_map():
    module = nn.Sequential(nn.Linear(8, 4), neuron.IFNode())
    line = refused("module-shape", module, images(3, 2, 8, 8))
    assert "flatten the map first" in line


def test_a_write_that_another_view_shares():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.sn1, self.fc, self.sn2 = neuron.IFNode(), nn.Linear(8, 8), neuron.IFNode()

        def forward(self, x):
            spikes = self.sn1(x)
            flat = spikes.flatten(1)
            spikes += 1
            return self.sn2(self.fc(flat))

    assert "another view shares" in refused("module-write", Shared(), images(3, 2, 2, 2))


def test_steps_that_differ():
    class Delayed(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.sn1 = nn.Linear(6, 6), neuron.IFNode()
            self.fc2, self.sn2 = nn.Linear(6, 6), neuron.IFNode()

        def forward(self, x):
            before, out = None, []
            for frame in x:
                spikes = self.sn1(self.fc1(frame))
                spikes = spikes if before is None else spikes + before
                before = spikes
                out.append(self.sn2(self.fc2(spikes)))
            return torch.stack(out)

    assert "different steps" in refused("module-loop", Delayed(), images(4, 3, 6))

    class Late(Delayed):
        def forward(self, x):
            out = [self.sn2(self.fc2(self.sn1(self.fc1(f)))) for f in x]
            return out[-1]

    assert "what one step of the loop gives" in refused("module-readout", Late(), images(4, 3, 6))


def test_the_example():
    net = Net(lambda s, x: s.sn2(s.fc2(x)))
    for bad in ("text", np.full((3, 6), np.nan), np.zeros((0, 6)), {"x": 1}):
        refused("module-example", net, bad)
    assert "--steps" not in refused("option-value", net, images(3, 6), steps=0)
    refused("layout-unknown", net, images(3, 6), layout="CHWN")
    refused("input-steps", net, images(4, 3, 6), steps=5)


def test_no_neurons():
    line = refused("module-neurons", nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 2)), images(3, 6))
    assert "SpikingJelly, norse, snnTorch or sinabs" in line


def test_dropout_modules_and_training_are_no_hindrance():
    module = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.9), neuron.IFNode())
    found = equal(dyadic(module).train(), 2 * images(3, 6), 4, lively=False)
    assert [type(x.op).__name__ for x in found.network.layers] == ["Linear", "Neuron"]
    assert any("evaluation mode" in x for x in found.network.provenance.assumed)


def test_errors_are_ours_and_no_file_of_ours_is_named():
    with pytest.raises(Snn2ChipError) as caught:
        read_module(Net(branch), images(3, 6), 4, None)
    assert Path(__file__).name in str(caught.value)
    assert "tracer.py" not in str(caught.value)
