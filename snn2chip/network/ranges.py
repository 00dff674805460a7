"""Which layers carry outputs of neurons, and how large these get."""

import math
from collections.abc import Mapping

from snn2chip.network.types import (
    Add,
    And,
    AndNot,
    Flatten,
    Layer,
    MaxPool2d,
    Network,
    Neuron,
    Or,
)
from snn2chip.neuron import Emits, NeuronModel


def spiking_layers(network: Network) -> dict[str, float]:
    """The largest value of each layer that carries outputs of neurons, or sums, gates and pools of them.

    math.inf where nothing bounds it (multispike and graded neurons). Layers that carry currents, and read-outs,
    are not in it.
    """
    highest: dict[str, float] = {}
    for layer in network.layers:
        value = highest_value(layer, highest)
        if value is not None:
            highest[layer.name] = value
    return highest


def highest_value(layer: Layer, known: Mapping[str, float]) -> float | None:
    """The entry of one layer in `spiking_layers`, from those before it; None where it has none."""
    op = layer.op
    if isinstance(op, Neuron):
        return highest_output(op.model)
    if not all(name in known for name in layer.inputs):
        return None
    values = [known[name] for name in layer.inputs]
    if isinstance(op, Add):
        return sum(values)
    if isinstance(op, And | AndNot | Or):
        return 1.0
    return values[0] if isinstance(op, MaxPool2d | Flatten) else None


def highest_output(model: NeuronModel) -> float | None:
    """Largest output of one neuron; None of a neuron that sends nothing."""
    if model.emits is Emits.NOTHING:
        return None
    return float(len(model.levels)) if model.emits is Emits.SPIKE else math.inf
