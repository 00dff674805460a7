"""Small random float circuits with residual joins, an identity shortcut, and one kind of neuron each.

`grid`: every number is a multiple of a power of two, so that nothing is lost; else they are as training leaves
them. Thresholds are
membranes that the population takes (ties happen there), chosen for a firing rate of about 20 %.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.engine import currents
from snn2chip.circuit.types import (
    INPUT,
    Circuit,
    CircuitReadOut,
    Conv,
    Dense,
    Identity,
    Input,
    InputKind,
    Kernel,
    Origin,
    Population,
    Projection,
    Role,
    Shape,
)
from snn2chip.inputs import InputData
from snn2chip.network.neurons import run_neurons
from snn2chip.neuron import Compare, Emits, NeuronModel, Reset
from snn2chip.quantize.types import Widths
from tests.network.build import PROVENANCE

WIDTHS = Widths(
    weight_bits=8,
    threshold_bits=24,
    threshold_step=1,
    bias_bits=24,
    bias_exponent_max=0,
    membrane_bits=24,
    gain_bits=16,
    payload_bits=16,
    exponent_max=7,
    fraction_bits=6,
    fraction_fixed=False,
    subtract_reset=True,
    graded=True,
    per_neuron_bias=True,
    per_step=True,
    levels=True,
)

STRICT_WIDTHS = replace(
    WIDTHS,
    threshold_step=64,
    bias_bits=13,
    bias_exponent_max=7,
    gain_bits=0,
    payload_bits=0,
    fraction_fixed=True,
    subtract_reset=False,
    graded=False,
    per_step=False,
    levels=False,
)
"""A chip whose thresholds are multiples of 64 and whose membranes always have 6 fraction bits."""


@dataclass
class Growing:
    """A circuit that grows, population by population, with what it does on its own input."""

    rng: np.random.Generator
    grid: bool
    inputs: InputData
    steps: int = 4
    populations: list[Population] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)
    outputs: dict[str, FloatArray] = field(default_factory=dict)
    alike: tuple[str, ...] = ("r", "out")

    def __post_init__(self) -> None:
        values = self.inputs.values
        static = self.inputs.kind is InputKind.STATIC
        self.outputs[INPUT] = values[None] if static else values

    def circuit(self) -> Circuit:
        return Circuit(
            input=Input(shape=self.outputs[INPUT].shape[2:], kind=self.inputs.kind),
            steps=self.steps,
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            joins=(),
            readout=CircuitReadOut(population=self.populations[-1].name, mean=True),
            provenance=PROVENANCE,
        )

    def numbers(self, shape: tuple[int, ...], spread: float, alike: bool) -> FloatArray:
        """Random numbers; on the grid multiples of 2^-7 to 2^-5, each channel its own unless they are to be `alike`."""
        values = self.rng.normal(0, spread, shape)
        if not self.grid:
            return floats(values)
        unit = 2.0 ** self.rng.integers(-7, -4, (shape[0], *(1,) * (len(shape) - 1)))
        unit = unit[:1] if alike else unit
        return floats(np.clip(np.round(values / unit), -100, 100) * unit)

    def project(self, sources: tuple[str, ...], target: str, kernel: Kernel, channels: int) -> None:
        inputs, rows, columns = self.outputs[sources[0]].shape[2:]
        alike = target in self.alike
        if isinstance(kernel, Identity):
            weight = floats(np.ones(channels))
        elif isinstance(kernel, Conv):
            weight = self.numbers((channels, inputs // kernel.groups, 3, 3), 0.3, alike)
        else:
            size = inputs if kernel.pooled else inputs * rows * columns
            weight = self.numbers((channels, size), 0.3, alike)
        self.projections.append(
            Projection(
                name=f"{target}:{len(self.projections)}",
                sources=sources,
                target=target,
                kernel=kernel,
                weight=weight,
            )
        )

    def add(
        self, name: str, shape: Shape, model: NeuronModel, rate: float = 0.2, maps: bool = False
    ) -> None:
        """The population into which the last projections lead; its thresholds come from its own membranes."""
        reading = model.emits is Emits.NOTHING
        bias = self.numbers((shape[0], *(shape[1:] if maps else (1, 1))), 0.1, name in self.alike)
        p = Population(
            name=name,
            shape=shape,
            neuron=model,
            bias=bias,
            origin=Origin(layer=name, role=Role.READOUT if reading else Role.NEURON),
        )
        trial = replace(self.circuit_with(p), projections=tuple(self.projections))
        current = currents(trial, p, self.outputs)
        if model.emits in (Emits.SPIKE, Emits.MULTISPIKE):
            p = replace(p, neuron=self._with_thresholds(model, current, p.bias, rate))
        self.populations.append(p)
        self.outputs[name], _ = run_neurons(name, p.neuron, current, p.bias, self.steps)

    def circuit_with(self, p: Population) -> Circuit:
        self.populations.append(p)
        found = self.circuit()
        self.populations.pop()
        return found

    def _with_thresholds(
        self, model: NeuronModel, current: FloatArray, bias: FloatArray, rate: float
    ) -> NeuronModel:
        """θ of each channel: the drive that only `rate` of its drives exceed, so that it is met exactly."""
        gain = 1.0 if model.gain is None else model.gain[:, None]
        drives = np.moveaxis(gain * current + bias, 2, 0).reshape(current.shape[2], -1)
        levels = []
        for k in range(len(model.levels)):
            theta = np.quantile(drives, 1 - rate / (k + 1), axis=1, method="nearest")
            theta = np.maximum(theta, 2.0**-4)
            if model.emits is Emits.MULTISPIKE:
                theta = np.full_like(theta, 2.0 ** np.round(np.log2(np.median(theta) / 2)))
            levels.append(floats(theta[:, None, None]))
        return replace(model, levels=tuple(levels))


def one(value: float) -> FloatArray:
    return floats([[[value]]])


MODELS = {
    "if": NeuronModel(),
    "if >": NeuronModel(compare=Compare.GREATER),
    "lif": NeuronModel(decay=one(0.5)),
    "subtract": NeuronModel(reset=Reset.SUBTRACT),
    "subtract > lif": NeuronModel(reset=Reset.SUBTRACT, compare=Compare.GREATER, decay=one(0.75)),
    "late subtract": NeuronModel(reset=Reset.SUBTRACT, late_reset=True, decay=one(0.5)),
    "no reset": NeuronModel(reset=Reset.NONE),
    "no memory": NeuronModel(decay=one(0.0)),
    "floor": NeuronModel(v_min=0.0),
    "floor below": NeuronModel(v_min=-0.5, reset=Reset.SUBTRACT),
    "levels": NeuronModel(levels=(one(1.0),) * 3, compare=Compare.GREATER, decay=one(0.5)),
    "multispike": NeuronModel(emits=Emits.MULTISPIKE, reset=Reset.SUBTRACT),
    "multispike >": NeuronModel(
        emits=Emits.MULTISPIKE, reset=Reset.SUBTRACT, compare=Compare.GREATER, decay=one(0.5)
    ),
    "gain": NeuronModel(
        gain=floats(np.array([0.5, 1.25, -0.75, 1.0]).reshape(4, 1, 1, 1)), decay=one(0.875)
    ),
}
"""Name -> the neuron of every spiking population but gates; "gain" is one per step."""


PLAIN = MODELS["if"]


def random_circuit(
    seed: int, model: NeuronModel, *, grid: bool, relay: bool = False
) -> tuple[Circuit, InputData]:
    """(circuit, input): conv, conv with an identity shortcut, a join of both, conv of the join, dense read-out."""
    rng = np.random.default_rng(seed)
    static = bool(rng.integers(2))
    pixels = rng.integers(0, 16, (*(() if static else (4,)), 4, 2, 6, 6)) / 16.0
    if not grid:
        pixels = rng.normal(0, 0.4, pixels.shape)
    kind = InputKind.STATIC if static else InputKind.FRAMES
    g = Growing(rng=rng, grid=grid, inputs=InputData(kind=kind, values=floats(pixels)))
    if model.v_min or model.emits is Emits.MULTISPIKE:
        g.alike = ("b", "c", "r", "out")
    same = Conv(padding=(1, 1))
    g.project((INPUT,), "a", same, 5)
    g.add("a", (5, 6, 6), PLAIN, maps=True)
    g.project(("a",), "b", same, 5)
    g.project(("a",), "b", Identity(), 5)
    g.add("b", (5, 6, 6), model)
    joined = ("a", "b")
    if relay:
        g.project(("a", "b"), "r", Identity(), 5)
        g.project(("a",), "r", Conv(padding=(1, 1), groups=5), 5)
        g.add("r", (5, 6, 6), NeuronModel(emits=Emits.GRADED))
        joined = ("r",)
    g.project(joined, "c", Conv(stride=(2, 2), padding=(1, 1)), 6)
    g.add("c", (6, 3, 3), PLAIN if model.emits is Emits.MULTISPIKE else model)
    g.project(("c",), "out", Dense(pooled=bool(rng.integers(2))), 4)
    g.add("out", (4, 1, 1), NeuronModel(emits=Emits.NOTHING, reset=Reset.NONE))
    return g.circuit(), g.inputs
