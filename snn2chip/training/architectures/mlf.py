"""MLF with the spiking DS-ResNet (Feng et al., IJCAI 2022): neurons of several thresholds, to train."""

import argparse
from dataclasses import replace

from snn2chip.readers.mlf import THRESHOLDS
from snn2chip.readers.options import positive, whole, wholes
from snn2chip.training.architectures.common import SMALL
from snn2chip.training.architectures.types import (
    Architecture,
    Finished,
    Setting,
    Values,
    between,
    surrogate_settings,
    whole_between,
)
from snn2chip.training.dataset import Dataset
from snn2chip.training.recipe import Recipe
from snn2chip.zoo.mlf import MLFNeurons, MLFResNet
from snn2chip.zoo.surrogates import RECTANGLE

PAPER = Recipe(
    epochs=110,
    batch=64,
    learning_rate=0.1,
    weight_decay=1e-4,
    schedule="step",
    drops=(40 / 110, 80 / 110),
)
"""CIFAR-10."""

SETTINGS: dict[str, Setting] = {
    "levels": Setting(
        parse=whole_between(1, len(THRESHOLDS)),
        small=3,
        paper=3,
        help="thresholds of a neuron: 1, 2 or 3; 1 is a plain LIF neuron",
    ),
    "T": Setting(parse=whole, small=4, paper=4, help="time steps"),
    "blocks": Setting(parse=wholes, small=[1, 1], paper=[3, 3, 3], help="blocks of each stage"),
    "width": Setting(parse=whole, small=8, paper=64, help="channels of the first stage"),
    "tau": Setting(parse=between(0, 1), small=0.25, paper=0.25, help="decay of membranes"),
    **{
        name: Setting(
            parse=positive,
            small=value,
            paper=value,
            help=f"threshold {i}",
            only_with=("levels", tuple(range(i, len(THRESHOLDS) + 1))),
        )
        for i, (name, value) in enumerate(THRESHOLDS.items(), 1)
    },
    **surrogate_settings(RECTANGLE),
}


def make(v: Values, data: Dataset) -> MLFResNet:
    """The network."""
    levels = tuple(v.number(name) for name in THRESHOLDS)[: v.whole("levels")]
    neurons = MLFNeurons(thresholds=levels, decay=v.number("tau"), surrogate=v.surrogate())
    return MLFResNet(
        v.wholes("blocks"),
        data.classes,
        in_channels=data.frame[0],
        width=v.whole("width"),
        T=v.whole("T"),
        neurons=neurons,
    )


def pack(done: Finished) -> object:
    """The container of the authors, with the constants of their code."""
    held = {name: done.values.of[name] for name in ("T", "levels", "tau", *THRESHOLDS)}
    return {
        "model": done.net.state_dict(),
        "epoch": done.recipe.epochs,
        "args": argparse.Namespace(**held),
    }


MLF = Architecture(
    name="mlf_ds_resnet",
    title="MLF with spiking DS-ResNet (Feng et al., IJCAI 2022): neurons of several thresholds",
    settings=SETTINGS,
    small=replace(SMALL, batch=32, epochs=4),
    paper=PAPER,
    make=make,
    pack=pack,
    method="three levels",
    off={"levels": 1},
)
