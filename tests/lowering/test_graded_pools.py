"""Average pools with padding, against PyTorch, borders included."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.lowering import lower
from snn2chip.lowering.graded_norms import relay
from snn2chip.lowering.graded_pools import graded_pools
from snn2chip.network.types import AvgPool2d, Conv2d, Scale, SumPool2d
from tests.network.build import dyadic, frames, layer, network, neuron


def pooled(pool, size, padding=1, rng=None):
    """Spikes, a pool, a convolution of 3 x 3, and graded neurons that show its current."""
    weight = dyadic(rng or np.random.default_rng(0), 3, 2, 3, 3)
    return network(
        (2, *size),
        layer("sn", neuron(1.0)),
        layer("pool", pool, "sn"),
        layer("conv", Conv2d(weight=weight, padding=(padding, padding)), "pool"),
        relay("current", "conv"),
        steps=1,
        readout="current",
    ), torch.from_numpy(weight.copy())


def _pairs(one):
    return st.tuples(one, one)


@settings(max_examples=60)
@given(
    kernel=_pairs(st.sampled_from([1, 2, 3, 4])),
    stride=_pairs(st.integers(1, 3)),
    half=_pairs(st.booleans()),
    size=_pairs(st.integers(4, 9)),
    padding=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_a_padded_average_is_torchs(kernel, stride, half, size, padding, seed):
    rng = np.random.default_rng(seed)
    pads = (kernel[0] // 2 * half[0], kernel[1] // 2 * half[1])
    pool = AvgPool2d(kernel=kernel, stride=stride, padding=pads)
    net, weight = pooled(pool, size, padding, rng)
    spikes = rng.integers(0, 2, (1, 2, 2, *size)).astype(np.float64)
    x = torch.from_numpy(spikes[0])
    mean = functional.avg_pool2d(x, kernel, stride, pads)
    if mean.shape[2] + 2 * padding < 3 or mean.shape[3] + 2 * padding < 3:
        return
    lowered = lower(net)
    got = run_circuit(lowered.circuit, frames(spikes)).outputs
    if 3 not in kernel:  # a third is no binary fraction
        want = functional.conv2d(mean, weight, padding=padding).numpy()
        assert np.array_equal(got["current"][0], want)
    if "pool#relay" in got:
        count = functional.avg_pool2d(x, kernel, stride, pads, divisor_override=1)
        assert np.array_equal(got["pool#relay"][0], count.numpy())


def test_by_hand():
    """A window that ends in the last row's padding on one side only: the layout of an ImageNet stem."""
    pool = AvgPool2d(kernel=(3, 3), stride=(2, 2), padding=(1, 1))
    net, _ = pooled(pool, (8, 8))
    made = {x.name: x.op for x in graded_pools(net).network.layers}
    assert list(made) == ["sn", "pool#count", "pool#relay", "pool", "conv", "current"]
    assert made["pool#count"] == SumPool2d(kernel=(3, 3), stride=(2, 2), padding=(1, 1))
    scale = made["pool"]
    assert isinstance(scale, Scale)
    assert scale.scale.item() == 1 / 9


def test_what_one_kernel_says_needs_no_relay():
    net, _ = pooled(AvgPool2d(kernel=(3, 3), stride=(2, 2), padding=(1, 1)), (7, 7))
    assert not graded_pools(net).did
    whole, _ = pooled(AvgPool2d(kernel=(2, 2), stride=(2, 2)), (8, 8))
    assert not graded_pools(whole).did
