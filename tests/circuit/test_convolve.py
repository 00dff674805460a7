"""The engine's own convolution against sums written out, and against torch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from snn2chip.circuit import convolve as module
from snn2chip.circuit.convolve import convolve
from snn2chip.circuit.types import Conv


def test_by_hand():
    x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    weight = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    out = convolve(x, weight, Conv(stride=(2, 2), padding=(1, 1)))
    # windows: [[0,0],[0,1]], [[0,0],[2,3]], [[0,4],[0,7]], [[5,6],[8,9]]
    assert out.reshape(-1).tolist() == [4.0, 18.0, 36.0, 77.0]


KERNELS = [
    Conv(),
    Conv(stride=(2, 1), padding=(1, 2)),
    Conv(dilation=(2, 1), padding=(2, 0)),
    Conv(groups=2, padding=(1, 1)),
    Conv(groups=4, stride=(1, 2)),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_equal_to_torch(kernel, chunk, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_VALUES", chunk)
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 5, (3, 4, 7, 6)).astype(float)
    weight = rng.integers(-4, 5, (4, 4 // kernel.groups, 3, 2)).astype(float)
    expected = functional.conv2d(
        torch.tensor(x),
        torch.tensor(weight),
        None,
        kernel.stride,
        kernel.padding,
        kernel.dilation,
        kernel.groups,
    )
    assert np.array_equal(convolve(x, weight, kernel), expected.numpy())
