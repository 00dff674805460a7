"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from a local folder, in both published formats.

    python   data_batch_1 … data_batch_5, test_batch      or train, test (CIFAR-100)
             pickled {b"data": uint8 [N, 3072], b"labels" or b"fine_labels": list of N}
    binary   data_batch_1.bin … test_batch.bin            or train.bin, test.bin
             records of 1 label (CIFAR-100: coarse, fine) and 3,072 pixels

A row of pixels is [3, 32, 32]. Pickles are read with an allow-list that has nothing but arrays.
"""

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.errors import Snn2ChipError
from snn2chip.training.dataset import Dataset, dataset
from snn2chip.training.folders import bytes_of, damaged, folder_with, root_of

PIXELS = 3 * 32 * 32

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""(pixels [N, 3072], classes [N])."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of the two. `mean`, `std` of the channels of pixels / 255, as the papers normalise."""

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    folders: tuple[str, str]
    labels: bytes
    classes: int
    label_bytes: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


CIFAR10 = Kind(
    name="cifar10",
    train=tuple(f"data_batch_{i}" for i in range(1, 6)),
    test=("test_batch",),
    folders=("cifar-10-batches-py", "cifar-10-batches-bin"),
    labels=b"labels",
    classes=10,
    label_bytes=1,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2023, 0.1994, 0.2010),
)
CIFAR100 = Kind(
    name="cifar100",
    train=("train",),
    test=("test",),
    folders=("cifar-100-python", "cifar-100-binary"),
    labels=b"fine_labels",
    classes=100,
    label_bytes=2,
    mean=(0.5071, 0.4867, 0.4408),
    std=(0.2675, 0.2565, 0.2761),
)


def load(kind: Kind, root: Path | None) -> Dataset:
    """The data set, normalised; the published test images are held back."""
    place = root_of(kind.name, root)
    binary = any((p / f"{kind.test[0]}.bin").exists() for p in (place, place / kind.folders[1]))
    read, end = (_binary, ".bin") if binary else (_pickled, "")
    names = [f"{n}{end}" for n in (*kind.train, *kind.test)]
    folder = folder_with(kind.name, place, names, kind.folders)
    train = [read(folder / f"{n}{end}", kind) for n in kind.train]
    test = [read(folder / f"{n}{end}", kind) for n in kind.test]
    return dataset(kind.name, _joined(train, kind), _joined(test, kind), kind.classes, augment=True)


def _joined(parts: Sequence[Part], kind: Kind) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    pixels = np.concatenate([p for p, _ in parts]).reshape(-1, 3, 32, 32)
    x = pixels.astype(np.float32)
    x /= np.float32(255)
    x -= np.array(kind.mean, np.float32)[:, None, None]
    x /= np.array(kind.std, np.float32)[:, None, None]
    return x, np.concatenate([y for _, y in parts])


def _binary(path: Path, kind: Kind) -> Part:
    record = kind.label_bytes + PIXELS
    content = np.frombuffer(bytes_of(path), np.uint8)
    if not len(content) or len(content) % record:
        raise damaged(path, f"records of {record} bytes")
    rows = content.reshape(-1, record)
    return rows[:, kind.label_bytes :], rows[:, kind.label_bytes - 1].astype(np.int64)


def _pickled(path: Path, kind: Kind) -> Part:
    need = f"a pickled dict of data [N, 3072] and {kind.labels.decode()} [N]"
    try:
        tree: Any = _Arrays(io.BytesIO(bytes_of(path)), encoding="bytes").load()
        data, labels = np.asarray(tree[b"data"]), np.asarray(tree[kind.labels])
    except Snn2ChipError:
        raise
    except Exception as e:  # a damaged pickle raises whatever its bytes lead to
        raise damaged(path, need) from e
    if data.dtype != np.uint8 or data.shape != (len(labels), PIXELS) or labels.dtype.kind != "i":
        raise damaged(path, need)
    return data, labels.astype(np.int64)


class _Arrays(pickle.Unpickler):
    """Makes arrays of numbers, and calls nothing else."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """The few names that a pickled array of Python 2 or 3 asks for."""
        allowed = {"ndarray": np.ndarray, "dtype": np.dtype, "_reconstruct": _empty}
        if module_name.partition(".")[0] == "numpy" and global_name in allowed:
            return allowed[global_name]
        if (module_name, global_name) == ("_codecs", "encode"):
            return _latin
        raise Snn2ChipError(
            "data-files",
            f"{module_name}.{global_name}",
            "is asked for by a data file, and is no array; code in a file is never run",
        )


def _empty(*_: object) -> NDArray[np.uint8]:
    """What numpy's own `_reconstruct` makes: an array that is filled afterwards."""
    return np.ndarray((0,), np.uint8)


def _latin(text: str, _encoding: str) -> bytes:
    """Bytes as Python 3 writes them for readers of Python 2."""
    return text.encode("latin1")
