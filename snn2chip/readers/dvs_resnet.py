"""The DVS networks of the SEW repository (7B-Net, Wide-7B-Net, ResNetN): recognise a checkpoint, read it."""

from functools import partial

import torch

from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import (
    INPUT,
    Add,
    Flatten,
    InputKind,
    MaxPool2d,
    NetworkInput,
    Shape,
)
from snn2chip.readers.builder import Builder
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.claims import check_classes, frame_of
from snn2chip.readers.dvs_keys import READOUT, Part, PartKind, is_dvs, parts_of, with_pools
from snn2chip.readers.dvs_options import DEFAULT_POOL, OPTIONS, Settings, settle
from snn2chip.readers.dvs_twin import write_twin
from snn2chip.readers.layer_list import check_layer_list
from snn2chip.readers.options import Options
from snn2chip.readers.resnet_build import join, neuron_model
from snn2chip.readers.spelling import with_containers
from snn2chip.readers.types import Match, ReadModel, ReadRequest, System
from snn2chip.zoo.dvs_resnet import BlockType, Entry, ResNetN
from snn2chip.zoo.load import loaded
from snn2chip.zoo.neuron import SpikingNeuron

NAME = "sew_resnet_dvs"
SIZE = 128
"""Rows and columns of the frames of both data sets."""


def recognise(container: Container) -> Match:
    """YES for keys of such a network."""
    return Match.YES if is_dvs(with_containers(container)) else Match.NO


def read(container: Container, request: ReadRequest) -> ReadModel:
    """The network, its module and its twin writer."""
    container = with_containers(container)
    o = Options(given=request.options, args=container.args)
    if not is_dvs(container):
        raise Snn2ChipError(
            "checkpoint-keys",
            container.path,
            f"has no keys of a {NAME}",
            have=", ".join(list(container.tensors)[:4]),
            need="conv.0.0.module.0.weight, conv.1.conv.0.0.module.0.weight, …, out.weight",
        )
    parts = parts_of(container)
    settings = settle(container, request, parts, o)
    frame = _frame(container, request, o)
    pools = settings.pools or (
        o.default("k_pool", DEFAULT_POOL, "the authors' nets; it fits out.weight"),
    )
    builder = Builder(container=container)
    channels = len(builder.tensor(_last_norm(parts), None))
    parts, sizes, size = with_pools(container, parts, frame, channels, pools)
    maker = _Maker(builder, settings, frame[0])
    last = maker.parts(parts, sizes)
    if settings.listed:
        check_layer_list(settings.listed, maker.entries, frame[0])
    features = channels * size[0] * size[1]
    classes = builder.linear(READOUT, builder.add("flatten", Flatten(), last), features)
    check_classes(o, container.path, READOUT, classes)
    network = builder.network(
        NetworkInput(shape=frame, kind=InputKind.FRAMES), settings.steps, READOUT, NAME, NAME, o
    )
    return ReadModel(
        network=network,
        module=partial(_module, builder, maker.entries, classes, features, settings, frame[0]),
        write_twin=partial(write_twin, container=container, parts=parts, settings=settings),
    )


class _Maker:
    """Adds part after part; `entries` are the same as the authors' `layer_list`."""

    def __init__(self, builder: Builder, settings: Settings, channels: int) -> None:
        self.builder, self.settings, self.channels = builder, settings, channels
        self.entries: list[Entry] = []

    def parts(self, parts: tuple[Part, ...], pools: tuple[int, ...]) -> str:
        """Every part; returns the last one's layer."""
        last, left = INPUT, iter(pools)
        for part in parts:
            if part.kind is PartKind.UNIT:
                before = self.channels
                last, kernel = self._unit(part.path, last)
                self._entry(up_kernel_size=kernel)
                if self.channels == before:
                    self._refuse(
                        part.path, "keeps the number of channels, which no layer_list does"
                    )
            elif part.kind is PartKind.POOL:
                k = next(left)
                op = MaxPool2d(kernel=(k, k), stride=(k, k))
                last = self.builder.add(f"{part.path}#out", op, last)
                self._entry(k_pool=k)
            else:
                last = self._block(part, last)
        return last

    def _entry(
        self,
        *,
        up_kernel_size: int = 1,
        mid: int = 0,
        num_blocks: int = 0,
        k_pool: int | None = None,
    ) -> None:
        """One entry for each part: a list of the same modules, in the same order."""
        self.entries.append(
            Entry(
                channels=self.channels,
                up_kernel_size=up_kernel_size,
                mid_channels=mid,
                num_blocks=num_blocks,
                block_type=self.settings.block_type,
                k_pool=k_pool,
            )
        )

    def _block(self, part: Part, start: str) -> str:
        channels = self.channels
        inner, kernel = self._unit(f"{part.path}.conv.0", start)
        mid = self.channels
        if part.kind is PartKind.BASIC:
            total, kernel2 = self._conv_bn(f"{part.path}.conv.1", inner)
            summed = self.builder.add(f"{part.path}#sum", Add(), total, start)
            last = self._neuron(f"{part.path}.sn", summed)
        else:
            last, kernel2 = self._unit(f"{part.path}.conv.1", inner)
        if self.channels != channels or (kernel, kernel2) != (3, 3):
            self._refuse(part.path, "is no block of two 3x3 convolutions that keeps its channels")
        self._entry(mid=mid, num_blocks=1)
        if self.settings.block_type is not BlockType.SEW:
            return last
        layer = join(f"{part.path}#out", self.settings.connect_f, last, start)
        return self.builder.add(layer.name, layer.op, *layer.inputs)

    def _unit(self, path: str, source: str) -> tuple[str, int]:
        norm, kernel = self._conv_bn(f"{path}.0", source)
        return self._neuron(f"{path}.1", norm), kernel

    def _conv_bn(self, path: str, source: str) -> tuple[str, int]:
        conv, self.channels = self.builder.conv(f"{path}.module.0", source, self.channels)
        kernel = self.builder.container.tensors[f"{conv}.weight"].shape[-1]
        return self.builder.norm(f"{path}.module.1", conv, self.channels), kernel

    def _neuron(self, path: str, source: str) -> str:
        held = self.builder.container.tensors.get(f"{path}.w")
        shape = (1,) if held is None else (1,) * held.ndim
        w = self.builder.tensor(f"{path}.w", *shape)
        return self.builder.neuron(path, neuron_model(self.settings.neuron, w), source)

    def _refuse(self, path: str, why: str) -> None:
        raise Snn2ChipError("checkpoint-shape", f"{self.builder.container.path}: {path}", why)


def _module(
    b: Builder, entries: list[Entry], classes: int, features: int, s: Settings, channels: int
) -> ResNetN:
    """The zoo's module with the checkpoint's weights."""
    n = s.neuron
    neuron = partial(SpikingNeuron, n.v_threshold, n.v_reset, None, n.decay_input, True)
    with torch.device("meta"):
        empty = ResNetN(
            entries,
            classes,
            s.connect_f,
            features=features,
            in_channels=channels,
            neuron=neuron,
        )
    state = {k: v.reshape(1) if k.endswith(".w") else v for k, v in b.state().items()}
    return loaded(empty, state, b.container.is_double)


def _last_norm(parts: tuple[Part, ...]) -> str:
    """A key whose length is the number of channels of the last map."""
    last = parts[-1]
    inner = {PartKind.UNIT: ".0", PartKind.BLOCK: ".conv.1.0", PartKind.BASIC: ".conv.1"}
    return f"{last.path}{inner[last.kind]}.module.1.weight"


def _frame(container: Container, request: ReadRequest, o: Options) -> Shape:
    held = container.tensors
    units = (held.get(f"conv.0.{u}module.0.weight") for u in ("0.", "conv.0.0."))
    channels = next((w.shape[1] for w in units if w is not None and w.ndim == 4), 2)
    assumed = f"frames of {SIZE} x {SIZE} (the authors' data)"
    where = f"the first convolution of {container.path}"
    return frame_of(request, o, (channels, SIZE, SIZE), assumed, where)


SEW_RESNET_DVS = System(name=NAME, archs=(NAME,), options=OPTIONS, recognise=recognise, read=read)
