"""Surrogates: values by hand, and the derivatives that their authors wrote."""

import math

import pytest
import torch

from snn2chip.zoo.mlf import MLFNeurons
from snn2chip.zoo.neuron import SpikingNeuron
from snn2chip.zoo.surrogates import ATAN, RECTANGLE, SHAPES, TANH, TRIANGLE, Surrogate


def slope(surrogate: Surrogate, *at: float) -> list[float]:
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    surrogate.above(x).sum().backward()
    assert x.grad is not None
    return x.grad.tolist()


@pytest.mark.parametrize("shape", SHAPES)
def test_width_and_height_scale_every_shape(shape):
    plain, scaled = Surrogate(shape=shape), Surrogate(shape=shape, width=4.0, height=0.5)
    assert slope(plain, 0.0) == [1.0]
    assert slope(scaled, 0.0, 1.0, -1.0) == [0.5, *[slope(plain, 0.25)[0] / 2] * 2]
    assert slope(plain, 0.25)[0] > slope(plain, 2.0)[0] >= 0


def test_values_by_hand():
    assert slope(Surrogate(shape="triangle"), 0.25, 1.5) == [0.75, 0.0]
    assert slope(Surrogate(shape="rectangle"), 0.25, 0.5) == [1.0, 0.0]
    assert slope(Surrogate(shape="fast_sigmoid", width=0.1), 0.1) == [0.25]


def test_the_authors_derivatives():
    x = 0.3
    assert slope(ATAN, x) == pytest.approx([1 / (1 + (math.pi / 2 * 2 * x) ** 2)])
    assert slope(TRIANGLE, x) == pytest.approx([0.3 * (1 - x)])
    assert slope(RECTANGLE, x) == [1.0]
    tanh = 3 * (1 - math.tanh(3 * x) ** 2) / (2 * math.tanh(1.5))
    assert slope(TANH, x, 0.6) == pytest.approx([tanh, 0.0])
    s = 1 / (1 + math.exp(-x / 0.25))
    assert slope(Surrogate(shape="sigmoid", width=0.25), x) == pytest.approx([4 * s * (1 - s)])


def test_spikes_at_the_threshold():
    x = torch.tensor([-1.0, 0.0, 1.0])
    assert ATAN.above(x).tolist() == [0.0, 0.0, 1.0]
    assert ATAN.reached(x).tolist() == [0.0, 1.0, 1.0]


def test_the_surrogate_changes_gradients_and_no_spike():
    x = torch.tensor([[0.5], [0.75]])
    for make in (
        lambda s: SpikingNeuron(surrogate=s),
        lambda s: SpikingNeuron(strict=True, surrogate=s),
        lambda s: MLFNeurons(surrogate=s).unit(),
    ):
        found = []
        for width in (0.5, 2.0):
            y = x.clone().requires_grad_()
            spikes = make(Surrogate(shape="triangle", width=width))(y)
            spikes.sum().backward()
            assert y.grad is not None
            found.append((spikes.tolist(), y.grad.tolist()))
        assert found[0][0] == found[1][0]
        assert found[0][1] != found[1][1]


def test_strict_neurons_are_silent_at_the_threshold():
    x = torch.tensor([[1.0], [0.25]])
    assert SpikingNeuron(strict=True)(x).reshape(-1).tolist() == [0.0, 1.0]
    assert SpikingNeuron()(x).reshape(-1).tolist() == [1.0, 0.0]
