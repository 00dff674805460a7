"""MLF with the spiking DS-ResNet (Feng et al., IJCAI 2022): recognise a checkpoint, read it."""

import re
from functools import partial

from snn2chip.arrays import floats
from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import INPUT, Add, InputKind, NetworkInput
from snn2chip.neuron import Compare, NeuronModel, Reset
from snn2chip.readers.builder import Builder
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.claims import check_classes, frame_of
from snn2chip.readers.mlf_twin import write_twin
from snn2chip.readers.options import Options, number, positive, refuse_unknown, whole
from snn2chip.readers.stages import blocks_of
from snn2chip.readers.steps import steps_of
from snn2chip.readers.types import Match, ReadModel, ReadRequest, System
from snn2chip.zoo.load import filled
from snn2chip.zoo.mlf import MLFNeurons, MLFResNet

NAME = "mlf_ds_resnet"
READOUT = "voting"
THRESHOLDS = {"Vth": 0.6, "Vth2": 1.6, "Vth3": 2.6}
DECAY = 0.25
OPTIONS = ("T", "TimeStep", "num_classes", *THRESHOLDS, "tau", "a", "alpha", "levels")
"""Module constants of the authors' code; `a` is the surrogate's width and changes nothing here. `levels` is ours."""

_BLOCK = re.compile(r"layer(\d+)\.execute\.(\d+)\.conv1\.weight")
_INPUT_NORM = "bn0.bn.running_mean"


def recognise(container: Container) -> Match:
    """YES for keys of the authors' code."""
    keys = container.tensors
    mine = "voting.weight" in keys and any(_BLOCK.fullmatch(k) for k in keys)
    return Match.YES if mine else Match.NO


def read(container: Container, request: ReadRequest) -> ReadModel:
    """The network, its module and its twin writer."""
    refuse_unknown(request.options, OPTIONS)
    if recognise(container) is not Match.YES:
        raise Snn2ChipError(
            "checkpoint-keys",
            container.path,
            f"has no keys of a {NAME}",
            have=", ".join(list(container.tensors)[:4]),
            need="layer1.execute.0.conv1.weight, …, voting.weight",
        )
    o = Options(given=request.options, args=container.args)
    neurons = _neurons(o)
    b = Builder(container=container)
    blocks = blocks_of(container, _BLOCK, "layer{}.execute.{}")
    weight = b.tensor("conv1.weight", None, None, 3, 3)
    width, channels = weight.shape[:2]
    gesture = _INPUT_NORM in container.tensors
    authors_steps, side = (40, 32) if gesture else (10, 42) if channels == 2 else (4, 32)
    steps = steps_of(o, request, authors_steps, "TimeStep")
    frame = frame_of(
        request,
        o,
        (channels, side, side),
        f"input of {side} x {side} pixels (the authors')",
        f"conv1.weight of {container.path}",
    )
    maker = _Maker(b, neurons)
    last = maker.stem(channels, gesture)
    size = frame[1:]
    for i, count in enumerate(blocks):
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            last = maker.block(f"layer{i + 1}.execute.{j}", last, width << i, stride)
        size = size if i == 0 else (-(-size[0] // 2), -(-size[1] // 2))
    classes = b.head(READOUT, last, maker.channels, size)
    check_classes(o, container.path, READOUT, classes)
    kind = InputKind.STATIC if request.frames is None and channels != 2 else InputKind.FRAMES
    network = b.network(
        NetworkInput(shape=frame, kind=kind),
        steps,
        READOUT,
        NAME,
        f"{NAME} ({list(blocks)} blocks, width {width})",
        o,
    )
    empty = partial(
        MLFResNet,
        blocks,
        classes,
        in_channels=channels,
        width=width,
        T=steps,
        input_norm=gesture,
        neurons=neurons,
    )
    return ReadModel(
        network=network,
        module=partial(filled, empty, b.state(), container.is_double),
        write_twin=partial(
            write_twin, container=container, blocks=blocks, neurons=neurons, readout=READOUT
        ),
    )


class _Maker:
    """Adds unit after unit, conv - tdBN - MLF."""

    def __init__(self, builder: Builder, neurons: MLFNeurons) -> None:
        self.builder, self.neurons, self.channels = builder, neurons, 0
        self.model = NeuronModel(
            levels=tuple(floats([[[v]]]) for v in neurons.thresholds),
            decay=floats([[[neurons.decay]]]),
            compare=Compare.GREATER,
            reset=Reset.ZERO,
        )

    def stem(self, channels: int, input_norm: bool) -> str:
        """Everything before the first block. The norm of the input stands before the padding of conv1."""
        self.channels, source = channels, INPUT
        if input_norm:
            source = self._norm("bn0.bn", source, affine=False)
        return self.unit(("conv1", "bn1", "spike_func"), source, None, 1)

    def block(self, path: str, start: str, outputs: int, stride: int) -> str:
        """Two units and the shortcut; returns the join."""
        channels = self.channels
        units = [(f"{path}.conv{k}", f"{path}.bn{k}", f"{path}.spike_func@{k}") for k in (1, 2)]
        inner = self.unit(units[0], start, outputs, stride)
        branch, identity = self.unit(units[1], inner, outputs, 1), start
        if stride != 1 or channels != outputs:
            self.channels, shortcut = channels, f"{path}.shortcut"
            names = (f"{shortcut}.0", f"{shortcut}.1", f"{shortcut}.2")
            identity = self.unit(names, start, outputs, stride)
        return self.builder.add(f"{path}#out", Add(), branch, identity)

    def unit(self, names: tuple[str, str, str], source: str, outputs: int | None, step: int) -> str:
        """`names` of the convolution, the norm and the neurons."""
        conv, self.channels = self.builder.conv(names[0], source, self.channels, outputs, step)
        return self.builder.neuron(names[2], self.model, self._norm(f"{names[1]}.bn", conv))

    def _norm(self, path: str, source: str, affine: bool = True) -> str:
        factor = self.neurons.thresholds[0]
        norm = self.builder.norm_of(path, self.channels, factor, eps_outside=True, affine=affine)
        return self.builder.add(path, norm, source)


def _neurons(o: Options) -> MLFNeurons:
    """The authors' module constants, or what the user says; alpha scales the norms and is 1 everywhere."""
    o.find("a", number)
    alpha = o.find("alpha", positive)
    if alpha not in (None, 1.0):
        why = f"alpha = {alpha} is not allowed"
        raise Snn2ChipError(
            "option-value", "--option alpha", why, need="1, as in the authors' code"
        )
    levels = o.find("levels", whole) or len(THRESHOLDS)
    if levels > len(THRESHOLDS):
        why = f"levels = {levels} is not allowed"
        raise Snn2ChipError("option-value", "--option levels", why, need="1 … 3 thresholds")
    for name in list(THRESHOLDS)[levels:]:
        if name in o.given:
            why = f"is a threshold beyond levels={levels}"
            raise Snn2ChipError("option-contradicts", f"--option {name}", why)
    values: list[float] = []
    for name, default in list(THRESHOLDS.items())[:levels]:
        said = o.find(name, positive)
        values.append(o.default(name, default, _WHY) if said is None else said)
    decay = o.find("tau", number)
    decay = o.default("tau", DECAY, _WHY) if decay is None else decay
    if not 0 <= decay <= 1:
        why = f"tau = {decay} is not allowed"
        raise Snn2ChipError(
            "option-value", "--option tau", why, need="0 … 1: it is the decay factor itself"
        )
    return MLFNeurons(thresholds=tuple(values), decay=decay)


_WHY = "a constant of the authors' code; checkpoints do not say"


MLF = System(name=NAME, archs=(NAME,), options=OPTIONS, recognise=recognise, read=read)
