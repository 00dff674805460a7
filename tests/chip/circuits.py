"""Quantized circuits to map: SEW-like networks of any size, and random small ones."""

from dataclasses import replace

import numpy as np

from snn2chip.arrays import floats, ints
from snn2chip.circuit.types import INPUT, Conv, Dense, Identity, InputKind, Origin, Provenance, Role
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
    QuantizedReadOut,
)


class Builder:
    """Collects populations and projections; shapes of convolutions follow from their kernels."""

    def __init__(self, shape, seed=0, bits=8, kind=InputKind.STATIC, steps=4):
        self.rng = np.random.default_rng(seed)
        self.input = QuantizedInput(shape=shape, kind=kind, scale=1.0, bits=bits, signed=False)
        self.steps = steps
        self.shapes = {INPUT: shape}
        self.populations = []
        self.projections = []

    def neurons(
        self,
        name,
        shape,
        role=Role.NEURON,
        bias=None,
        levels=1,
        emits=Emits.SPIKE,
        reset=Reset.ZERO,
    ):
        theta = [ints(self.rng.integers(10, 90, (shape[0], 1, 1))) for _ in range(levels)]
        neuron = IntegerNeuron(
            levels=tuple(theta),
            amounts=tuple(ints(t + 1) for t in theta),
            delta=ints([[[2048]]]),
            reset=reset,
            late_reset=False,
            emits=emits,
        )
        values = self.rng.integers(-20, 20, (shape[0], 1, 1)) if bias is None else bias
        self.populations.append(
            QuantizedPopulation(
                name=name,
                shape=shape,
                neuron=neuron,
                bias=ints(values),
                fraction_bits=2,
                scale=floats(np.ones(shape[0])),
                unit=1.0,
                origin=Origin(layer=name, role=role),
            )
        )
        self.shapes[name] = shape
        return name

    def project(self, sources, target, kernel, weight, exponent=0):
        sources = (sources,) if isinstance(sources, str) else tuple(sources)
        self.projections.append(
            QuantizedProjection(
                name=f"{'+'.join(sources)}->{target}",
                sources=sources,
                target=target,
                kernel=kernel,
                weight=ints(weight),
                exponent=exponent,
                bits=8,
            )
        )

    def weights(self, *shape):
        return self.rng.integers(-127, 128, shape)

    def conv(self, name, sources, channels, size=3, stride=1, groups=1, weight=None, **kind):
        first = sources if isinstance(sources, str) else sources[0]
        c, h, w = self.shapes[first]
        pad = size // 2
        out = [(n + 2 * pad - size) // stride + 1 for n in (h, w)]
        self.neurons(name, (channels, *out), **kind)
        if weight is None:
            weight = self.weights(channels, c // groups, size, size)
        kernel = Conv(stride=(stride, stride), padding=(pad, pad), groups=groups)
        self.project(sources, name, kernel, weight)
        return name

    def pool(self, name, source, size=3, stride=2):
        c = self.shapes[source][0]
        ones = np.ones((c, 1, size, size), np.int64)
        return self.conv(name, source, c, size, stride, groups=c, weight=ones, role=Role.GATE)

    def answer(self, name, source, classes, pooled=True):
        c, h, w = self.shapes[source if isinstance(source, str) else source[0]]
        self.neurons(name, (classes, 1, 1), Role.READOUT, emits=Emits.NOTHING, reset=Reset.NONE)
        weight = self.weights(classes, c if pooled else c * h * w)
        self.project(source, name, Dense(pooled=pooled), weight)
        return name

    def done(self, readout):
        return QuantizedCircuit(
            input=self.input,
            steps=self.steps,
            populations=tuple(self.populations),
            projections=tuple(self.projections),
            joins=(),
            readout=QuantizedReadOut(population=readout, mean=True),
            v_limit=(1 << 23) - 1,
            target="test",
            provenance=Provenance(path="", sha256="", system="test", arch="test"),
        )


def sew_resnet(shape=(3, 224, 224), blocks=(2, 2, 2, 2), width=64, classes=1000, seed=0, stem=7):
    """SEW ResNet with ADD: the input of a block is the sum of every spike train since its stage's shortcut."""
    b = Builder(shape, seed)
    b.conv("conv1", INPUT, width, stem, 2)
    carried = (b.pool("maxpool", "conv1"),)
    for stage, count in enumerate(blocks):
        channels = width << stage
        for block in range(count):
            name = f"layer{stage + 1}.{block}"
            stride = 2 if stage and not block else 1
            first = b.conv(f"{name}.conv1", carried, channels, 3, stride)
            second = b.conv(f"{name}.conv2", first, channels)
            if stride > 1:
                carried = (b.conv(f"{name}.down", carried, channels, 1, stride),)
            carried = (*carried, second)
    return b.done(b.answer("fc", carried, classes))


def small_sew(seed, **kind):
    """A SEW ResNet that runs in milliseconds."""
    return sew_resnet((2, 24, 22), (1, 2), 4, 5, seed, 3, **kind)


def random_circuit(seed):
    """Two to six populations of random shapes and kernels, joins among those of equal shape."""
    rng = np.random.default_rng(seed)
    b = Builder((int(rng.integers(1, 4)), *(int(n) for n in rng.integers(3, 9, 2))), seed, bits=4)
    names = [b.conv("p0", INPUT, int(rng.integers(1, 9)))]
    for i in range(1, int(rng.integers(2, 6))):
        last = b.shapes[names[-1]]
        mates = [n for n in names if b.shapes[n] == last]
        sources = tuple(mates[: int(rng.integers(1, len(mates) + 1))])
        kind = rng.integers(0, 4)
        name = f"p{i}"
        if kind == 0:
            b.neurons(name, last)
            b.project(sources, name, Identity(), b.weights(last[0]), exponent=1)
        elif kind == 1:
            b.conv(name, sources, last[0], groups=last[0])
        else:
            size, stride = int(rng.choice([1, 3])), int(rng.integers(1, 3))
            channels = last[0] if rng.random() < 0.5 else int(rng.integers(1, 9))
            b.conv(name, sources, channels, size, stride, levels=int(rng.integers(1, 3)))
        names.append(name)
    return b.done(b.answer("answer", names[-1], 3, pooled=bool(rng.random() < 0.5)))


def for_loihi1(qc):
    """The same with what neurons of Loihi 1 have: 6 fraction bits, thresholds that are multiples of 64, one level."""
    populations = []
    for p in qc.populations:
        n = p.neuron
        theta = ints(n.levels[0] % 5 * 64 + 64 * 20)
        neuron = replace(n, levels=(theta,), amounts=(ints(theta + 1),))
        populations.append(replace(p, fraction_bits=6, neuron=neuron, bias=ints(p.bias * 64)))
    return replace(qc, populations=tuple(populations))
