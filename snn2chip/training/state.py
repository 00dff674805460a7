"""The state of a training between two epochs, in one file: what a run needs to go on as if it had never stopped."""

import hashlib
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from snn2chip.errors import Snn2ChipError
from snn2chip.files import write_whole
from snn2chip.training.dataset import Dataset
from snn2chip.training.recipe import Recipe

FORMAT = 1


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


def identity(net: nn.Module, data: Dataset, recipe: Recipe, device: str, more: str) -> str:
    """A digest of everything that decides the weights; `more`: what the others do not show, such as the surrogate."""
    digest = hashlib.sha256()
    shapes = {k: tuple(v.shape) for k, v in net.state_dict().items()}
    told = (FORMAT, recipe, data.augment, shapes, device, more)
    told = (*told, torch.get_num_threads(), torch.__version__)
    digest.update(repr(told).encode())
    for array in (data.train_x, data.train_y):
        digest.update(repr(array.dtype).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def save(path: Path, whose: str, epochs: tuple[Epoch, ...], parts: dict[str, Any]) -> None:
    """Write the state whole or not at all. `parts`: objects with a `state_dict`."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    tree = {
        "format": FORMAT,
        "identity": whose,
        "epochs": [asdict(e) for e in epochs],
        "rng": torch.get_rng_state(),
        "rng_cuda": cuda,
        **{name: part.state_dict() for name, part in parts.items()},
    }
    out = io.BytesIO()
    torch.save(tree, out)
    write_whole(path, out.getvalue())


def restore(path: Path, whose: str, parts: dict[str, Any]) -> tuple[Epoch, ...]:
    """Bring `parts` and torch's generators to the state at `path`; returns the epochs that are done."""
    if not path.exists():
        return ()
    try:
        tree = torch.load(path, map_location="cpu", weights_only=True)
        found, done = tree["identity"], tuple(Epoch(**e) for e in tree["epochs"])
    except OSError as e:
        why = f"cannot be read: {(e.strerror or str(e)).lower()}"
        raise Snn2ChipError("train-state", str(path), why) from e
    except Exception as e:  # a damaged file raises whatever its bytes lead to
        raise Snn2ChipError(
            "train-state", str(path), "is no state of a training, or is damaged", help=_AGAIN
        ) from e
    if found != whose:
        raise Snn2ChipError(
            "train-state",
            str(path),
            "is of another training: another network, data set, recipe, device, number of threads or torch",
            help=_AGAIN,
        )
    for name, part in parts.items():
        part.load_state_dict(tree[name])
    torch.set_rng_state(tree["rng"])
    if tree["rng_cuda"]:
        torch.cuda.set_rng_state_all(tree["rng_cuda"])
    return done


_AGAIN = "give the options that it was begun with, or another --out; remove the file to begin again"
