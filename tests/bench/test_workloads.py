"""The networks that are measured fire as they should, and the plain loop computes what the spec engine does."""

import numpy as np
import pytest

from snn2chip.bench import workloads
from snn2chip.bench.naive import NaiveLoop
from snn2chip.engines import spec


@pytest.fixture(scope="module")
def small():
    return workloads.small_residual()


def test_the_plain_loop_equals_the_spec_engine(small):
    potentials, spikes = NaiveLoop(small.qc).run(small.inputs, record=True)
    expected = spec.run(small.qc, small.inputs)
    assert set(spikes) == set(expected.outputs) - {"answer"}
    for name, values in spikes.items():
        np.testing.assert_array_equal(values, expected.outputs[name], err_msg=name)
    np.testing.assert_array_equal(potentials, expected.potentials["answer"][:, :, 0, 0])


def test_layers_fire_as_in_trained_networks(small):
    _, spikes = NaiveLoop(small.qc).run(small.inputs, record=True)
    for name, values in spikes.items():
        second = name.endswith(".2")
        assert values.mean() == pytest.approx(0.075 if second else 0.15, rel=0.4), name


def test_pools_are_gates_that_the_plain_loop_knows():
    inputs, taken = workloads._images(np.random.default_rng(0), 2, 12)
    net = workloads._Growing(0, inputs, taken, steps=3)
    x = net.either("pool", net.conv("stem", ("input",), 16, 3), 3, 2, 1)
    qc = net.done(net.block("block", x, 16, 2), 4)
    potentials, spikes = NaiveLoop(qc).run(inputs, record=True)
    expected = spec.run(qc, inputs)
    assert 0.2 < spikes["pool"].mean() < 0.9
    for name, values in spikes.items():
        np.testing.assert_array_equal(values, expected.outputs[name], err_msg=name)
    np.testing.assert_array_equal(potentials, expected.potentials["answer"][:, :, 0, 0])
