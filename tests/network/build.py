"""Short ways to write small networks down, and seeded dyadic numbers, for the tests of three packages."""

import numpy as np
import torch

from snn2chip.arrays import FloatArray, floats
from snn2chip.inputs import InputData
from snn2chip.network.types import (
    INPUT,
    InputKind,
    Layer,
    Network,
    NetworkInput,
    Neuron,
    Op,
    Provenance,
    ReadOut,
    Shape,
)
from snn2chip.neuron import NeuronModel

torch.set_num_threads(1)  # tensors are tiny here: threads would only wait for each other

PROVENANCE = Provenance(path="", sha256="", system="test", arch="test")


def layer(name: str, op: Op, *inputs: str) -> Layer:
    return Layer(name=name, op=op, inputs=inputs or (INPUT,))


def network(
    shape: Shape,
    *layers: Layer,
    steps: int = 4,
    kind: InputKind = InputKind.FRAMES,
    readout: str | None = None,
    mean: bool = True,
) -> Network:
    return Network(
        input=NetworkInput(shape=shape, kind=kind),
        steps=steps,
        layers=layers,
        readout=ReadOut(layer=readout or layers[-1].name, mean=mean),
        provenance=PROVENANCE,
    )


def frames(values: object) -> InputData:
    return InputData(kind=InputKind.FRAMES, values=np.asarray(values, np.float64))


def static(values: object) -> InputData:
    return InputData(kind=InputKind.STATIC, values=np.asarray(values, np.float64))


def per_map(*values: float) -> FloatArray:
    """[C, 1, 1]."""
    return floats(np.array(values)[:, None, None])


def neuron(threshold: float = 1.0, **fields: object) -> Neuron:
    return Neuron(model=NeuronModel(levels=(per_map(threshold),), **fields))  # type: ignore[arg-type]


def dyadic(
    rng: np.random.Generator, *shape: int, low: int = -3, high: int = 4, exponent: int = -2
) -> FloatArray:
    """Integers in low..high times 2^exponent: every sum of them is exact in any order."""
    return floats(np.ldexp(rng.integers(low, high + 1, shape).astype(np.float64), exponent))


def random_input(net: Network, rng: np.random.Generator, samples: int = 2) -> InputData:
    """Dyadic input, a third of it zero."""
    lead = (samples,) if net.input.kind is InputKind.STATIC else (net.steps, samples)
    shape = (*lead, *net.input.shape)
    values = np.ldexp(rng.integers(0, 9, shape).astype(np.float64), -2) * (rng.random(shape) < 0.7)
    return InputData(kind=net.input.kind, values=values)
