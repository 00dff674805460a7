"""The state of a training between two epochs, in one file: what a run needs to go on as if it had never stopped."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from snn2chip.errors import Snn2ChipError
from snn2chip.files import write_whole
from snn2chip.training.dataset import Dataset
from snn2chip.training.recipe import Recipe, can_be_extended

FORMAT = 2
EPOCHS, CUDA = "--epochs", "cuda"


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """`loss`: mean over the batches. `right` of `tested` samples that were held back."""

    loss: float
    right: int
    tested: int

    @property
    def accuracy(self) -> float:
        """Part of the held-back samples that get their class."""
        return self.right / self.tested


FLAGS = {"learning_rate": "lr"}
"""Fields of a Recipe whose flag has another name."""

Told = dict[str, str]
"""What decides the weights: its name as a user knows it -> its value, or a digest of it."""


def identity(
    net: nn.Module, data: Dataset, recipe: Recipe, device: str, more: Mapping[str, object]
) -> Told:
    """Everything that decides the weights; `more`: what the others do not show, such as options by name."""
    shapes = {k: tuple(v.shape) for k, v in net.state_dict().items()}
    arrays = hashlib.sha256(repr(data.augment).encode())
    for array in (data.train_x, data.train_y):
        arrays.update(repr(array.dtype).encode())
        arrays.update(np.ascontiguousarray(array).data)
    flags = {f"--{FLAGS.get(k, k).replace('_', '-')}": v for k, v in asdict(recipe).items()}
    gpu = {"GPU": torch.cuda.get_device_name()} if device == CUDA else {}
    return {
        **{k: repr(v) for k, v in {**flags, **more}.items()},
        **gpu,
        "--device": device,
        "--threads": str(torch.get_num_threads()),
        "torch": str(torch.__version__),
        "shapes of the weights": hashlib.sha256(repr(shapes).encode()).hexdigest()[:12],
        "training samples": arrays.hexdigest()[:12],
    }


def save(path: Path, told: Told, epochs: tuple[Epoch, ...], parts: dict[str, Any]) -> None:
    """Write the state whole or not at all. `parts`: objects with a `state_dict`."""
    cuda = torch.cuda.get_rng_state() if told["--device"] == CUDA else None
    tree = {
        "format": FORMAT,
        "told": told,
        "epochs": [asdict(e) for e in epochs],
        "rng": torch.get_rng_state(),
        "rng_cuda": cuda,
        **{name: part.state_dict() for name, part in parts.items()},
    }
    out = io.BytesIO()
    torch.save(tree, out)
    write_whole(path, out.getvalue())


def restore(path: Path, told: Told, recipe: Recipe, parts: dict[str, Any]) -> tuple[Epoch, ...]:
    """Bring `parts` and torch's generators to the state at `path`; returns the epochs that are done."""
    if not path.exists():
        return ()
    try:
        tree = torch.load(path, map_location="cpu", weights_only=True)
        kind, done = tree["format"], tuple(Epoch(**e) for e in tree["epochs"])
    except OSError as e:
        why = f"cannot be read: {(e.strerror or str(e)).lower()}"
        raise Snn2ChipError("train-state", str(path), why) from e
    except Exception as e:  # a damaged file raises whatever its bytes lead to
        raise Snn2ChipError(
            "train-state", str(path), "is no state of a training, or is damaged", help=_AGAIN
        ) from e
    if kind != FORMAT:
        why = "was written by another release"
        have, need = f"format {kind}", str(FORMAT)
        raise Snn2ChipError("train-state", str(path), why, have=have, need=need, help=_AGAIN)
    _check(path, tree["told"], told, recipe, len(done))
    for name, part in parts.items():
        part.load_state_dict(tree[name])
    torch.set_rng_state(tree["rng"])
    if tree["rng_cuda"] is not None:
        torch.cuda.set_rng_state(tree["rng_cuda"])
    return done


def _check(path: Path, found: Told, told: Told, recipe: Recipe, done: int) -> None:
    """Raise where the state is of another training, with what differs."""
    differ = [
        k for k in (*told, *(k for k in found if k not in told)) if found.get(k) != told.get(k)
    ]
    if not differ:
        return
    why, help = "is of another training", _AGAIN
    if differ == [EPOCHS]:
        if can_be_extended(recipe) and done <= recipe.epochs:
            return
        if can_be_extended(recipe):
            why = f"has {done} epochs already"
        else:
            why += f": the schedule {recipe.schedule} spans all of its epochs"
            help += "; with --schedule constant epochs can be added"
    have, need = (", ".join(f"{k} {x.get(k, 'unset')}" for k in differ) for x in (found, told))
    raise Snn2ChipError("train-state", str(path), why, have=have, need=need, help=help)


_AGAIN = "give the options that it was begun with, or another --out; remove the file to begin again"
