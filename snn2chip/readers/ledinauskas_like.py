"""Networks after Ledinauskas et al. (2020): recognise a checkpoint of our own training, read it.

The authors published neither code nor checkpoints. Keys are torchvision's, which say nothing of neurons; the `args` in
the file do, and without them `--arch ledinauskas-like`.
"""

import re
from functools import partial

from snn2chip.arrays import floats
from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import INPUT, Add, AvgPool2d, InputKind, NetworkInput
from snn2chip.neuron import Compare, NeuronModel, Reset
from snn2chip.readers.builder import Builder
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.claims import check_classes, frame_of
from snn2chip.readers.ledinauskas_twin import LedinauskasPlan, write_twin
from snn2chip.readers.options import (
    TRAINING,
    Options,
    choice,
    flag,
    note_training,
    number,
    positive,
    refuse_unknown,
    whole,
)
from snn2chip.readers.stages import blocks_of
from snn2chip.readers.steps import steps_of
from snn2chip.readers.types import Match, ReadModel, ReadRequest, System
from snn2chip.zoo.ledinauskas_like import LedinauskasLike, Neurons
from snn2chip.zoo.load import filled

NAME = "ledinauskas-like"
READOUT = "fc"
STORED = ("T", "decay", "threshold", "reset", "stem_stride", "stem_pool")
"""Options that the file's own args hold."""

OPTIONS = (*STORED, "num_classes", *TRAINING)
RESETS = ("subtract", "zero")
SIDE = 32

_BLOCK = re.compile(r"layer(\d+)\.(\d+)\.bn1\.running_var")
_WHY = "ours: the paper's code is not published"


def recognise(container: Container) -> Match:
    """YES where the file's own arguments say so."""
    return Match.YES if container.args.get("arch") == NAME else Match.NO


def read(container: Container, request: ReadRequest) -> ReadModel:
    """The network, its module and its twin writer."""
    refuse_unknown(request.options, OPTIONS)
    blocks = blocks_of(container, _BLOCK, "layer{}.{}")
    if not blocks:
        raise Snn2ChipError(
            "checkpoint-keys",
            container.path,
            f"has no keys of a {NAME} network",
            have=", ".join(list(container.tensors)[:4]),
            need="conv1.weight, bn1.weight, layer1.0.conv1.weight, layer1.0.bn1.weight, …, fc.weight",
        )
    o = Options(given=request.options, args=container.args)
    note_training(o)
    steps = steps_of(o, request, 10)
    decay, threshold, soft = _constants(o)
    b = Builder(container=container)
    width, channels, kernel, _ = b.tensor("conv1.weight", None, None, None, None).shape
    said = o.find("stem_stride", whole), o.find("stem_pool", flag)
    large = kernel > 3
    stride = o.default("stem_stride", 2 if large else 1, _WHY) if said[0] is None else said[0]
    pooled = o.default("stem_pool", large, _WHY) if said[1] is None else said[1]
    frame = frame_of(
        request,
        o,
        (channels, SIDE, SIDE),
        f"input of {SIDE} x {SIDE} pixels",
        f"conv1.weight of {container.path}",
    )
    bottleneck = "layer1.0.conv3.weight" in container.tensors
    model = NeuronModel(
        levels=(floats([[[threshold]]]),),
        decay=floats([[[decay]]]),
        compare=Compare.GREATER,
        reset=Reset.SUBTRACT if soft else Reset.ZERO,
    )
    maker = _Maker(b, model)
    last, size = maker.stem(channels, frame[1:], stride, pooled)
    for i, count in enumerate(blocks):
        planes = width << i
        sizes = (planes, planes, 4 * planes) if bottleneck else (planes, planes)
        for j in range(count):
            step = 2 if i and not j else 1
            last = maker.block(f"layer{i + 1}.{j}", last, sizes, step)
            size = (-(-size[0] // step), -(-size[1] // step))
    classes = b.head(READOUT, last, maker.channels, size)
    check_classes(o, container.path, READOUT, classes)
    kind = InputKind.STATIC if request.frames is None else InputKind.FRAMES
    shape = "bottleneck" if bottleneck else "basic"
    arch = f"{NAME} ({list(blocks)} {shape} blocks, width {width})"
    network = b.network(NetworkInput(shape=frame, kind=kind), steps, READOUT, NAME, arch, o)
    empty = partial(
        LedinauskasLike,
        blocks,
        classes,
        bottleneck=bottleneck,
        width=width,
        T=steps,
        in_channels=channels,
        stem_kernel=kernel,
        stem_stride=stride,
        stem_pool=pooled,
        neuron=Neurons(decay, threshold, soft),
    )
    plan = LedinauskasPlan(
        blocks=blocks,
        convs=3 if bottleneck else 2,
        stem_pool=pooled,
        decay=decay,
        said="decay" in request.options,
        threshold=threshold,
        readout=READOUT,
        args={"arch": NAME} | {k: v for k, v in o.used.items() if k in STORED},
    )
    return ReadModel(
        network=network,
        module=partial(filled, empty, b.state(), container.is_double),
        write_twin=partial(write_twin, container=container, plan=plan),
    )


class _Maker:
    """Adds conv-bn pairs, neurons and blocks; remembers the channels of the last map."""

    def __init__(self, builder: Builder, model: NeuronModel) -> None:
        self.builder, self.model, self.channels = builder, model, 0

    def stem(
        self, channels: int, size: tuple[int, int], stride: int, pooled: bool
    ) -> tuple[str, tuple[int, int]]:
        """(last layer, its map)."""
        self.channels = channels
        last = self.builder.neuron(
            "sn1", self.model, self._unit("conv1", "bn1", INPUT, None, stride)
        )
        size = (-(-size[0] // stride), -(-size[1] // stride))
        if not pooled:
            return last, size
        if size[0] % 2 or size[1] % 2:
            raise Snn2ChipError(
                "input-shape",
                "stem_pool",
                "averages windows of 2 x 2, and the last ones would be cut",
                have=f"a map of {size[0]} x {size[1]}",
                need="even numbers of rows and columns",
            )
        pool = AvgPool2d(kernel=(2, 2), stride=(2, 2))
        return self.builder.add("pool", pool, last), (size[0] // 2, size[1] // 2)

    def block(self, path: str, start: str, sizes: tuple[int, ...], stride: int) -> str:
        """Units with neurons between them, the shortcut's current added before the last neurons."""
        channels, last, strided = self.channels, start, len(sizes) - 2
        for i, out in enumerate(sizes):
            if i:
                last = self.builder.neuron(f"{path}.sn{i}", self.model, last)
            names = f"{path}.conv{i + 1}", f"{path}.bn{i + 1}"
            last = self._unit(*names, last, out, stride if i == strided else 1)
        identity = start
        if stride != 1 or channels != sizes[-1]:
            self.channels = channels
            names = f"{path}.downsample.0", f"{path}.downsample.1"
            identity = self._unit(*names, start, sizes[-1], stride)
        total = self.builder.add(f"{path}#sum", Add(), last, identity)
        return self.builder.neuron(f"{path}.sn{len(sizes)}", self.model, total)

    def _unit(self, conv: str, norm: str, source: str, outputs: int | None, stride: int) -> str:
        name, self.channels = self.builder.conv(conv, source, self.channels, outputs, stride)
        return self.builder.norm(norm, name, self.channels)


def _constants(o: Options) -> tuple[float, float, bool]:
    """(decay, threshold, whether a spike subtracts the threshold)."""
    decay, threshold = o.find("decay", number), o.find("threshold", positive)
    reset = o.find("reset", choice(*RESETS))
    decay = o.default("decay", 0.9, _WHY) if decay is None else decay
    threshold = o.default("threshold", 1.0, _WHY) if threshold is None else threshold
    reset = o.default("reset", RESETS[0], _WHY) if reset is None else reset
    if not 0 <= decay <= 1:
        raise Snn2ChipError(
            "option-value", "--option decay", f"decay = {decay} is not allowed", need="0 … 1"
        )
    return decay, threshold, reset == RESETS[0]


LEDINAUSKAS_LIKE = System(name=NAME, archs=(NAME,), options=OPTIONS, recognise=recognise, read=read)
