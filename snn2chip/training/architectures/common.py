"""Recipes and defaults that the small presets share."""

import argparse

from snn2chip.network.types import Shape
from snn2chip.training.architectures.types import Finished
from snn2chip.training.recipe import Recipe

SMALL = Recipe(
    epochs=8,
    batch=16,
    learning_rate=1e-2,
    optimizer="adamw",
    weight_decay=1e-2,
    schedule="onecycle",
)
"""A minute or two on mnist5k with one core."""


def stem_stride(frame: Shape) -> int:
    """Frames of fewer than 16 rows keep their size, larger ones are halved."""
    return 1 if frame[1] < 16 else 2


def container_of_fang(done: Finished, **arguments: object) -> object:
    """What both training scripts of the SEW repository save: `arguments`, and those that all of its scripts have."""
    r = done.recipe
    held = argparse.Namespace(
        **arguments, epochs=r.epochs, batch_size=r.batch, lr=r.learning_rate, seed=r.seed
    )
    return {
        "model": done.net.state_dict(),
        "epoch": r.epochs - 1,
        "args": held,
        "max_test_acc1": done.accuracy,
    }
