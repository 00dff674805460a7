"""Finding a data set's files in a local folder, and saying clearly what is not there."""

from collections.abc import Sequence
from pathlib import Path

from snn2chip.errors import Snn2ChipError


def root_of(name: str, root: Path | None) -> Path:
    """The folder that the user named."""
    if root is None:
        raise Snn2ChipError(
            "data-files",
            f"--data {name}",
            "is read from a local folder",
            help=f"unpack the published archive and name its folder: --data-root DIR ({name} is never downloaded)",
        )
    if not root.is_dir():
        raise Snn2ChipError("data-files", f"--data-root {root}", "is no folder")
    return root


def folder_with(name: str, root: Path, files: Sequence[str], inside: Sequence[str]) -> Path:
    """`root`, or one of the folders `inside` it, that holds all of `files`."""
    places = [root, *(root / i for i in inside)]
    best = max(places, key=lambda p: sum((p / f).exists() for f in files))
    missing = [f for f in files if not (best / f).exists()]
    if missing:
        raise Snn2ChipError(
            "data-files",
            str(best),
            f"{missing[0]} is not here",
            need=f"{', '.join(files)}, as {name} is published",
            help=f"name the folder that holds them, or {' or '.join(inside)}" if inside else "",
        )
    return best


def bytes_of(path: Path) -> bytes:
    """The content of a file."""
    try:
        return path.read_bytes()
    except OSError as e:
        why = f"cannot be read: {(e.strerror or str(e)).lower()}"
        raise Snn2ChipError("data-files", str(path), why) from e


def damaged(path: Path, need: str) -> Snn2ChipError:
    """The error of a file that does not hold what it should."""
    return Snn2ChipError("data-files", str(path), "is damaged, or something else", need=need)
