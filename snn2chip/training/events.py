"""DVS Gesture (Amir et al. 2017) and CIFAR10-DVS (Li et al. 2017) through tonic, from a local folder, as frames.

The events of a sample are cut into T slices of N // T events, the last one takes the rest (SpikingJelly's
`split_by='number'`, which the papers use); a frame counts the events of each pixel, channel 0 those of p = 0.
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.engines.registry import package_missing
from snn2chip.errors import Snn2ChipError
from snn2chip.training.dataset import Dataset, dataset
from snn2chip.training.folders import root_of

SENSOR = 128
FRAMES = 16


def gesture(root: Path | None, frames: int | None, size: int | None) -> Dataset:
    """1,176 samples of users 1-23 to train on, 288 of users 24-29 held back; 11 classes."""
    kind = _tonic("DVSGesture")
    parts = [
        _part(_local(kind, "dvsgesture", root, train=train), frames, size)
        for train in (True, False)
    ]
    return dataset("dvsgesture", parts[0], parts[1], 11)


def cifar10dvs(root: Path | None, frames: int | None, size: int | None) -> Dataset:
    """The first nine tenths of every class to train on, the last tenth held back; 10 classes."""
    samples = _local(_tonic("CIFAR10DVS"), "cifar10dvs", root)
    x, y = _part(samples, frames, size)
    held = np.zeros(len(y), bool)
    for label in range(10):
        of_class = np.flatnonzero(y == label)
        held[of_class[len(of_class) * 9 // 10 :]] = True
    return dataset("cifar10dvs", (x[~held], y[~held]), (x[held], y[held]), 10)


def frames_of(events: NDArray[Any], frames: int, size: int) -> NDArray[np.uint16]:
    """Counts [T, 2, size, size] of events with the fields x, y and p (sorted in time)."""
    step = SENSOR // size
    slot = np.minimum(np.arange(len(events)) // max(len(events) // frames, 1), frames - 1)
    place = (
        (slot * 2 + (events["p"] != 0)) * size + events["y"].astype(np.int64) // step
    ) * size + events["x"].astype(np.int64) // step
    counts = np.bincount(place, minlength=frames * 2 * size * size)
    return counts.reshape(frames, 2, size, size).astype(np.uint16)


def _part(
    samples: Any, frames: int | None, size: int | None
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    steps, side = FRAMES if frames is None else frames, SENSOR if size is None else size
    if steps < 1 or side < 1 or SENSOR % side:
        raise Snn2ChipError(
            "option-value",
            "--frames, --size",
            "cannot be made of events",
            have=f"{steps} frames of {side} x {side}",
            need=f"at least one frame, and a size that divides {SENSOR}",
        )
    order = sorted(range(len(samples)), key=lambda i: _numbered(samples.data[i]))
    x = np.empty((len(order), steps, 2, side, side), np.uint16)
    for row, i in enumerate(order):
        x[row] = frames_of(samples[i][0], steps, side)
    return x, np.array([samples.targets[i] for i in order], np.int64)


def _numbered(path: str) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts file 10 after file 9."""
    parts = re.findall(r"\d+|\D+", path)
    return [(int(p), "") if p.isdigit() else (-1, p) for p in parts], path


def _tonic(kind: str) -> Any:
    try:
        return getattr(import_module("tonic.datasets"), kind)
    except ModuleNotFoundError as e:
        raise package_missing(kind, str(e.name), "events") from e


def _local(kind: Any, name: str, root: Path | None, **arguments: object) -> Any:
    """The data set of tonic from the files in `root`; it would download where its own check finds too few."""
    place = root_of(name, root)

    def download(made: Any) -> None:
        raise Snn2ChipError(
            "data-files",
            str(made.location_on_system),
            f"does not hold {name} as tonic keeps it, and nothing is downloaded",
            help=f"--data-root is the folder that holds {kind.__name__}/ of tonic (its `save_to`)",
        )

    def exists(made: Any) -> bool:
        folder = Path(made.location_on_system, made.folder_name)
        return any(folder.rglob("*.npy")) or any(folder.rglob("*.aedat4"))

    local = type(kind.__name__, (kind,), {"download": download, "_check_exists": exists})
    return local(save_to=str(place), **arguments)
