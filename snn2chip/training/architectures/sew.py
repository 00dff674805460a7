"""SEW ResNet and the plain Spiking ResNet (Fang et al., NeurIPS 2021), to train."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from snn2chip.readers.options import choice, flag, whole, wholes
from snn2chip.training.architectures.common import SMALL, container_of_fang, stem_stride
from snn2chip.training.architectures.types import (
    Architecture,
    Finished,
    Setting,
    Values,
    above_one,
    surrogate_settings,
)
from snn2chip.training.dataset import Dataset
from snn2chip.training.recipe import Recipe
from snn2chip.zoo import sew_resnet, spiking_resnet
from snn2chip.zoo.neuron import SpikingNeuron
from snn2chip.zoo.surrogates import ATAN
from snn2chip.zoo.trunk import ResNetTrunk

PAPER = Recipe(epochs=320, batch=32, learning_rate=0.1)
"""ImageNet: SGD with momentum 0.9, no weight decay, cosine."""

PLAIN = "NONE"
"""`connect_f` of the plain Spiking ResNet: currents are summed before the last neurons instead."""

NEURONS = ("IFNode", "LIFNode", "ParametricLIFNode")

SHARED: dict[str, Setting] = {
    "T": Setting(parse=whole, small=4, paper=4, help="time steps"),
    "blocks": Setting(parse=wholes, small=[2, 2], paper=[2, 2, 2, 2], help="blocks of each stage"),
    "bottleneck": Setting(
        parse=flag, small=False, paper=False, help="blocks of three convolutions"
    ),
    "width": Setting(parse=whole, small=16, paper=64, help="channels of the first stage"),
    "stem_kernel": Setting(parse=whole, small=3, paper=7, help="size of the first kernel"),
    "stem_stride": Setting(parse=whole, small=stem_stride, paper=2, help="its stride"),
    "stem_pool": Setting(parse=flag, small=False, paper=True, help="a max pool after it"),
    "zero_init_residual": Setting(
        parse=flag, small=True, paper=True, help="start with branches that are silent"
    ),
    "neuron": Setting(
        parse=choice(*NEURONS), small="IFNode", paper="IFNode", help=", ".join(NEURONS)
    ),
    "tau": Setting(
        parse=above_one,
        small=2.0,
        paper=2.0,
        help="time constant of LIF neurons",
        only_with=("neuron", ("LIFNode", "ParametricLIFNode")),
    ),
    **surrogate_settings(ATAN),
}

CONNECT = Setting(
    parse=choice("ADD", "AND", "IAND", PLAIN),
    small="ADD",
    paper="ADD",
    help=f"how blocks are joined: ADD, AND, IAND; {PLAIN}: the plain Spiking ResNet",
)


def make_sew(v: Values, data: Dataset) -> ResNetTrunk:
    """The network; the plain one where nothing joins spikes."""
    if v.word("connect_f") == PLAIN:
        return make_plain(v, data)
    block = sew_resnet.Bottleneck if v.flag("bottleneck") else sew_resnet.BasicBlock
    return sew_resnet.SEWResNet(block, v.wholes("blocks"), v.word("connect_f"), **_trunk(v, data))


def make_plain(v: Values, data: Dataset) -> ResNetTrunk:
    """The plain Spiking ResNet."""
    block = spiking_resnet.Bottleneck if v.flag("bottleneck") else spiking_resnet.BasicBlock
    return spiking_resnet.SpikingResNet(block, v.wholes("blocks"), **_trunk(v, data))


def _trunk(v: Values, data: Dataset) -> dict[str, Any]:
    kind = v.word("neuron")
    neuron = partial(
        SpikingNeuron,
        tau=None if kind == "IFNode" else v.number("tau"),
        learned=kind == "ParametricLIFNode",
        surrogate=v.surrogate(),
    )
    return {
        "zero_init_residual": v.flag("zero_init_residual"),
        "neuron": neuron,
        "num_classes": data.classes,
        "T": v.whole("T"),
        "in_channels": data.frame[0],
        "width": v.whole("width"),
        "stem_kernel": v.whole("stem_kernel"),
        "stem_stride": v.whole("stem_stride"),
        "stem_pool": v.flag("stem_pool"),
    }


def pack(done: Finished) -> object:
    """The container of the authors' imagenet/train.py."""
    v = done.values
    joined = {"connect_f": v.of["connect_f"]} if v.of.get("connect_f", PLAIN) != PLAIN else {}
    return container_of_fang(
        done,
        T=v.whole("T"),
        **joined,
        stem_stride=v.whole("stem_stride"),
        stem_pool=v.flag("stem_pool"),
    )


def deploy(v: Values) -> Mapping[str, object]:
    """Neurons are in no container of the authors, but for learned decays."""
    if v.word("neuron") != "LIFNode":
        return {}
    return {"neuron": "LIFNode", "tau": v.number("tau")}


SEW_RESNET = Architecture(
    name="sew_resnet",
    title="SEW ResNet (Fang et al., NeurIPS 2021): spikes joined after the neurons",
    settings={"connect_f": CONNECT, **SHARED},
    small=SMALL,
    paper=PAPER,
    make=make_sew,
    pack=pack,
    deploy=deploy,
    method="join after the neurons",
    off={"connect_f": PLAIN},
)

SPIKING_RESNET = Architecture(
    name="spiking_resnet",
    title="plain Spiking ResNet (baseline of the same paper): currents summed before the neurons",
    settings=SHARED,
    small=SMALL,
    paper=PAPER,
    make=make_plain,
    pack=pack,
    deploy=deploy,
    method="silent branches at the start",
    off={"zero_init_residual": False},
)
