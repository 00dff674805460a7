"""Seeded random networks of dyadic numbers, in which every layer of neurons fires at a fair rate.

All sums are exact in float64 whatever their order, so the network and what lowering makes of it must agree with ==.
"""

from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np

from snn2chip.arrays import floats
from snn2chip.inputs import InputData
from snn2chip.network.engine import run
from snn2chip.network.shapes import shapes
from snn2chip.network.types import (
    INPUT,
    BatchNorm,
    Conv2d,
    InputKind,
    Layer,
    Network,
    Neuron,
    Op,
    Shape,
)
from snn2chip.neuron import NeuronModel
from tests.network.build import dyadic, network, random_input

_THRESHOLDS = tuple(np.ldexp(m, e) for e in range(-3, 7) for m in (1.0, 1.25, 1.5, 1.75))


@dataclass
class Builder:
    """Grows a network layer by layer; thresholds are chosen so that neurons fire."""

    seed: int
    shape: Shape
    kind: InputKind = InputKind.FRAMES
    steps: int = 4
    layers: list[Layer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def add(self, name: str, op: Op, *inputs: str) -> str:
        self.layers.append(Layer(name=name, op=op, inputs=inputs or (INPUT,)))
        return name

    def conv(
        self, name: str, source: str, out: int, size: int = 3, bias: bool = False, **fields
    ) -> str:
        channels = self.channels(source) // fields.get("groups", 1)
        weight = dyadic(self.rng, out, channels, size, size)
        constant = dyadic(self.rng, out) if bias else None
        return self.add(name, Conv2d(weight=weight, bias=constant, **fields), source)

    def norm(self, name: str, source: str, per_step: bool = False) -> str:
        """Gains ±1/2, ±1, ±2, and biases and means of quarters; of every step its own, and some of 0, if `per_step`."""
        count = self.channels(source)
        size = (self.steps, count) if per_step else (count,)
        gain = self.rng.choice([-2.0, -1.0, 0.5, 1.0, 2.0, 0.0][: 6 if per_step else 5], size)
        var = 4.0 ** self.rng.integers(-1, 2, size)
        bn = BatchNorm(
            weight=floats(gain * np.sqrt(var)),
            bias=dyadic(self.rng, *size),
            mean=dyadic(self.rng, *size),
            var=floats(var),
            eps=0.0,
        )
        return self.add(name, bn, source)

    def neurons(self, name: str, source: str, **fields) -> str:
        """Neurons whose threshold, above the reset value, makes them fire at about 20 %."""
        rest = fields.get("v_reset", 0.0)

        def with_threshold(threshold: float) -> Layer:
            model = NeuronModel(levels=(floats([[[rest + threshold]]]),), **fields)
            return Layer(name=name, op=Neuron(model=model), inputs=(source,))

        def rate(threshold: float) -> float:
            net = self.network(name, with_threshold(threshold))
            inputs = random_input(net, np.random.default_rng(1), 1)
            return float((run(net, inputs).outputs[name] > 0).mean())

        best = bisect_left(_THRESHOLDS, -0.2, key=lambda threshold: -rate(threshold))
        self.layers.append(with_threshold(_THRESHOLDS[best]))
        return name

    def block(self, name: str, source: str, out: int, stride: int = 1, **fields) -> str:
        """conv, norm, neurons."""
        conv = self.conv(f"{name}.conv", source, out, padding=(1, 1), stride=(stride, stride))
        return self.neurons(f"{name}.sn", self.norm(f"{name}.bn", conv), **fields)

    def network(self, readout: str, *more: Layer) -> Network:
        return network(
            self.shape,
            *self.layers,
            *more,
            steps=self.steps,
            kind=self.kind,
            readout=readout,
            mean=False,
        )

    def channels(self, name: str) -> int:
        return self.shape_of(name)[0]

    def shape_of(self, name: str) -> Shape:
        return shapes(self.network(name))[name] if name != INPUT else self.shape

    def input(self, samples: int = 2) -> InputData:
        net = self.network(self.layers[-1].name)
        return random_input(net, np.random.default_rng(2), samples)
