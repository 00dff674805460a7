"""Networks of published tables, by their shapes alone: constant weights of a given width, one threshold for all."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from snn2chip.arrays import floats, ints
from snn2chip.bench.published import anchors, rows
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
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
    QuantizedReadOut,
)

ZERO, ONE = ints([[[0]]]), ints([[[1]]])
SPIKING = IntegerNeuron(
    levels=(ZERO,),
    amounts=(ONE,),
    delta=ZERO,
    reset=Reset.ZERO,
    late_reset=False,
    emits=Emits.SPIKE,
)


@dataclass(slots=True, kw_only=True)
class _Growing:
    """A circuit under construction: what has which shape, and the populations and projections so far."""

    shape: Shape
    shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])
    populations: list[QuantizedPopulation] = field(default_factory=list[QuantizedPopulation])
    projections: list[QuantizedProjection] = field(default_factory=list[QuantizedProjection])

    def conv(
        self,
        name: str,
        sources: Sequence[str],
        channels: int,
        size: int,
        stride: int = 1,
        *,
        groups: int = 1,
        bits: int = 8,
    ) -> tuple[str, ...]:
        """A convolution padded by half its kernel; returns itself as a source."""
        c, *source = self._of(sources[0])
        pad = size // 2
        rows, columns = ((n + 2 * pad - size) // stride + 1 for n in source)
        kernel = Conv(stride=(stride, stride), padding=(pad, pad), groups=groups)
        weight = (channels, c // groups, size, size)
        return self._layer(name, sources, (channels, rows, columns), kernel, weight, bits)

    def answer(self, name: str, sources: Sequence[str], classes: int) -> None:
        """A linear layer behind a mean over the map."""
        weight = (classes, self._of(sources[0])[0])
        self._layer(name, sources, (classes, 1, 1), Dense(pooled=True), weight, 8)

    def done(self, steps: int) -> QuantizedCircuit:
        """The circuit."""
        return QuantizedCircuit(
            input=QuantizedInput(
                shape=self.shape, kind=InputKind.STATIC, scale=1.0, bits=8, signed=False
            ),
            steps=steps,
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            joins=(),
            readout=QuantizedReadOut(population=self.populations[-1].name, mean=True),
            v_limit=(1 << 23) - 1,
            target="none",
            provenance=Provenance(path="", sha256="", system="bench", arch="shapes"),
        )

    def _of(self, name: str) -> Shape:
        return self.shape if name == INPUT else self.shapes[name]

    def _layer(
        self,
        name: str,
        sources: Sequence[str],
        shape: Shape,
        kernel: Kernel,
        weight: tuple[int, ...],
        bits: int,
    ) -> tuple[str, ...]:
        self.shapes[name] = shape
        self.populations.append(
            QuantizedPopulation(
                name=name,
                shape=shape,
                neuron=SPIKING,
                bias=ZERO,
                fraction_bits=0,
                scale=floats(np.ones(shape[0])),
                unit=1.0,
                origin=Origin(layer=name, role=Role.NEURON),
            )
        )
        self.projections.append(
            QuantizedProjection(
                name=f"->{name}",
                sources=tuple(sources),
                target=name,
                kernel=kernel,
                weight=np.broadcast_to(np.int64(-(1 << (bits - 1))), weight),
                exponent=0,
                bits=bits,
            )
        )
        return (name,)


def sew_resnet18() -> QuantizedCircuit:
    """SEW ResNet-18 (ADD) at 224x224, 8 bits, T 4: a max pool of spikes, joins that stay tuples of summands."""
    b = _Growing(shape=(3, 224, 224))
    x = b.conv("conv1", (INPUT,), 64, 7, 2)
    x = b.conv("maxpool", x, 64, 3, 2, groups=64, bits=2)
    for stage in range(4):
        channels = 64 << stage
        for block in range(2):
            name, stride = f"layer{stage + 1}.{block}", 2 if stage and not block else 1
            second = b.conv(f"{name}.2", b.conv(f"{name}.1", x, channels, 3, stride), channels, 3)
            x = b.conv(f"{name}.down", x, channels, 1, stride) if stride > 1 else x
            x = (*x, *second)
    b.answer("fc", x, 1000)
    return b.done(4)


def sew_resnet152() -> QuantizedCircuit:
    """SEW ResNet-152 (ADD) at 224x224, 8 bits, T 4: bottlenecks, up to 37 summands in a join."""
    b = _Growing(shape=(3, 224, 224))
    x = b.conv("conv1", (INPUT,), 64, 7, 2)
    x = b.conv("maxpool", x, 64, 3, 2, groups=64, bits=2)
    for stage, blocks in enumerate((3, 8, 36, 3)):
        width = 64 << stage
        for block in range(blocks):
            name, stride = f"layer{stage + 1}.{block}", 2 if stage and not block else 1
            second = b.conv(f"{name}.2", b.conv(f"{name}.1", x, width, 1), width, 3, stride)
            third = b.conv(f"{name}.3", second, 4 * width, 1)
            x = x if block else b.conv(f"{name}.down", x, 4 * width, 1, stride)
            x = (*x, *third)
    b.answer("fc", x, 1000)
    return b.done(4)


def yolo_kp() -> QuantizedCircuit:
    """The layers of YOLO-KP, with the weight bits decoded from the printed table (of several that fit, the most)."""
    b = _Growing(shape=(3, 448, 448))
    x: tuple[str, ...] = (INPUT,)
    decoded = anchors()["loihi2_yolo_kp"]["decoded"]["weight_bits_per_row"]
    for i, (row, bits) in enumerate(zip(rows("loihi2_yolo_kp"), decoded, strict=True)):
        most = max(bits) if isinstance(bits, list) else bits
        x = b.conv(f"conv{i + 1}", x, row["c_out"], row["k"], row["stride"], bits=most)
    return b.done(1)


def mobilenet() -> QuantizedCircuit:
    """MobileNet of width 1.0 at 128x128, without its classifier: 27 convolutions, 1,646,592 neurons."""
    b = _Growing(shape=(3, 128, 128))
    x = b.conv("conv1", (INPUT,), 32, 3, 2)
    channels = 32
    widths = (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
    for i, outputs in enumerate(widths, start=1):
        stride = 2 if i in (2, 4, 6, 12) else 1
        x = b.conv(f"depthwise{i}", x, channels, 3, stride, groups=channels)
        x = b.conv(f"pointwise{i}", x, outputs, 1)
        channels = outputs
    return b.done(1)
