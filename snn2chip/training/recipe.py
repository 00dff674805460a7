"""How a network is trained: optimiser, schedule, batches, seed."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LambdaLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
)

from snn2chip.errors import Snn2ChipError

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("cosine", "step", "onecycle", "constant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`optimizer`, `schedule`: one of OPTIMIZERS and SCHEDULES.

    cosine: to 0 over all epochs. step: times `gamma` after each of the `drops` (parts of all epochs). onecycle: up to
    `learning_rate` and down again, batch by batch. `label_smoothing`: answers less extreme leave decisions room.
    `augment`: crops and flips, where the data set's classes survive them. `seed`: of weights and order; it is for the
    caller to set it before the network is made, see `loop.seeded`.
    """

    epochs: int
    batch: int
    learning_rate: float
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "cosine"
    drops: tuple[float, ...] = ()
    gamma: float = 0.1
    label_smoothing: float = 0.0
    augment: bool = True
    seed: int = 1


def check(recipe: Recipe, samples: int) -> None:
    """Raise for what cannot be trained with."""
    wrong = {
        "--epochs": (recipe.epochs >= 1, recipe.epochs, "at least 1"),
        "--batch": (1 <= recipe.batch <= samples, recipe.batch, f"1 … {samples}, the samples"),
        "--lr": (0 < recipe.learning_rate < float("inf"), recipe.learning_rate, "above 0"),
        "--optimizer": (
            recipe.optimizer in OPTIMIZERS,
            recipe.optimizer,
            " | ".join(OPTIMIZERS),
        ),
        "--schedule": (recipe.schedule in SCHEDULES, recipe.schedule, " | ".join(SCHEDULES)),
    }
    for option, (fine, have, need) in wrong.items():
        if not fine:
            raise Snn2ChipError(
                "option-value", option, "cannot be trained with", have=str(have), need=need
            )

    if recipe.schedule == "step" and not recipe.drops:
        raise Snn2ChipError(
            "option-value",
            "--schedule step",
            "this recipe has no epochs to drop the learning rate after",
            need="cosine | onecycle | constant, or a preset that drops it",
        )


def can_be_extended(recipe: Recipe) -> bool:
    """Whether more epochs leave those before as they were: every schedule but this one spans all epochs."""
    return recipe.schedule == "constant"


def optimizer_of(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The optimiser; `momentum` is SGD's."""
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return SGD(parameters, rate, momentum=recipe.momentum, weight_decay=decay)
    kind = Adam if recipe.optimizer == "adam" else AdamW
    return kind(parameters, rate, weight_decay=decay)


def schedule_of(recipe: Recipe, optimizer: Optimizer, batches: int) -> tuple[LRScheduler, bool]:
    """(schedule, whether it steps after every batch instead of every epoch); `batches` of an epoch."""
    if recipe.schedule == "onecycle":
        total = recipe.epochs * batches
        return OneCycleLR(optimizer, recipe.learning_rate, total_steps=total), True
    if recipe.schedule == "cosine":
        return CosineAnnealingLR(optimizer, recipe.epochs), False
    if recipe.schedule == "step":
        drops = [round(part * recipe.epochs) for part in recipe.drops]
        return MultiStepLR(optimizer, drops, recipe.gamma), False
    return LambdaLR(optimizer, lambda _: 1.0), False
