"""A ResNet after Ledinauskas et al. (2020): norms on currents, surrogates whose width is tuned, to train."""

import argparse
from dataclasses import replace

from snn2chip.readers.ledinauskas_like import NAME, RESETS, STORED
from snn2chip.readers.options import choice, flag, positive, whole, wholes
from snn2chip.training.architectures.common import SMALL, stem_stride
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
from snn2chip.zoo.ledinauskas_like import FAST_SIGMOID, LedinauskasLike, Neurons

PAPER = Recipe(
    epochs=100,
    batch=64,
    learning_rate=1e-3,
    optimizer="adamw",
    weight_decay=1e-2,
    schedule="onecycle",
)
"""AdamW and one cycle are a reader's notes on the paper; the numbers are ours."""

SETTINGS: dict[str, Setting] = {
    "T": Setting(parse=whole, small=4, paper=10, help="time steps"),
    "blocks": Setting(parse=wholes, small=[2, 2], paper=[3, 4, 6, 3], help="blocks of each stage"),
    "bottleneck": Setting(parse=flag, small=False, paper=True, help="blocks of three convolutions"),
    "width": Setting(parse=whole, small=8, paper=64, help="channels of the first stage"),
    "stem_kernel": Setting(parse=whole, small=3, paper=3, help="size of the first kernel"),
    "stem_stride": Setting(parse=whole, small=stem_stride, paper=1, help="its stride"),
    "stem_pool": Setting(parse=flag, small=False, paper=False, help="a mean over 2 x 2 after it"),
    "decay": Setting(parse=between(0, 1), small=0.9, paper=0.9, help="decay of membranes"),
    "threshold": Setting(parse=positive, small=1.0, paper=1.0, help="threshold of neurons"),
    "reset": Setting(
        parse=choice(*RESETS), small=RESETS[0], paper=RESETS[0], help="subtract (soft) or zero"
    ),
    **surrogate_settings(FAST_SIGMOID, small_width=0.5),
}


def make(v: Values, data: Dataset) -> LedinauskasLike:
    """The network."""
    soft = v.word("reset") == RESETS[0]
    return LedinauskasLike(
        v.wholes("blocks"),
        data.classes,
        bottleneck=v.flag("bottleneck"),
        width=v.whole("width"),
        T=v.whole("T"),
        in_channels=data.frame[0],
        stem_kernel=v.whole("stem_kernel"),
        stem_stride=v.whole("stem_stride"),
        stem_pool=v.flag("stem_pool"),
        neuron=Neurons(v.number("decay"), v.number("threshold"), soft, v.surrogate()),
    )


def pack(done: Finished) -> object:
    """A container of our own: there is none of the authors."""
    held = {name: done.values.of[name] for name in STORED}
    arguments = argparse.Namespace(arch=NAME, **held)
    return {"model": done.net.state_dict(), "epoch": done.recipe.epochs, "args": arguments}


LEDINAUSKAS_LIKE = Architecture(
    name=NAME,
    title="a ResNet after Ledinauskas et al. (2020), not the authors' own: tuned surrogate width",
    settings=SETTINGS,
    small=replace(SMALL, batch=32),
    paper=PAPER,
    make=make,
    pack=pack,
    method="surrogate of tuned width",
    off={"surrogate_width": FAST_SIGMOID.width},
)
