"""A small data set and network that train in a second."""

import numpy as np

from snn2chip.training.dataset import Dataset, dataset
from snn2chip.training.recipe import Recipe
from snn2chip.zoo.sew_resnet import SEWResNet, small_sew_resnet

RECIPE = Recipe(epochs=3, batch=8, learning_rate=0.05)


def bars(augment: bool = False) -> Dataset:
    """Upright or level bars with noise, 1 x 8 x 8: two classes, 48 to train on, 16 held back."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 64)
    x = rng.random((64, 1, 8, 8), np.float32) / 2
    for i, upright in enumerate(y):
        k = rng.integers(1, 7)
        x[i, 0][(slice(None), k) if upright else k] += 1
    return dataset("bars", (x[16:], y[16:]), (x[:16], y[:16]), 2, augment=augment)


def net() -> SEWResNet:
    return small_sew_resnet(1, 2, width=4, blocks=(1, 1), T=2)
