"""ResNets of Guo's group (plain LIF as in IM-Loss; norms on membranes as in MPBN): recognise a checkpoint, read it.

A norm on the membrane is a threshold for each channel: with γ > 0, [γ(u - μ)/σ + β > θ] = [u > μ + (θ - β)σ/γ], where σ
= sqrt(var + eps). With γ < 0 the comparison turns round, so such channels are read with negated currents, -u > -(…):
decay and the reset to 0 do not notice.
"""

import re
from functools import partial

import numpy as np

from snn2chip.arrays import floats
from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import INPUT, Add, AvgPool2d, Flatten, InputKind, NetworkInput, Scale
from snn2chip.neuron import Compare, NeuronModel, Reset
from snn2chip.readers.builder import Builder
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.claims import check_classes, frame_of
from snn2chip.readers.guo_twin import GuoPlan, write_twin
from snn2chip.readers.options import Options, number, positive, refuse_unknown
from snn2chip.readers.spelling import with_wrappers
from snn2chip.readers.stages import blocks_of
from snn2chip.readers.steps import steps_of
from snn2chip.readers.types import Match, ReadModel, ReadRequest, System
from snn2chip.zoo.guo import IMAGENET_KERNEL, GuoResNet
from snn2chip.zoo.load import filled

NAME = "guo_resnet"
READOUT = "model.fc.conv"
OPTIONS = ("T", "step", "num_classes", "decay", "threshold")
SIDE, IMAGENET_SIDE = 32, 224

SHORTCUT = "shortcut"
"""Prefix of the branches that only training uses ("Take A Shortcut Back"); lowering drops what is under it."""

_BLOCK = re.compile(r"model\.layer(\d+)\.(\d+)\.bn1\.bn\.running_var")
_STEM = re.compile(r"model\.conv1\.(\d+)\.pool\.weight")


def recognise(container: Container) -> Match:
    """YES for keys of the wrapped, spiking networks."""
    keys = with_wrappers(container).tensors
    mine = f"{READOUT}.weight" in keys and any(_BLOCK.fullmatch(k) for k in keys)
    return Match.YES if mine else Match.NO


def read(container: Container, request: ReadRequest) -> ReadModel:
    """The network, its module and its twin writer."""
    refuse_unknown(request.options, OPTIONS)
    container = with_wrappers(container)
    if recognise(container) is not Match.YES:
        raise Snn2ChipError(
            "checkpoint-keys",
            container.path,
            f"has no keys of a {NAME}",
            have=", ".join(list(container.tensors)[:4]),
            need="model.layer1.0.conv1.pool.weight, …bn1.bn.weight, …, model.fc.conv.weight",
        )
    o = Options(given=request.options, args=container.args)
    steps = steps_of(o, request, 4, "step")
    decay, threshold = _constants(o)
    b = Builder(container=container)
    stem = sum(_STEM.fullmatch(k) is not None for k in container.tensors)
    first = "model.conv1.0.pool.weight" if stem else "model.conv1.pool.weight"
    kernel = _stem_kernel(container, first, stem)
    width, channels = b.tensor(first, None, None, kernel, kernel).shape[:2]
    side, data = (SIDE, "CIFAR") if kernel == 3 else (IMAGENET_SIDE, "ImageNet")
    frame = frame_of(
        request,
        o,
        (channels, side, side),
        f"input of {side} x {side} pixels ({data})",
        f"the first convolution of {container.path}",
    )
    maker = _Maker(b, decay, threshold, stem > 0)
    last, size = maker.stem(channels, stem, kernel, frame[1:])
    blocks = blocks_of(container, _BLOCK, "model.layer{}.{}")
    for i, count in enumerate(blocks):
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            last, size = maker.block(f"model.layer{i + 1}.{j}", last, width << i, stride, size)
        maker.branch(f"{SHORTCUT}.{i}", last, size)
    classes = b.head(READOUT, last, maker.channels, size)
    check_classes(o, container.path, READOUT, classes)
    kind = InputKind.STATIC if request.frames is None else InputKind.FRAMES
    where = "norms on membranes, MPBN" if maker.membrane_norm else "plain LIF"
    arch = f"{NAME} ({list(blocks)} blocks, width {width}, {where})"
    network = b.network(NetworkInput(shape=frame, kind=kind), steps, READOUT, NAME, arch, o)
    empty = partial(
        GuoResNet,
        blocks,
        classes,
        step=steps,
        in_channels=channels,
        width=width,
        stem=stem,
        stem_kernel=kernel,
        decay=decay,
        threshold=threshold,
        membrane_norm=maker.membrane_norm,
        branches=f"{SHORTCUT}.0.weight" in container.tensors,
    )
    plan = GuoPlan(
        stem=stem,
        blocks=blocks,
        decay=decay,
        threshold=threshold,
        membrane_norm=maker.membrane_norm,
        readout=READOUT,
    )
    return ReadModel(
        network=network,
        module=partial(filled, empty, b.state(), container.is_double),
        write_twin=partial(write_twin, container=container, plan=plan) if kernel == 3 else None,
    )


class _Maker:
    """Adds conv-bn pairs, neurons and blocks; remembers the channels of the last map."""

    def __init__(self, builder: Builder, decay: float, threshold: float, pooled: bool) -> None:
        self.builder, self.decay, self.threshold = builder, decay, threshold
        self.pooled, self.channels = pooled, 0
        self.membrane_norm = "model.layer1.0.relu1.bn.running_var" in builder.container.tensors

    def stem(
        self, channels: int, count: int, kernel: int, size: tuple[int, int]
    ) -> tuple[str, tuple[int, int]]:
        """(last layer, its map): `count` conv-bn-LIF and a mean over 2 x 2, or one of them where count is 0.

        A `kernel` of 7 x 7 has stride 2 and a mean over 3 x 3 in steps of 2 behind its neurons.
        """
        self.channels = channels
        if not count:
            large = kernel == IMAGENET_KERNEL
            unit = self._unit("model.conv1", "model.bn1", INPUT, stride=2 if large else 1)
            last = self._neuron("model.relu", unit)
            if not large:
                return last, size
            pool = AvgPool2d(kernel=(3, 3), stride=(2, 2), padding=(1, 1))
            rows, columns = (((n - 1) // 2) // 2 + 1 for n in size)
            return self.builder.add("model.pool", pool, last), (rows, columns)
        last = INPUT
        for i in range(0, 3 * count, 3):
            unit = self._unit(f"model.conv1.{i}", f"model.conv1.{i + 1}", last)
            last = self._neuron(f"model.conv1.{i + 2}", unit)
        self._check_even("model.pool", size)
        pool = AvgPool2d(kernel=(2, 2), stride=(2, 2))
        return self.builder.add("model.pool", pool, last), (size[0] // 2, size[1] // 2)

    def block(
        self, path: str, start: str, outputs: int, stride: int, size: tuple[int, int]
    ) -> tuple[str, tuple[int, int]]:
        """(last neurons, their map)."""
        channels = self.channels
        inner = self._unit(f"{path}.conv1", f"{path}.bn1", start, outputs, stride)
        inner = self._neuron(f"{path}.relu1", inner)
        branch, identity = self._unit(f"{path}.conv2", f"{path}.bn2", inner, outputs), start
        if stride != 1 or channels != outputs:
            self.channels = channels
            identity = self._shortcut(f"{path}.downsample", start, outputs, stride, size)
        total = self.builder.add(f"{path}#sum", Add(), branch, identity)
        shrunk = (-(-size[0] // stride), -(-size[1] // stride))
        return self._neuron(f"{path}.output_act", total), shrunk

    def branch(self, path: str, source: str, size: tuple[int, int]) -> None:
        """A branch for training from the stage that ends with `source`, where the file has one."""
        if f"{path}.weight" not in self.builder.container.tensors:
            return
        pool = AvgPool2d(kernel=size, stride=size)
        pooled = self.builder.add(f"{path}.pool", pool, source)
        flat = self.builder.add(f"{path}.flatten", Flatten(), pooled)
        self.builder.linear(path, flat, self.channels)

    def _shortcut(
        self, path: str, start: str, outputs: int, stride: int, size: tuple[int, int]
    ) -> str:
        if not self.pooled:
            return self._unit(f"{path}.0", f"{path}.1", start, outputs, stride)
        self._check_even(f"{path}.0", size)
        pool = AvgPool2d(kernel=(stride, stride), stride=(stride, stride))
        pooled = self.builder.add(f"{path}.0", pool, start)
        return self._unit(f"{path}.1", f"{path}.2", pooled, outputs)

    def _unit(
        self, conv: str, norm: str, source: str, outputs: int | None = None, stride: int = 1
    ) -> str:
        name, self.channels = self.builder.conv(
            f"{conv}.pool", source, self.channels, outputs, stride
        )
        return self.builder.norm(f"{norm}.bn", name, self.channels)

    def _neuron(self, path: str, source: str) -> str:
        levels, sign = np.full((1, 1, 1), self.threshold), None
        if self.membrane_norm:
            levels, sign = self._channel_thresholds(f"{path}.bn")
        if sign is not None and bool((sign < 0).any()):
            source = self.builder.add(f"{path}#sign", Scale(scale=floats(sign)), source)
        model = NeuronModel(
            levels=(floats(levels),),
            decay=floats([[[self.decay]]]),
            compare=Compare.GREATER,
            reset=Reset.ZERO,
        )
        return self.builder.neuron(path, model, source)

    def _channel_thresholds(self, path: str) -> tuple[np.ndarray, np.ndarray]:
        """(thresholds, signs of the currents), [C, 1, 1]."""
        n = self.builder.norm_of(path, self.channels)
        if bool((n.weight == 0).any()):
            raise Snn2ChipError(
                "checkpoint-values",
                f"{self.builder.container.path}: {path}.weight",
                "is 0, so the neurons fire always or never, whatever they get",
                have=f"channel {int(np.argmin(np.abs(n.weight)))}",
                need="other than 0",
            )
        sign = np.sign(n.weight)
        level = n.mean + (self.threshold - n.bias) * np.sqrt(n.var + n.eps) / n.weight
        return (sign * level)[:, None, None], sign[:, None, None]

    def _check_even(self, where: str, size: tuple[int, int]) -> None:
        if size[0] % 2 or size[1] % 2:
            raise Snn2ChipError(
                "input-shape",
                where,
                "averages windows of 2 x 2, and the last ones would be cut",
                have=f"a map of {size[0]} x {size[1]}",
                need="even numbers of rows and columns",
            )


def _stem_kernel(container: Container, first: str, stem: int) -> int:
    """3, or 7 of the ImageNet networks."""
    weight = container.tensors.get(first)
    large = not stem and weight is not None and weight.shape[-1:] == (IMAGENET_KERNEL,)
    return IMAGENET_KERNEL if large else 3


def _constants(o: Options) -> tuple[float, float]:
    """(decay, threshold)."""
    decay, threshold = o.find("decay", number, in_args=False), o.find("threshold", positive)
    why = "IM-Loss and MPBN; the group's other papers have other neurons, and keys do not tell"
    decay = o.default("decay", 0.25, why) if decay is None else decay
    threshold = o.default("threshold", 0.5, why) if threshold is None else threshold
    if not 0 <= decay <= 1:
        raise Snn2ChipError(
            "option-value", "--option decay", f"decay = {decay} is not allowed", need="0 … 1"
        )
    return decay, threshold


GUO = System(name=NAME, archs=(NAME,), options=OPTIONS, recognise=recognise, read=read)
