"""Small random QuantizedCircuits with every feature of the arithmetic, thresholds set so that layers fire now and then.

Thresholds are values that a drive takes, so that ties happen; membranes go below zero because weights have both signs.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from snn2chip.arrays import floats, ints
from snn2chip.circuit.types import (
    INPUT,
    Conv,
    Dense,
    Identity,
    InputKind,
    Kernel,
    Origin,
    Provenance,
    Role,
)
from snn2chip.engines import spec
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
    QuantizedReadOut,
)

SOURCE = Provenance(path="", sha256="", system="test", arch="random")


@dataclass
class Builder:
    """A circuit that grows."""

    rng: np.random.Generator
    steps: int
    inputs: InputData
    input: QuantizedInput
    v_limit: int
    populations: list[QuantizedPopulation] = field(default_factory=list)
    projections: list[QuantizedProjection] = field(default_factory=list)

    def shape(self, source: str) -> tuple[int, int, int]:
        return self.input.shape if source == INPUT else self.circuit().population(source).shape

    def circuit(self, readout: str = "") -> QuantizedCircuit:
        return QuantizedCircuit(
            input=self.input,
            steps=self.steps,
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            joins=(),
            readout=QuantizedReadOut(population=readout, mean=True),
            v_limit=self.v_limit,
            target="none",
            provenance=SOURCE,
        )

    def project(
        self,
        sources: tuple[str, ...],
        target: str,
        kernel: Kernel,
        channels: int,
        size=(3, 3),
        e=0,
        bits=8,
    ) -> tuple[int, int, int]:
        """A projection of random weights; returns the target's shape."""
        inputs, rows, columns = self.shape(sources[0])
        shape = (channels, 1, 1)
        if isinstance(kernel, Conv):
            weight = (channels, inputs // kernel.groups, *size)
            spread = [(k - 1) * d + 1 for k, d in zip(size, kernel.dilation, strict=True)]
            out = [
                (n + 2 * p - k) // s + 1
                for n, p, k, s in zip(
                    (rows, columns), kernel.padding, spread, kernel.stride, strict=True
                )
            ]
            shape = (channels, out[0], out[1])
        elif isinstance(kernel, Dense):
            weight = (channels, inputs if kernel.pooled else inputs * rows * columns)
        else:
            weight, shape = (channels,), (channels, rows, columns)
        high = 1 << (bits - 1)
        values = np.clip(np.round(self.rng.normal(0, high / 3, weight)), -high, high - 1)
        values.flat[0] = -high
        self.projections.append(
            QuantizedProjection(
                name=f"{target}:{len(self.projections)}",
                sources=sources,
                target=target,
                kernel=kernel,
                weight=ints(values),
                exponent=e,
                bits=bits,
            )
        )
        return shape

    def neurons(
        self,
        name: str,
        shape: tuple[int, int, int],
        *,
        rate=0.2,
        levels=1,
        f=0,
        whole=False,
        stepwise=False,
        **model: Any,
    ):
        """Add the population that the last projections lead to.

        `whole`: parameters per neuron; `stepwise`: bias per step.
        """
        rng = self.rng
        emits = model.get("emits", Emits.SPIKE)
        fine = shape if whole else (shape[0], 1, 1)
        zero = ints(np.zeros(fine))
        fields: dict[str, Any] = {
            "levels": (zero,) * levels,
            "amounts": (zero,) * levels,
            "delta": ints([[[0]]]),
            "reset": Reset.ZERO,
            "late_reset": False,
            "emits": emits,
            **model,
        }
        first = IntegerNeuron(**fields)
        population = QuantizedPopulation(
            name=name,
            shape=shape,
            neuron=first,
            bias=zero,
            fraction_bits=f,
            scale=floats(np.full(shape[0], 0.5)),
            unit=1.0,
            origin=Origin(layer=name, role=Role.READOUT if emits is Emits.NOTHING else Role.NEURON),
        )
        drive = np.clip(self._drive(population), -self.v_limit, self.v_limit * 3 // 4)
        size = max(1, int(np.abs(drive).mean() / 4))
        bias = ints(rng.integers(-size, size + 1, (self.steps, *fine) if stepwise else fine))
        positive = np.sort(drive[drive > 0]) if np.any(drive > 0) else ints([0])
        wanted = [
            int(positive[int((1 - rate / (k + 1)) * (len(positive) - 1))]) for k in range(levels)
        ]
        thetas = [
            ints(np.maximum(w + rng.integers(-size, size + 1, fine), 0) // 2 * 2) for w in wanted
        ]
        amounts = tuple(ints(t + 1) for t in thetas)
        if emits is Emits.MULTISPIKE:
            shift = max(1, wanted[0].bit_length() - 1)
            first = replace(first, multispike_shift=shift)
            amounts = tuple(ints(np.full((1, 1, 1), 1 << shift)) for _ in thetas)
        if emits is Emits.GRADED:
            first = replace(first, graded_shift=max(0, wanted[0].bit_length() - 4))
        population = replace(
            population, neuron=replace(first, levels=tuple(thetas), amounts=amounts), bias=bias
        )
        self.populations.append(population)

    def _drive(self, population: QuantizedPopulation) -> np.ndarray:
        """(c << f) of every step, for choosing thresholds."""
        probe = replace(
            population,
            neuron=replace(
                population.neuron,
                emits=Emits.GRADED,
                levels=population.neuron.levels[:1],
                amounts=population.neuron.amounts[:1],
            ),
        )
        qc = replace(
            self.circuit(population.name), populations=(*self.populations, probe), v_limit=1 << 60
        )
        return spec.run(qc, self.inputs).outputs[population.name].astype(np.int64)


def events(
    rng: np.random.Generator, steps: int, batch: int, shape
) -> tuple[InputData, QuantizedInput]:
    """Frames of small counts."""
    values = rng.binomial(2, 0.2, (steps, batch, *shape))
    taken = QuantizedInput(shape=shape, kind=InputKind.FRAMES, scale=1.0, bits=2, signed=False)
    return InputData(kind=InputKind.FRAMES, values=ints(values)), taken


def image(
    rng: np.random.Generator, batch: int, shape, signed: bool = False
) -> tuple[InputData, QuantizedInput]:
    """8-bit images."""
    values = (
        rng.integers(-128, 128, (batch, *shape))
        if signed
        else rng.integers(0, 256, (batch, *shape))
    )
    taken = QuantizedInput(shape=shape, kind=InputKind.STATIC, scale=1 / 256, bits=8, signed=signed)
    return InputData(kind=InputKind.STATIC, values=ints(values)), taken


def _start(
    rng: np.random.Generator,
    data: tuple[InputData, QuantizedInput],
    steps: int,
    v_limit: int = (1 << 23) - 1,
) -> Builder:
    return Builder(rng=rng, steps=steps, inputs=data[0], input=data[1], v_limit=v_limit)


def _padded(stride: int = 1, **more) -> Conv:
    return Conv(stride=(stride, stride), padding=(1, 1), **more)


@cache
def added_spikes(seed: int) -> tuple[QuantizedCircuit, InputData]:
    """As SEW ResNet: joins of up to three summands, a strided shortcut, a pooled read-out. Simple neurons only."""
    rng = np.random.default_rng(seed)
    channels, wider = int(rng.choice([3, 16, 20, 33])), int(rng.choice([16, 40, 72]))
    reset = [Reset.ZERO, Reset.SUBTRACT, Reset.NONE][seed % 3]
    delta = ints(rng.integers(0, 2048, (1, 1, 1)) * (seed % 2))
    f = 6 * (seed % 2)
    model: dict[str, Any] = {
        "reset": reset,
        "delta": delta,
        "f": f,
        "v_min": -100 << f if seed % 4 == 1 else None,
    }
    b = _start(rng, image(rng, 2, (3, 9, 8), signed=seed % 4 == 2), 4)
    b.neurons("stem", b.project((INPUT,), "stem", _padded(), channels), **model)
    b.neurons(
        "a1", b.project(("stem",), "a1", _padded(), channels), stepwise=seed % 2 == 0, **model
    )
    b.neurons("a2", b.project(("a1",), "a2", _padded(), channels, bits=6), **model)
    join = ("stem", "a2")
    b.neurons("b1", b.project(join, "b1", _padded(2), wider), whole=True, **model)
    b.neurons("b2", b.project(("b1",), "b2", _padded(), wider), **model)
    b.neurons("down", b.project(join, "down", Conv(stride=(2, 2)), wider, (1, 1)), **model)
    b.neurons("c1", b.project(("b2", "down"), "c1", Conv(padding=(2, 1)), wider, (5, 3)), **model)
    answer = b.project(("b2", "down"), "answer", Dense(pooled=True), 5)
    b.neurons("answer", answer, emits=Emits.NOTHING)
    return b.circuit("answer"), b.inputs


@cache
def added_currents(seed: int) -> tuple[QuantizedCircuit, InputData]:
    """As the plain Spiking ResNet: shortcuts are projections with exponents; spikes are counted at the end."""
    rng = np.random.default_rng(seed)
    channels = int(rng.choice([16, 24, 64]))
    model: dict[str, Any] = {
        "reset": Reset.SUBTRACT if seed % 2 else Reset.ZERO,
        "delta": ints(rng.integers(0, 4096, (channels, 1, 1))),
    }
    b = _start(rng, events(rng, 5, 2, (2, 8, 6)), 5)
    b.neurons("stem", b.project((INPUT,), "stem", _padded(), channels), **model)
    b.neurons("a1", b.project(("stem",), "a1", _padded(), channels), whole=True, **model)
    b.project(("a1",), "a2", _padded(), channels, e=int(rng.integers(0, 3)))
    b.neurons(
        "a2", b.project(("stem",), "a2", Identity(), channels, e=int(rng.integers(0, 4))), **model
    )
    b.project(("a2", "a1"), "b", _padded(2), channels, e=1)
    b.project((INPUT,), "b", Conv(stride=(2, 2)), channels, (1, 1), e=2)
    b.neurons(
        "b", b.project(("stem",), "b", _padded(2, groups=channels), channels, bits=5), f=3, **model
    )
    b.neurons("out", b.project(("b",), "out", Dense(), 11, bits=7))
    return b.circuit("out"), b.inputs


@cache
def every_neuron(seed: int) -> tuple[QuantizedCircuit, InputData]:
    """Levels, multispike, graded, late reset, floors, gains per step, gates, groups, dilation, wide weights."""
    rng = np.random.default_rng(seed)
    steps, c = 4, int(rng.choice([6, 16, 32]))
    b = _start(rng, events(rng, steps, 3, (c, 7, 7)), steps, v_limit=(1 << 14) - 1)
    half = ints([[[int(rng.integers(1000, 3000))]]])
    b.neurons(
        "levels",
        b.project((INPUT,), "levels", _padded(), c),
        levels=3,
        delta=half,
        reset=Reset.ZERO,
    )
    b.neurons(
        "many",
        b.project(("levels",), "many", _padded(groups=2), c),
        emits=Emits.MULTISPIKE,
        reset=Reset.SUBTRACT,
        multispike_ge=seed % 2 == 0,
    )
    b.project((INPUT,), "relay", Identity(), c)
    b.neurons("relay", b.project(("many",), "relay", Identity(), c, e=1), emits=Emits.GRADED, f=1)
    gain = ints(rng.integers(-9, 10, (steps, c, 1, 1)))
    b.neurons(
        "gained",
        b.project(("relay",), "gained", _padded(), c),
        gain=gain,
        gain_shift=2,
        late_reset=True,
        reset=Reset.SUBTRACT,
        delta=half,
        f=1,
    )
    late: dict[str, Any] = {
        "late_reset": True,
        "reset": Reset.SUBTRACT,
        "delta": half,
        "v_min": -50,
    }
    b.neurons(
        "late",
        b.project(("gained", "levels"), "late", Conv(padding=(2, 2), dilation=(2, 2)), c),
        **late,
    )
    b.neurons(
        "wide", b.project(("late",), "wide", _padded(), c, bits=12), whole=True, stepwise=True
    )
    gate: dict[str, Any] = {"delta": ints([[[4095]]]), "reset": Reset.ZERO}
    b.neurons(
        "gate",
        b.project(("late", "wide"), "gate", Conv(stride=(2, 2), groups=c), c, (3, 3)),
        **gate,
    )
    b.neurons(
        "dense", b.project(("gate", "gate"), "dense", Dense(), 40), reset=Reset.NONE, delta=half
    )
    b.project(("many", "relay"), "answer", Dense(pooled=True), 7, e=1)
    answer = b.project(("dense",), "answer", Dense(), 7)
    b.neurons("answer", answer, emits=Emits.NOTHING, delta=half, f=2)
    return b.circuit("answer"), b.inputs


@cache
def real_shortcuts(seed: int) -> tuple[QuantizedCircuit, InputData]:
    """As S-ResNet: gains and biases of each step, soft reset, joins of numbers and spikes on graded relays."""
    rng = np.random.default_rng(seed)
    steps, c, wider = 5, int(rng.choice([4, 9, 16])), int(rng.choice([8, 20]))
    b = _start(rng, image(rng, 3, (3, 8, 7), signed=seed % 2 == 1), steps)

    def soft(*own: int) -> dict[str, Any]:
        """Gains around 1, some of them negative or 0; `own`: channels, rows, columns, with or without the steps."""
        return {
            "gain": ints(rng.integers(-6, 40, own)),
            "gain_shift": 4,
            "reset": Reset.SUBTRACT,
            "delta": ints([[[int(rng.integers(0, 1000))]]]),
            "f": seed % 3,
        }

    def graded(name: str, spikes: str, numbers: str) -> None:
        b.project((numbers,), name, Identity(), wider, bits=4)
        b.neurons(
            name, b.project((spikes,), name, Identity(), wider, e=2, bits=4), emits=Emits.GRADED
        )

    stem = b.project((INPUT,), "stem", _padded(), c)
    b.neurons("stem", stem, stepwise=True, **soft(steps, c, 1, 1))
    b.neurons("a1", b.project(("stem",), "a1", _padded(), c), stepwise=True, **soft(c, 1, 1))
    b.neurons("a2", b.project(("a1",), "a2", _padded(), c), **soft(steps, c, 1, 1))
    join = ("stem", "a2")
    down = b.project(join, "down", Conv(stride=(2, 2)), wider, (1, 1))
    numbers: dict[str, Any] = {**soft(steps, wider, 1, 1), "emits": Emits.GRADED}
    b.neurons("down", down, stepwise=True, **numbers)
    b.neurons("b1", b.project(join, "b1", _padded(2), wider), stepwise=True, whole=True, f=2)
    b.neurons("b2", b.project(("b1",), "b2", _padded(), wider), **soft(steps, wider, 1, 1))
    graded("real", "b2", "down")
    c1 = b.project(("real",), "c1", _padded(), wider)
    b.neurons("c1", c1, whole=True, **soft(steps, *c1))
    b.neurons("c2", b.project(("c1",), "c2", _padded(), wider), stepwise=True, **soft(wider, 1, 1))
    graded("later", "c2", "real")
    last = b.project(("later", "real", "c2"), "last", _padded(), wider)
    b.neurons("last", last, **soft(steps, wider, 1, 1))
    b.project(("real", "last"), "answer", Dense(), 6, bits=5)
    answer = b.project(("later",), "answer", Dense(pooled=True), 6, bits=5)
    b.neurons("answer", answer, emits=Emits.NOTHING)
    return b.circuit("answer"), b.inputs


FAMILIES = (added_spikes, added_currents, every_neuron, real_shortcuts)
