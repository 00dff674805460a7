"""The zoo's neuron by hand, and that its surrogate gradient trains."""

import pytest
import torch

from snn2chip.zoo.neuron import SpikingNeuron


def fire(neuron: SpikingNeuron, *currents: float) -> list[float]:
    return neuron(torch.tensor(currents)[:, None]).reshape(-1).tolist()


def test_integrate_and_fire_at_the_threshold():
    assert fire(SpikingNeuron(), 0.5, 0.5, 0.75, 0.25, 0.5) == [0, 1, 0, 1, 0]


def test_soft_reset_keeps_what_is_above():
    assert fire(SpikingNeuron(v_reset=None), 1.75, 0.25, 0.5, 0.5) == [1, 1, 0, 1]


def test_leaky_with_decayed_input():
    # h: .75, (.75 + .75)/2 + .375 = 1.125 → fires, 0; then .875
    assert fire(SpikingNeuron(tau=2.0), 1.5, 1.5, 1.75) == [0, 1, 0]


def test_leaky_without_decayed_input():
    # h: .75, .375 + .75 = 1.125 → fires
    assert fire(SpikingNeuron(tau=2.0, decay_input=False), 0.75, 0.75) == [0, 1]


def test_learned_decay_starts_at_one_half():
    assert fire(SpikingNeuron(learned=True), 1.5, 1.5, 1.75) == [0, 1, 0]


def test_reset_value_is_where_a_sample_starts():
    # v = -1; h = -1 + 1.5 = .5; h = 2 → fires, v = -1
    assert fire(SpikingNeuron(v_reset=-1.0), 1.5, 1.5, 1.5) == [0, 1, 0]


def test_nothing_is_kept_between_calls():
    neuron = SpikingNeuron()
    assert fire(neuron, 0.75) == fire(neuron, 0.75) == [0]


def test_gradient_is_that_of_the_arctangent():
    x = torch.tensor([[1.0], [0.5]], requires_grad=True)
    SpikingNeuron()(x).sum().backward()
    assert x.grad is not None
    # Step 1 fires at its threshold (slope 1) and resets; step 2 has h = .5, slope 1 / (1 + (π/2)²) of its own.
    slope = 1 / (1 + (torch.pi * 0.5) ** 2)
    assert x.grad.reshape(-1).tolist() == pytest.approx([1.0, slope])
