"""What a data set is, and the two that come with Python packages."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import Shape

Images = NDArray[Any]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Samples to train on and held back, as a network gets them: normalised where its authors normalise.

    `train_x`, `test_x`: images [N, C, H, W], or frames of events [N, T, C, H, W]; float32, or whole numbers of fewer
    bits. `train_y`, `test_y`: classes [N]. `augment`: whether crops and flips of an image stay in its class.
    """

    name: str
    train_x: Images
    train_y: Labels
    test_x: Images
    test_y: Labels
    classes: int
    augment: bool = False

    @property
    def frames(self) -> int | None:
        """T of frames; None for images."""
        return self.train_x.shape[1] if self.train_x.ndim == 5 else None

    @property
    def frame(self) -> Shape:
        """(C, H, W)."""
        c, h, w = self.train_x.shape[-3:]
        return c, h, w


def dataset(
    name: str,
    train: tuple[Images, NDArray[Any]],
    test: tuple[Images, NDArray[Any]],
    classes: int,
    *,
    augment: bool = False,
) -> Dataset:
    """A data set of (samples, classes) to train on and held back, checked."""
    for part, (x, y) in (("train", train), ("test", test)):
        _check(f"{name} ({part})", x, y, classes)
    return Dataset(
        name=name,
        train_x=_closed(train[0]),
        train_y=_closed(train[1].astype(np.int64)),
        test_x=_closed(test[0]),
        test_y=_closed(test[1].astype(np.int64)),
        classes=classes,
        augment=augment,
    )


def repeated(data: Dataset, steps: int) -> Dataset:
    """Images as frames [N, T, C, H, W], the same at every step; a view, which takes no memory."""

    def frames(x: Images) -> Images:
        return np.broadcast_to(x[:, None], (len(x), steps, *x.shape[1:]))

    return replace(data, train_x=frames(data.train_x), test_x=frames(data.test_x))


def _check(where: str, x: Images, y: NDArray[Any], classes: int) -> None:
    if len(x) == 0 or len(x) != len(y):
        raise Snn2ChipError(
            "data-files",
            where,
            "has not one label for each sample, or none at all",
            have=f"{len(x)} samples, {len(y)} labels",
        )
    if y.min() < 0 or y.max() >= classes:
        raise Snn2ChipError(
            "data-files",
            where,
            "a label is no class",
            have=f"{y.min()}..{y.max()}",
            need=f"0..{classes - 1}",
        )


def _closed(array: NDArray[Any]) -> NDArray[Any]:
    """Read-only where it lies: data sets are large, and nobody else has this one."""
    array.flags.writeable = False
    return array
