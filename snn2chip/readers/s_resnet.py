"""S-ResNet (Vicente-Sola et al., arXiv 2111.05955): recognise a checkpoint, read it.

    conv_list.i ─ bntt_list.i, a norm for every step ─ neurons conv_list.i

The authors' code has no module for neurons; they are called as the convolution that feeds them, as in the recordings,
and the convolution as its tensor, `conv_list.i.weight`. What a pair sends is `conv_list.i#out`.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from snn2chip.arrays import FloatArray, floats
from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import (
    INPUT,
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    InputKind,
    Linear,
    NetworkInput,
    Scale,
)
from snn2chip.neuron import Compare, NeuronModel, Reset
from snn2chip.readers.builder import Builder
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.options import Options
from snn2chip.readers.s_resnet_keys import (
    NAME,
    Sizes,
    is_s_resnet,
    named_once,
    named_twice,
    sizes_of,
)
from snn2chip.readers.s_resnet_options import OPTIONS, Settings, settle
from snn2chip.readers.s_resnet_twin import write_twin
from snn2chip.readers.types import Match, ReadModel, ReadRequest, System
from snn2chip.zoo.load import loaded
from snn2chip.zoo.s_resnet import EPS, VOTES, SResnet, SResnetNM

READOUT = "fc"


def recognise(container: Container) -> Match:
    """YES for keys of the authors' code."""
    return Match.YES if is_s_resnet(container) else Match.NO


def read(container: Container, request: ReadRequest) -> ReadModel:
    """The network and its module."""
    if not is_s_resnet(container):
        raise Snn2ChipError(
            "checkpoint-keys",
            container.path,
            f"has no keys of an {NAME}",
            have=", ".join(list(container.tensors)[:4]),
            need="conv_list.0.weight, bntt_list.0.0.weight, conv1x1_list.0.weight, …, fc.weight",
        )
    once, left_out = named_once(container)
    b = Builder(container=once, left_out=left_out)
    sizes = sizes_of(once)
    o = Options(given=request.options, args=container.args)
    outputs = len(b.tensor(f"{READOUT}.weight", None, 4 * sizes.width))
    settings = settle(container.path, request, sizes, outputs, o)
    last, side = _Maker(b, sizes, settings).trunk()
    b.head(READOUT, last, 4 * sizes.width, (side, side), pool="pool2", has_bias=False)
    readout, classes = _answer(b, sizes, settings, outputs)
    events = sizes.for_events or request.frames is not None or settings.drawn
    kind = InputKind.FRAMES if events else InputKind.STATIC
    boosted = ", boosting" if settings.boosting else ""
    variant = "SResnetNM" if sizes.for_events else "SResnet"
    network = b.network(
        NetworkInput(shape=settings.frame, kind=kind),
        settings.steps,
        readout,
        NAME,
        f"{NAME} ({variant} of Vicente-Sola et al. 2022, n = {sizes.n}, {sizes.width} filters, "
        f"norms of {sizes.norms} steps{boosted})",
        o,
    )
    return ReadModel(
        network=network,
        module=_module(b, sizes, settings, classes),
        write_twin=partial(
            write_twin,
            container=container,
            sizes=sizes,
            settings=settings,
            said="leak_mem" in request.options,
        ),
    )


class _Maker:
    """Adds unit after unit: convolution, norms, neurons."""

    def __init__(self, builder: Builder, sizes: Sizes, settings: Settings) -> None:
        self.builder, self.sizes, self.settings = builder, sizes, settings
        self.model = NeuronModel(
            levels=(floats([[[1.0]]]),),
            decay=floats([[[settings.leak]]]),
            compare=Compare.GREATER,
            reset=Reset.SUBTRACT,
        )

    def trunk(self) -> tuple[str, int]:
        """(the last join, the side of its map)."""
        n, width = self.sizes.n, self.sizes.width
        last, side = INPUT, self.settings.size
        if self.settings.halved:
            last = self.builder.add("resize", AvgPool2d(kernel=(2, 2), stride=(2, 2)), last)
        stride = 2 if self.sizes.for_events else 1
        last, side = self.unit(0, last, self.sizes.channels, width, stride), -(-side // stride)
        for stage in range(3):
            channels = width << stage
            for pair in range(n):
                i = 2 * n * stage + 2 * pair + 1
                halves = stage > 0 and pair == 0
                inputs = channels // 2 if halves else channels
                inner = self.unit(i, last, inputs, channels, 2 if halves else 1)
                branch = self.unit(i + 1, inner, channels, channels, 1)
                skip = self.resized(stage - 1, last, channels) if halves else last
                last = self.builder.add(f"conv_list.{i + 1}#out", Add(), branch, skip)
            side = -(-side // 2) if stage else side
        return last, side

    def unit(self, i: int, source: str, inputs: int, outputs: int, stride: int) -> str:
        """Convolution i, its norms and its neurons."""
        weight = self.builder.tensor(f"conv_list.{i}.weight", outputs, inputs, 3, 3)
        conv = Conv2d(weight=weight, stride=(stride, stride), padding=(1, 1))
        current = self.builder.add(f"conv_list.{i}.weight", conv, source)
        norm = self.norms(f"bntt_list.{i}", current, outputs)
        return self.builder.neuron(f"conv_list.{i}", self.model, norm)

    def resized(self, k: int, source: str, outputs: int) -> str:
        """The shortcut into a smaller stage: a current, no neurons behind it."""
        weight = self.builder.tensor(f"conv1x1_list.{k}.weight", outputs, outputs // 2, 1, 1)
        conv = self.builder.add(f"conv1x1_list.{k}", Conv2d(weight=weight, stride=(2, 2)), source)
        return self.norms(f"bn_conv1x1_list.{k}", conv, outputs)

    def norms(self, path: str, source: str, channels: int) -> str:
        """One norm for each step of the input."""
        norms = [
            self.builder.norm_of(f"{path}.{t}", channels, eps=EPS) for t in range(self.sizes.norms)
        ][: self.settings.steps]
        stacked = BatchNorm(
            weight=_stacked([n.weight for n in norms]),
            bias=_stacked([n.bias for n in norms]),
            mean=_stacked([n.mean for n in norms]),
            var=_stacked([n.var for n in norms]),
            eps=EPS,
        )
        return self.builder.add(path, stacked, source)


def _stacked(rows: list[FloatArray]) -> FloatArray:
    """[T, C]."""
    return floats(np.stack(rows))


def _answer(b: Builder, sizes: Sizes, settings: Settings, outputs: int) -> tuple[str, int]:
    """(layer whose mean over T is the answer, classes): votes are averaged, and the sum is divided by all steps."""
    last, classes = READOUT, outputs
    if settings.boosting:
        classes = outputs // VOTES
        votes = np.kron(np.eye(classes), np.full((1, VOTES), 1 / VOTES))
        last = b.add("boost1d", Linear(weight=floats(votes)), last)
    if settings.steps != sizes.norms:
        share = floats([[[settings.steps / sizes.norms]]])
        last = b.add(f"{last}#steps", Scale(scale=share), last)
    return last, classes


def _module(
    b: Builder, sizes: Sizes, settings: Settings, classes: int
) -> Callable[[], SResnet | SResnetNM]:
    """Makes the zoo's module with the checkpoint's weights."""
    make = SResnetNM if sizes.for_events else partial(SResnet, boosting=settings.boosting)

    def made() -> SResnet | SResnetNM:
        with torch.device("meta"):
            empty = make(
                sizes.n,
                sizes.width,
                sizes.norms,
                settings.leak,
                settings.size,
                classes,
                in_channels=sizes.channels,
            )
        return loaded(empty, named_twice(b.state()), b.container.is_double)

    return made


S_RESNET = System(name=NAME, archs=(NAME,), options=OPTIONS, recognise=recognise, read=read)
