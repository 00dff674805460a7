"""Recipes and defaults that the small presets share."""

from snn2chip.network.types import Shape
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
