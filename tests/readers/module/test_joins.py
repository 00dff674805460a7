"""Sums, products and constants in forward, and layers used twice: kept as they are, == the module's own spikes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snn2chip.network.types import Bias, Linear, Scale
from tests.readers.module.live import dyadic, equal, images, imported, kinds, layers

neuron = imported("spikingjelly.activation_based.neuron")


class Net(nn.Module):
    """Two layers of spikes a and b from one input, joined before a third."""

    def __init__(self, join):
        super().__init__()
        self.conv1, self.sn1 = nn.Conv2d(2, 4, 3, padding=1), neuron.IFNode()
        self.conv2, self.sn2 = nn.Conv2d(4, 4, 3, padding=1), neuron.IFNode()
        self.conv3, self.sn3 = nn.Conv2d(4, 4, 3, padding=1), neuron.IFNode()
        self.shift = nn.Parameter(torch.tensor([0.5, -0.25, 0.0, 1.0]).reshape(4, 1, 1))
        self.join = join

    def forward(self, x):
        a = self.sn1(self.conv1(x))
        b = self.sn2(self.conv2(a))
        return self.sn3(self.conv3(self.join(self, a, b)))


def in_place(self, a, b):
    b += a
    return b


def written(self, a, b):
    """What a is after the write counts, wherever a is used."""
    b.add_(a)
    return b + a


def kept_under_another_name(self, a, b):
    same = b
    b += a
    return same


JOINS = {
    "a + b": lambda s, a, b: a + b,
    "+=": in_place,
    "add_": written,
    "another name": kept_under_another_name,
    "a + a": lambda s, a, b: a + a,
    "a + b + a": lambda s, a, b: a + b + a,
    "torch.add": lambda s, a, b: torch.add(a, b),
    "alpha": lambda s, a, b: torch.add(a, b, alpha=2),
    "add, alpha": lambda s, a, b: a.add(b, alpha=0.5),
    "difference": lambda s, a, b: a - b,
    "torch.sub": lambda s, a, b: torch.sub(a, b, alpha=2),
    "sum": lambda s, a, b: sum([a, b, a]),
    "stack and sum": lambda s, a, b: torch.stack([a, b]).sum(0),
    "stack and mean": lambda s, a, b: torch.mean(torch.stack([a, b], dim=1), dim=1),
    "factor": lambda s, a, b: 2 * a + b * 0.5,
    "divided": lambda s, a, b: (a + b) / 2,
    "negative": lambda s, a, b: a + -b,
    "constant": lambda s, a, b: a + 0.5,
    "constant first": lambda s, a, b: 1.5 - a,
    "parameter": lambda s, a, b: a + s.shift,
    "parameter times": lambda s, a, b: a * s.shift + b,
    "ones": lambda s, a, b: torch.ones_like(a) - a,
    "and": lambda s, a, b: a * b,
    "torch.mul": lambda s, a, b: torch.mul(a, b),
    "iand": lambda s, a, b: a * (1 - b),
    "iand of ones": lambda s, a, b: (torch.ones_like(b) - b) * a,
    "or": lambda s, a, b: a + b - a * b,
    "three": lambda s, a, b: a * b * a,
    "identity": lambda s, a, b: a.detach().clone().contiguous() + b.float(),
}


@pytest.mark.parametrize("join", JOINS)
def test_joins(join):
    equal(dyadic(Net(JOINS[join])), images(4, 3, 2, 6, 6), 4, lively=False)


def test_a_join_is_called_after_the_module_that_joins():
    found = equal(dyadic(Net(JOINS["a + b"])), images(4, 3, 2, 6, 6), 4)
    assert layers(found)["out"] == ("sn1", "sn2")
    assert layers(found)["conv3"] == ("out",)


def test_twice_the_same_is_a_factor():
    found = equal(dyadic(Net(JOINS["a + a"])), images(4, 3, 2, 6, 6), 4, lively=False)
    scale = next(x.op for x in found.network.layers if isinstance(x.op, Scale))
    assert scale.scale.tolist() == [[[2.0]]]
    assert "sn2" not in layers(found)
    assert "sn2 (its output does not reach the answer)" in found.network.provenance.unused


def test_what_a_tensor_is_after_a_write_counts():
    found = equal(dyadic(Net(written)), images(4, 3, 2, 6, 6), 4, lively=False)
    assert layers(found)["out"] == ("sn2", "sn1#scaled")


def test_a_constant_is_added_to_every_neuron():
    found = equal(dyadic(Net(JOINS["parameter"])), images(4, 3, 2, 6, 6), 4, lively=False)
    bias = next(x.op for x in found.network.layers if isinstance(x.op, Bias))
    assert bias.bias.ravel().tolist() == [0.5, -0.25, 0.0, 1.0]


class Vectors(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.fc1, self.sn1 = nn.Linear(6, 6), neuron.IFNode()
        self.fc2, self.sn2 = nn.Linear(6, 6), neuron.IFNode()
        self.bn = nn.BatchNorm1d(6)
        self.table = nn.Parameter(torch.arange(6) / 8)
        self.body = forward

    def forward(self, x):
        return self.body(self, x)


BODIES = {
    "a layer twice": lambda s, x: s.sn2(s.fc1(s.sn1(s.fc1(x)))),
    "a norm twice": lambda s, x: s.sn2(s.bn(s.fc2(s.sn1(s.bn(s.fc1(x)))))),
    "a constant vector": lambda s, x: s.sn2(s.fc2(s.sn1(s.fc1(x) + s.table))),
    "functions": lambda s, x: s.sn2(F.linear(s.sn1(F.linear(x, s.fc1.weight)), s.fc2.weight)),
    "dropout": lambda s, x: s.sn2(F.dropout(s.fc2(s.sn1(s.fc1(x))), 0.5, s.training)),
    "keywords": lambda s, x: s.sn2(torch.add(input=s.fc2(s.sn1(s.fc1(x))), other=s.fc1(x))),
    "a plain shortcut": lambda s, x: s.sn2(s.fc2(s.sn1(s.fc1(x))) + s.fc1(x)),
    "shapes": lambda s, x: s.sn2(s.fc2(s.sn1(s.fc1(x)).reshape(x.size(0), -1))),
    "a branch on a shape": lambda s, x: s.sn2(s.fc2(s.sn1(s.fc1(x if x.dim() == 2 else x[0])))),
    "is it a tensor": lambda s, x: s.sn2(s.fc2(s.sn1(s.fc1(x if torch.is_tensor(x) else x[0])))),
}


@pytest.mark.parametrize("body", BODIES)
def test_bodies(body):
    equal(dyadic(Vectors(BODIES[body]), largest=0.5), 2 * images(4, 3, 6), 4, lively=False)


def test_a_layer_used_twice_is_two_layers():
    found = equal(dyadic(Vectors(BODIES["a layer twice"])), 2 * images(4, 3, 6), 4, lively=False)
    assert layers(found) == {
        "fc1": ("input",),
        "sn1": ("fc1",),
        "fc1@2": ("sn1",),
        "sn2": ("fc1@2",),
    }
    first, second = (x.op for x in found.network.layers if isinstance(x.op, Linear))
    assert np.array_equal(first.weight, second.weight)
    assert any("fc2 (forward never calls it)" in x for x in found.network.provenance.unused)


class Maps(nn.Module):
    def __init__(self, pool):
        super().__init__()
        self.conv, self.sn1 = nn.Conv2d(2, 4, 3, padding="same"), neuron.IFNode()
        self.fc, self.sn2 = nn.LazyLinear(5), neuron.IFNode()
        self.avg, self.flat = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.pool = pool

    def forward(self, x):
        return self.sn2(self.fc(self.pool(self, self.sn1(self.conv(x)))))


POOLS = {
    "adaptive": lambda s, x: s.flat(s.avg(x)),
    "adaptive function": lambda s, x: torch.flatten(F.adaptive_avg_pool2d(x, (2, 2)), 1),
    "mean of the map": lambda s, x: x.mean((2, 3)),
    "mean, kept": lambda s, x: x.mean(dim=(-2, -1), keepdim=True).flatten(1),
    "sum of the map": lambda s, x: x.sum(dim=[2, 3]),
    "average": lambda s, x: F.avg_pool2d(x, 2).flatten(1),
    "average, padded": lambda s, x: F.avg_pool2d(x, 3, 2, padding=1).view(x.shape[0], -1),
    "max": lambda s, x: F.max_pool2d(x, kernel_size=2, stride=2).reshape(len(x), -1),
    "max, adaptive": lambda s, x: F.adaptive_max_pool2d(x, 1).squeeze(-1).squeeze(-1),
    "ceil that fits": lambda s, x: F.max_pool2d(x, 2, ceil_mode=True).flatten(1),
}


@pytest.mark.parametrize("pool", POOLS)
def test_pools(pool):
    module = Maps(POOLS[pool])
    module(torch.zeros(1, 2, 8, 8))
    module.sn1.reset()
    module.sn2.reset()
    found = equal(dyadic(module), images(4, 3, 2, 8, 8), 4, lively=False)
    assert any("Pool2d" in k for k in kinds(found))
