"""Imagenette (fast.ai: ten classes of ImageNet) from a local folder: train/ and val/, a folder of JPEGs for each class.

The shorter side is scaled to 8/7 of `size`, as 256 is to 224, and the middle is cut out.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snn2chip.engines.registry import package_missing
from snn2chip.errors import Snn2ChipError
from snn2chip.training.dataset import Dataset, dataset
from snn2chip.training.folders import damaged, folder_with, root_of

NAME = "imagenette"
SIZE = 128
FOLDERS = ("imagenette2", "imagenette2-320", "imagenette2-160")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's."""


def load(root: Path | None, size: int | None) -> Dataset:
    """The data set, normalised; `val` is held back. Classes are numbered in the order of their folders' names."""
    side = SIZE if size is None else size
    if side < 8:
        raise Snn2ChipError(
            "option-value", "--size", "is too small", have=str(side), need="8 or more"
        )
    folder = folder_with(NAME, root_of(NAME, root), ("train", "val"), FOLDERS)
    classes = sorted(p.name for p in (folder / "train").iterdir() if p.is_dir())
    strange = sorted(p.name for p in (folder / "val").iterdir() if p.name not in classes)
    if not classes or strange:
        where = folder / ("val" if classes else "train")
        raise Snn2ChipError(
            "data-files",
            str(where),
            f"holds {strange[0]}, a class that train has not" if classes else "holds no folders",
            need="a folder of JPEGs for each class",
        )
    train, test = (_part(folder / part, classes, side) for part in ("train", "val"))
    return dataset(NAME, train, test, len(classes), augment=True)


def _part(
    folder: Path, classes: list[str], side: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    files = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).glob("*"))
        if path.suffix.lower() in (".jpeg", ".jpg")
    ]
    x = np.empty((len(files), 3, side, side), np.float32)
    for i, (path, _) in enumerate(files):
        x[i] = _image(path, side)
    return x, np.array([label for _, label in files], np.int64)


def _image(path: Path, side: int) -> NDArray[np.float32]:
    """[3, side, side], normalised."""
    try:
        from PIL import Image
    except ModuleNotFoundError as e:
        raise package_missing(NAME, "pillow", "train") from e
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except (OSError, SyntaxError) as e:
        raise damaged(path, "a JPEG image") from e
    scale = side * 8 / 7 / min(image.size)
    width, height = (max(side, round(n * scale)) for n in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - side) // 2, (height - side) // 2
    pixels = np.asarray(image.crop((left, top, left + side, top + side))) / 255
    return ((pixels - MEAN) / STD).transpose(2, 0, 1).astype(np.float32)
