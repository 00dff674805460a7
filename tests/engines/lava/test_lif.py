"""Thresholds and biases on Lava's grids fire in the same steps: every current, every number of steps."""

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.engines.lava.lif import _near, _on_grid


@pytest.mark.parametrize("exponent", [0, 2])
@pytest.mark.parametrize("steps", [1, 4])
def test_a_bias_on_the_grid_fires_in_the_same_steps(steps, exponent):
    level = ints(np.arange(-300, 300, 61).reshape(-1, 1, 1))
    bias = ints(np.arange(-130, 130, 3)[None, :, None])
    levels, biases = np.broadcast_arrays(level, bias)
    sums = np.arange(-40, 41)[:, None, None, None] * 64
    found, asked = 0, 0
    for column in range(bias.shape[1]):
        one = (levels[:, column : column + 1], biases[:, column : column + 1])
        for row in range(len(level)):
            theta, b = ints(one[0][row : row + 1]), ints(one[1][row : row + 1])
            grid, asked = _near(theta, b, steps, exponent), asked + 1
            if grid is None:
                continue
            found += 1
            assert not (grid.bias % (1 << exponent)).any()
            for k in range(1, steps + 1):
                ours, lava = sums + k * b > theta, sums + k * grid.bias > grid.threshold << 6
                assert (ours == lava).all(), (theta, b, k)
    assert found > 0.7 * asked


def test_no_bias_says_it():
    """With a leak, only what lies on the grid; and no bias is wider than the mantissa at its largest exponent."""
    assert _on_grid(ints([[[63]]]), ints([[[1]]]), 0) is None
    assert _on_grid(ints([[[64]]]), ints([[[1]]]), 0) is not None
    assert _on_grid(ints([[[1 << 20]]]), ints([[[1 << 30]]]), 4) is None


def test_the_exponent_is_the_chips_where_it_can_be():
    grid = _on_grid(ints([[[640]]]), ints([[[5 << 13]]]), 4)
    assert grid is not None
    assert (grid.exponent, int(grid.bias[0, 0, 0]) >> grid.exponent) == (4, 5 << 9)
