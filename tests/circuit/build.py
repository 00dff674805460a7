"""Short ways to write small circuits down."""

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import (
    Circuit,
    CircuitReadOut,
    Input,
    InputKind,
    Join,
    Kernel,
    Origin,
    Population,
    Projection,
    Role,
    Shape,
)
from snn2chip.neuron import NeuronModel
from tests.network.build import PROVENANCE


def population(
    name: str,
    shape: Shape,
    neuron: NeuronModel | None = None,
    bias: FloatArray | None = None,
    origin: Origin | None = None,
) -> Population:
    return Population(
        name=name,
        shape=shape,
        neuron=neuron or NeuronModel(),
        bias=floats([[[0.0]]]) if bias is None else bias,
        origin=origin or Origin(layer=name, role=Role.NEURON),
    )


def projection(
    sources: str | tuple[str, ...],
    target: str,
    kernel: Kernel,
    weight: object,
    name: str | None = None,
) -> Projection:
    """Named after its target, unless there is a name."""
    return Projection(
        name=name or f"to {target}",
        sources=(sources,) if isinstance(sources, str) else sources,
        target=target,
        kernel=kernel,
        weight=floats(np.asarray(weight, np.float64)),
    )


def circuit(
    shape: Shape,
    populations: tuple[Population, ...],
    projections: tuple[Projection, ...],
    *,
    steps: int = 4,
    kind: InputKind = InputKind.FRAMES,
    joins: tuple[Join, ...] = (),
    mean: bool = False,
) -> Circuit:
    return Circuit(
        input=Input(shape=shape, kind=kind),
        steps=steps,
        populations=populations,
        projections=projections,
        joins=joins,
        readout=CircuitReadOut(population=populations[-1].name, mean=mean),
        provenance=PROVENANCE,
    )
