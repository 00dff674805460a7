"""The training loop: the same options give the same weights, whether it was stopped in between or not."""

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.progress import Progress, Silent
from snn2chip.training import state as states
from snn2chip.training.augment import crop_and_flip
from snn2chip.training.dataset import Dataset, Images, Labels
from snn2chip.training.recipe import Recipe, check, optimizer_of, schedule_of
from snn2chip.training.state import Epoch

Loss = Callable[[nn.Module, Tensor, Tensor, float], Tensor]
"""(network, input, classes, part of all epochs that is done) -> the number to make small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Every epoch; `resumed`: how many of them an earlier run had done."""

    epochs: tuple[Epoch, ...]
    resumed: int


@contextmanager
def seeded(seed: int, *, threads: int = 1, device: str = "cpu") -> Generator[None]:
    """Seed torch, and make it repeat itself: a fixed number of threads, deterministic kernels, no TensorFloat-32.

    Make the network and train it inside. What torch was set to comes back at the end. On a GPU, what has no
    deterministic kernel is a warning of torch; TensorFloat-32, cuDNN's default there, keeps 10 bits of every factor.
    """
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    if device != "cpu":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
    torch.manual_seed(seed)
    exact = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    try:
        with exact:
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def fit(
    net: nn.Module,
    data: Dataset,
    recipe: Recipe,
    *,
    loss: Loss | None = None,
    device: str = "cpu",
    state: Path | None = None,
    identity: Mapping[str, object] | str = "",
    progress: Progress | None = None,
) -> Trained:
    """Train `net` in place from the weights it has; it comes back on the CPU, in evaluation mode.

    Order and augmentation are drawn from torch's own generator: call this inside `seeded`. `state`: a file that is
    rewritten after each epoch; where it is there already, training goes on from it. `identity`: what decides the
    weights and is seen neither in the recipe nor in the shapes of the tensors (options by name, a surrogate).
    Without `loss`: cross-entropy with the recipe's label smoothing. No epoch is chosen by the held-back samples.
    """
    check(recipe, len(data.train_x))
    _check_device(device)
    tell = progress or Silent()
    net.to(device)
    batches = len(data.train_x) // recipe.batch
    optimizer = optimizer_of(recipe, net.parameters())
    schedule, by_batch = schedule_of(recipe, optimizer, batches)
    parts = {"net": net, "optimizer": optimizer, "schedule": schedule}
    more = {"other options": identity} if isinstance(identity, str) else identity
    told = states.identity(net, data, recipe, device, more)
    epochs = () if state is None else states.restore(state, told, recipe, parts)
    resumed = len(epochs)
    if resumed:
        tell.note(f"going on after epoch {resumed} of {recipe.epochs}: {state}")
    step = _Step(net, loss or _cross_entropy(recipe.label_smoothing), optimizer, device)
    for number in range(resumed, recipe.epochs):
        with tell.stage(f"epoch {number + 1}") as done:
            net.train()
            total = 0.0
            for i, (x, y) in enumerate(_batches(data, recipe)):
                total += step(x, y, number / recipe.epochs)
                if by_batch:
                    schedule.step()
                done((i + 1) / batches)
            if not by_batch:
                schedule.step()
            right = correct(net, data.test_x, data.test_y, device=device)
        epoch = Epoch(loss=total / batches, right=right, tested=len(data.test_y))
        epochs = (*epochs, epoch)
        _tell(tell, number + 1, recipe.epochs, epoch)
        if state is not None:
            states.save(state, told, epochs, parts)
    net.to("cpu").eval()
    return Trained(epochs=epochs, resumed=resumed)


def correct(net: nn.Module, x: Images, y: Labels, *, device: str = "cpu", batch: int = 100) -> int:
    """How many of the samples get their class."""
    net.eval()
    with torch.no_grad():
        answers = [
            net(as_input(x[i : i + batch], device)).argmax(1).cpu() for i in range(0, len(x), batch)
        ]
    return int((torch.cat(answers).numpy() == y).sum())


def as_input(x: Images, device: str = "cpu") -> Tensor:
    """Images [N, C, H, W] as they are, frames [N, T, C, H, W] as [T, N, C, H, W], in float32."""
    tensor = torch.from_numpy(np.array(x)).to(device, torch.float32)
    return tensor.transpose(0, 1) if tensor.dim() == 5 else tensor


@dataclass(slots=True)
class _Step:
    """One batch: the loss, and the weights after it."""

    net: nn.Module
    loss: Loss
    optimizer: torch.optim.Optimizer
    device: str

    def __call__(self, x: Tensor, y: Tensor, done: float) -> float:
        loss = self.loss(self.net, x.to(self.device), y.to(self.device), done)
        value = loss.item()
        if not np.isfinite(value):
            raise StatementError(
                "train-diverged",
                "training",
                f"the loss became {value}",
                help="take a smaller --lr, or another surrogate_width",
            )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return value


def _batches(data: Dataset, recipe: Recipe) -> Iterator[tuple[Tensor, Tensor]]:
    """Full batches in a new order."""
    count = len(data.train_x) // recipe.batch
    for chosen in torch.randperm(len(data.train_x))[: count * recipe.batch].split(recipe.batch):
        x = as_input(data.train_x[chosen.numpy()])
        moved = crop_and_flip(x) if recipe.augment and data.augment else x
        yield moved, torch.from_numpy(data.train_y[chosen.numpy()])


def _cross_entropy(smoothing: float) -> Loss:
    def loss(net: nn.Module, x: Tensor, y: Tensor, _: float) -> Tensor:
        return functional.cross_entropy(net(x), y, label_smoothing=smoothing)

    return loss


def _check_device(device: str) -> None:
    if device not in ("cpu", "cuda"):
        raise Snn2ChipError(
            "option-value", "--device", f"unknown value {device!r}", need="cpu | cuda"
        )
    if device == "cuda" and not torch.cuda.is_available():
        raise Snn2ChipError("option-value", "--device cuda", "torch finds no such device here")


def _tell(tell: Progress, number: int, of: int, e: Epoch) -> None:
    tell.note(
        f"epoch {number:2} of {of}: loss {e.loss:.3f}, {e.right} of {e.tested} held back right "
        f"({100 * e.accuracy:.2f} %)"
    )
