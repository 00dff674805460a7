"""Networks to measure with: random int8 weights, thresholds set so that layers fire as trained networks do.

Like in trained SEW ResNets about 15 % of the neurons fire in a step, half as many in the second layer of a block.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from snn2chip.arrays import floats, ints
from snn2chip.chip.target import load_target
from snn2chip.circuit.types import (
    INPUT,
    Conv,
    Dense,
    InputKind,
    Kernel,
    Origin,
    Provenance,
    Role,
    Shape,
)
from snn2chip.files import shipped_data
from snn2chip.inputs import InputData
from snn2chip.lowering import lower
from snn2chip.model import ModelRequest, load_model
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.input import choose_input, quantize_input
from snn2chip.quantize.quantize import quantize
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
    QuantizedReadOut,
)

RATE = 0.15
ZERO = ints([[[0]]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workload:
    """A circuit, the input that is timed, and one line that says what they are."""

    name: str
    what: str
    qc: QuantizedCircuit
    inputs: InputData


class _Growing:
    """A circuit under construction; every population is calibrated on one sample as it is added."""

    def __init__(self, seed: int, inputs: InputData, taken: QuantizedInput, steps: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.inputs, self.taken, self.steps = inputs, taken, steps
        self.populations: list[QuantizedPopulation] = []
        self.projections: list[QuantizedProjection] = []
        static = inputs.kind is InputKind.STATIC
        one = inputs.values[None, :1] if static else inputs.values[:, :1]
        self.values: dict[str, Tensor] = {INPUT: torch.tensor(one[:, 0], dtype=torch.float32)}

    def conv(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: int,
        size: int,
        stride: int = 1,
        rate: float = RATE,
    ) -> tuple[str, ...]:
        """A convolution with integrate-and-fire neurons behind it; returns itself as a source."""
        inputs = self.values[sources[0]].shape[1]
        weight = np.clip(
            np.round(self.rng.normal(0, 30, (channels, inputs, size, size))), -127, 127
        )
        kernel = Conv(stride=(stride, stride), padding=(size // 2, size // 2))
        current = self._project(name, sources, kernel, weight)
        spread = current.std((0, 2, 3)).clamp(min=1)
        bias = (
            torch.from_numpy(self.rng.normal(0, 0.1, channels))
            .float()
            .mul(spread)
            .round()[:, None, None]
        )
        theta = _threshold(
            current.expand(self.steps, -1, -1, -1) + bias, spread[:, None, None], rate
        )
        return self._neurons(name, current, theta, bias)

    def either(
        self, name: str, sources: tuple[str, ...], size: int, stride: int, padding: int
    ) -> tuple[str, ...]:
        """Max pooling of spikes: a gate that fires where any spike in its window did."""
        channels = self.values[sources[0]].shape[1]
        kernel = Conv(stride=(stride, stride), padding=(padding, padding), groups=channels)
        current = self._project(name, sources, kernel, np.ones((channels, 1, size, size)))
        return self._neurons(name, current, torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), delta=4095)

    def block(
        self, name: str, x: tuple[str, ...], channels: int, stride: int = 1
    ) -> tuple[str, ...]:
        """A SEW block (ADD): two convolutions, and the input (or its strided 1x1 convolution) added to their spikes."""
        first = self.conv(f"{name}.1", x, channels, 3, stride)
        second = self.conv(f"{name}.2", first, channels, 3, rate=RATE / 2)
        if stride == 1 and self.values[x[0]].shape[1] == channels:
            return (*x, *second)
        return (*self.conv(f"{name}.down", x, channels, 1, stride), *second)

    def done(self, x: tuple[str, ...], classes: int) -> QuantizedCircuit:
        """The circuit, with a pooled read-out of `x`."""
        weight = np.clip(
            np.round(self.rng.normal(0, 30, (classes, self.values[x[0]].shape[1]))), -127, 127
        )
        self.projections.append(_projection("answer", x, Dense(pooled=True), weight))
        neuron = _neuron(ZERO, 0, Emits.NOTHING)
        self.populations.append(_population("answer", (classes, 1, 1), neuron, ZERO, Role.READOUT))
        return QuantizedCircuit(
            input=self.taken,
            steps=self.steps,
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            joins=(),
            readout=QuantizedReadOut(population="answer", mean=True),
            v_limit=(1 << 23) - 1,
            target="none",
            provenance=Provenance(path="", sha256="", system="bench", arch="random"),
        )

    def _project(
        self, name: str, sources: tuple[str, ...], kernel: Conv, weight: np.ndarray
    ) -> Tensor:
        self.projections.append(_projection(name, sources, kernel, weight))
        x = torch.stack([self.values[s] for s in sources]).sum(0)
        w = torch.tensor(weight, dtype=torch.float32)
        return functional.conv2d(x, w, None, kernel.stride, kernel.padding, groups=kernel.groups)

    def _neurons(
        self, name: str, current: Tensor, theta: Tensor, bias: Tensor, delta: int = 0
    ) -> tuple[str, ...]:
        self.values[name] = _fired(current.expand(self.steps, -1, -1, -1) + bias, theta, delta)
        neuron = _neuron(ints(theta.numpy()), delta, Emits.SPIKE)
        channels, rows, columns = current.shape[1:]
        shape = (channels, rows, columns)
        self.populations.append(_population(name, shape, neuron, ints(bias.numpy()), Role.NEURON))
        return (name,)


def _fired(drive: Tensor, theta: Tensor, delta: int = 0) -> Tensor:
    v = torch.zeros_like(drive[0])
    spikes: list[Tensor] = []
    for x in drive:
        v = x if delta else v + x
        spikes.append((v > theta).float())
        v = torch.where(v > theta, 0.0, v)
    return torch.stack(spikes)


def _threshold(drive: Tensor, spread: Tensor, rate: float) -> Tensor:
    """Whole thresholds, a multiple of each channel's spread, at which `rate` of the neurons fire per step."""
    low, high = 0.0, 8.0
    for _ in range(12):
        middle = (low + high) / 2
        fires = float(_fired(drive, (middle * spread).round()).mean())
        low, high = (middle, high) if fires > rate else (low, middle)
    return (high * spread).round()


def _neuron(theta: np.ndarray, delta: int, emits: Emits) -> IntegerNeuron:
    return IntegerNeuron(
        levels=(theta,),
        amounts=(theta,),
        delta=ints([[[delta]]]),
        reset=Reset.ZERO,
        late_reset=False,
        emits=emits,
    )


def _population(
    name: str, shape: Shape, neuron: IntegerNeuron, bias: np.ndarray, role: Role
) -> QuantizedPopulation:
    return QuantizedPopulation(
        name=name,
        shape=shape,
        neuron=neuron,
        bias=bias,
        fraction_bits=0,
        scale=floats(np.ones(shape[0])),
        unit=1.0,
        origin=Origin(layer=name, role=role),
    )


def _projection(
    name: str, sources: tuple[str, ...], kernel: Kernel, weight: np.ndarray
) -> QuantizedProjection:
    return QuantizedProjection(
        name=f"{name}:w",
        sources=sources,
        target=name,
        kernel=kernel,
        weight=ints(weight),
        exponent=0,
        bits=8,
    )


def _images(rng: np.random.Generator, batch: int, side: int) -> tuple[InputData, QuantizedInput]:
    shape = (3, side, side)
    values = ints(rng.integers(0, 256, (batch, *shape)))
    taken = QuantizedInput(shape=shape, kind=InputKind.STATIC, scale=1 / 255, bits=8, signed=False)
    return InputData(kind=InputKind.STATIC, values=values), taken


def _residual(
    name: str,
    what: str,
    side: int,
    batch: int,
    stem: tuple[int, int],
    layers: tuple[tuple[int, int], ...],
    classes: int,
    pool: bool = False,
) -> Workload:
    """A SEW ResNet on images. stem: (size, stride); layers: (channels, blocks)."""
    inputs, taken = _images(np.random.default_rng(1), batch, side)
    net = _Growing(0, inputs, taken, steps=4)
    x = net.conv("stem", (INPUT,), layers[0][0], *stem)
    if pool:
        x = net.either("pool", x, 3, 2, 1)
    for i, (channels, blocks) in enumerate(layers):
        for j in range(blocks):
            x = net.block(f"layer{i + 1}.{j}", x, channels, 2 if i and not j else 1)
    return Workload(name=name, what=what, qc=net.done(x, classes), inputs=inputs)


RESNET18 = ((64, 2), (128, 2), (256, 2), (512, 2))


def small_residual(batch: int = 64) -> Workload:
    """W1: four narrow blocks."""
    what = f"stem and 4 SEW blocks, 16 channels, 8x8, T 4, batch {batch}"
    return _residual("W1", what, 8, batch, (3, 1), ((16, 4),), 10)


def sew_resnet18_cifar(batch: int = 16) -> Workload:
    """W2: SEW ResNet-18 with the stem for small images."""
    what = f"SEW ResNet-18, 3x3 stem, 32x32, T 4, batch {batch}"
    return _residual("W2", what, 32, batch, (3, 1), RESNET18, 10)


def sew_resnet18_imagenet() -> Workload:
    """W3: SEW ResNet-18 on one image of 224 x 224."""
    what = "SEW ResNet-18, 7x7 stem and max pool, 224x224, T 4, batch 1"
    return _residual("W3", what, 224, 1, (7, 2), RESNET18, 1000, pool=True)


def event_frames() -> Workload:
    """W4: like 7B-Net of the SEW paper, on frames of a camera of events."""
    shape, steps, batch = (2, 64, 64), 16, 16
    values = ints(np.random.default_rng(1).random((steps, batch, *shape)) < 0.05)
    inputs = InputData(kind=InputKind.FRAMES, values=values)
    taken = QuantizedInput(shape=shape, kind=InputKind.FRAMES, scale=1.0, bits=1, signed=False)
    net = _Growing(0, inputs, taken, steps)
    x: tuple[str, ...] = (INPUT,)
    for i in range(6):
        x = net.conv(f"stage{i + 1}.conv", x, 32, 3)
        x = net.block(f"stage{i + 1}", x, 32)
        x = net.either(f"stage{i + 1}.pool", x, 2, 2, 0)
    what = "6 stages (conv, SEW block, pool) of 32 channels, events 2x64x64 at 5 %, T 16, batch 16"
    return Workload(name="W4", what=what, qc=net.done(x, 11), inputs=inputs)


def ten_layers(batch: int = 32) -> Workload:
    """Ten layers of 3x3 convolution and neurons, 32 channels of 16x16."""
    inputs, taken = _images(np.random.default_rng(1), batch, 16)
    net = _Growing(0, inputs, taken, steps=8)
    x: tuple[str, ...] = (INPUT,)
    for i in range(10):
        x = net.conv(f"conv{i + 1}", x, 32, 3)
    what = f"10 layers of 3x3 convolution and neurons, 32 channels, 16x16, T 8, batch {batch}"
    return Workload(name="ten layers", what=what, qc=net.done(x, 10), inputs=inputs)


def mnist(batch: int = 32) -> Workload:
    """The trained network that comes with the package, on images that it has not seen."""
    folder = shipped_data()
    found = load_model(
        ModelRequest(
            path=str(folder / "mnist.pth"),
            input_path=str(folder / "mnist_demo.npy"),
            layout="NCHW",
        )
    )
    circuit = lower(found.network).circuit
    grid = choose_input(circuit.input.shape, circuit.input.kind, found.inputs)
    target = load_target("loihi2")
    qc, _ = quantize(circuit, target.widths, target=target.name, input=grid)
    if found.inputs is None:
        raise ValueError("the demo has images")
    images = InputData(kind=found.inputs.kind, values=found.inputs.values[:batch])
    what = f"the trained MNIST network of the demo, T {qc.steps}, batch {batch}"
    return Workload(name="MNIST", what=what, qc=qc, inputs=quantize_input(qc.input, images)[0])


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "W1": small_residual,
    "W2": sew_resnet18_cifar,
    "W3": sew_resnet18_imagenet,
    "W4": event_frames,
}
