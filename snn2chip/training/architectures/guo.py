"""ResNets of Guo's group with the branches of "Take A Shortcut Back" (NeurIPS 2024), to train.

The paper's code is not published. What is known: branches from intermediate layers to the output, each with a loss;
a coefficient that weighs them against the main loss, and falls from epoch to epoch. Ours: a branch after every stage
but the last; loss = CE(main) + λ0 · (1 - e/E) · Σ CE(branch) in epoch e of E.
"""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.options import flag, positive, whole, wholes
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
from snn2chip.training.loop import Loss
from snn2chip.training.recipe import Recipe
from snn2chip.zoo.guo import IMAGENET_KERNEL, GuoResNet
from snn2chip.zoo.surrogates import TANH

PAPER = Recipe(epochs=400, batch=128, learning_rate=0.1, weight_decay=1e-4)
"""Of the group's MPBN; this paper's own is not known."""


def _stem_kernel(name: str, value: object) -> int:
    if value not in (3, IMAGENET_KERNEL):
        raise Snn2ChipError(
            "option-value", f"--option {name}", "is no such kernel", have=str(value), need="3 | 7"
        )
    return whole(name, value)


SETTINGS: dict[str, Setting] = {
    "branches": Setting(
        parse=flag, small=True, paper=True, help="train with branches from the stages to the loss"
    ),
    "branch_weight": Setting(
        parse=between(0, 100),
        small=0.5,
        paper=0.5,
        help="λ0, what they weigh at the start",
        only_with=("branches", (True,)),
    ),
    "step": Setting(parse=whole, small=4, paper=4, help="time steps"),
    "blocks": Setting(parse=wholes, small=[1, 1, 1], paper=[2, 2, 2, 2], help="blocks of a stage"),
    "width": Setting(parse=whole, small=8, paper=64, help="channels of the first stage"),
    "stem": Setting(
        parse=whole_between(0, 9),
        small=0,
        paper=3,
        help="convolutions in front; 0: one, without the mean over 2 x 2",
    ),
    "stem_kernel": Setting(
        parse=_stem_kernel,
        small=3,
        paper=3,
        help="7 as for ImageNet: stride 2, and a mean over 3 x 3",
        only_with=("stem", (0,)),
    ),
    "decay": Setting(parse=between(0, 1), small=0.25, paper=0.25, help="decay of membranes"),
    "threshold": Setting(parse=positive, small=0.5, paper=0.5, help="threshold of neurons"),
    "membrane_norm": Setting(parse=flag, small=False, paper=False, help="norms on membranes, MPBN"),
    **surrogate_settings(TANH),
}


def make(v: Values, data: Dataset) -> GuoResNet:
    """The network."""
    return GuoResNet(
        v.wholes("blocks"),
        data.classes,
        step=v.whole("step"),
        in_channels=data.frame[0],
        width=v.whole("width"),
        stem=int(v.number("stem")),
        stem_kernel=v.whole("stem_kernel"),
        decay=v.number("decay"),
        threshold=v.number("threshold"),
        membrane_norm=v.flag("membrane_norm"),
        branches=v.flag("branches"),
        surrogate=v.surrogate(),
    )


def loss(v: Values, recipe: Recipe) -> Loss:
    """CE(main) + λ0 · (1 - done) · Σ CE(branch)."""
    weight, smoothing = v.number("branch_weight"), recipe.label_smoothing

    def entropy(logits: Tensor, y: Tensor) -> Tensor:
        return functional.cross_entropy(logits, y, label_smoothing=smoothing)

    def total(net: nn.Module, x: Tensor, y: Tensor, done: float) -> Tensor:
        if not isinstance(net, GuoResNet) or not net.has_branches:
            return entropy(net(x), y)
        main, *branches = net.answers(x)
        coefficient = weight * (1 - done)
        return entropy(main, y) + coefficient * sum(entropy(b, y) for b in branches)

    return total


def pack(done: Finished) -> object:
    """The bare state dict, as the group saves."""
    return done.net.state_dict()


def deploy(v: Values) -> Mapping[str, object]:
    """What a bare state dict cannot say."""
    return {"step": v.whole("step"), **{k: v.number(k) for k in ("decay", "threshold")}}


GUO = Architecture(
    name="guo_resnet",
    title='ResNets of Guo\'s group with the branches of "Take A Shortcut Back" (NeurIPS 2024)',
    settings=SETTINGS,
    small=replace(SMALL, batch=32, epochs=6),
    paper=PAPER,
    make=make,
    pack=pack,
    deploy=deploy,
    loss=loss,
    loss_fades=lambda v: v.flag("branches"),
    method="branches",
    off={"branches": False},
    steps="step",
)
