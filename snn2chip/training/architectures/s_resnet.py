"""S-ResNet (Vicente-Sola et al., 2022): a batch norm for every time step, to train."""

import argparse
from dataclasses import replace

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.options import flag, whole
from snn2chip.training.architectures.common import SMALL
from snn2chip.training.architectures.types import (
    Architecture,
    Finished,
    Setting,
    Values,
    between,
    surrogate_settings,
)
from snn2chip.training.dataset import Dataset
from snn2chip.training.recipe import Recipe
from snn2chip.zoo.s_resnet import SResnet, SResnetNM
from snn2chip.zoo.surrogates import TRIANGLE

PAPER = Recipe(
    epochs=70,
    batch=21,
    learning_rate=0.0268,
    weight_decay=1e-4,
    schedule="step",
    drops=(0.7, 0.8, 0.9),
)
"""The authors' train.py."""

SETTINGS: dict[str, Setting] = {
    "n": Setting(parse=whole, small=1, paper=6, help="pairs of convolutions in each of 3 stages"),
    "nFilters": Setting(parse=whole, small=8, paper=32, help="channels of the first stage"),
    "num_steps": Setting(parse=whole, small=4, paper=50, help="time steps"),
    "leak_mem": Setting(parse=between(0, 1), small=0.874, paper=0.874, help="decay of membranes"),
    "boosting": Setting(parse=flag, small=False, paper=False, help="ten outputs for each class"),
    "norm_per_step": Setting(
        parse=flag, small=True, paper=True, help="false: one norm for all steps (ours, to compare)"
    ),
    **surrogate_settings(TRIANGLE),
}


def make(v: Values, data: Dataset) -> SResnet:
    """The network; for frames of events the variant whose first convolution has stride 2."""
    shared = not v.flag("norm_per_step")
    sizes = v.whole("n"), v.whole("nFilters"), v.whole("num_steps"), v.number("leak_mem")
    channels, side = data.frame[:2]
    if data.frames is not None and v.flag("boosting"):
        raise Snn2ChipError(
            "option-contradicts",
            "--option boosting",
            "is for images; the authors' network for events has one output for each class",
        )
    if data.frames is not None:
        return SResnetNM(
            *sizes,
            side,
            data.classes,
            in_channels=channels,
            shared_norms=shared,
            surrogate=v.surrogate(),
        )
    return SResnet(
        *sizes,
        side,
        data.classes,
        v.flag("boosting"),
        in_channels=channels,
        shared_norms=shared,
        surrogate=v.surrogate(),
    )


def pack(done: Finished) -> object:
    """The container of the authors, with the arguments that it lacks."""
    v = done.values
    names = ("leak_mem", "boosting")
    return {
        "global_step": done.recipe.epochs,
        "state_dict": done.net.state_dict(),
        "accuracy": 100 * done.accuracy,
        "args": argparse.Namespace(**{name: v.of[name] for name in names}),
    }


S_RESNET = Architecture(
    name="s_resnet",
    title="S-ResNet (Vicente-Sola et al., 2022): batch norms per time step",
    settings=SETTINGS,
    small=replace(SMALL, batch=32, epochs=6),
    paper=PAPER,
    make=make,
    pack=pack,
    method="norms per step",
    off={"norm_per_step": False},
    steps="num_steps",
)
