"""Writing files whole or not at all, and saying clearly why one cannot be read or written."""

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snn2chip.errors import Snn2ChipError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as f:
            while block := f.read(1 << 20):
                digest.update(block)
    except OSError as e:
        raise Snn2ChipError("file-unreadable", str(path), _reason(e)) from e
    return digest.hexdigest()


def made_folder(path: Path) -> Path:
    """The folder at `path`, made with those above it if it is not there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise cannot_write(path, e) from e
    return path


def full_path(path: str | None) -> str | None:
    """The absolute path of a file, for processes whose current folder is another."""
    return None if path is None else str(Path(path).resolve())


def write_whole(path: Path, data: bytes | str) -> None:
    """Write `data` to a temporary name beside `path`, then rename: `path` is whole or unchanged."""
    content = data.encode() if isinstance(data, str) else data
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as e:
        raise cannot_write(path, e) from e
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as e:
        raise cannot_write(path, e) from e
    finally:
        temporary.unlink(missing_ok=True)


def write_array(path: Path, array: "NDArray[Any]") -> None:
    """Write an `.npy` file whole or not at all."""
    import numpy as np

    content = io.BytesIO()
    np.save(content, array)
    write_whole(path, content.getvalue())


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files whole or not at all.

    An older folder at `path` is replaced only once the new one is complete.
    """
    try:
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as e:
        raise cannot_write(path, e) from e
    try:
        temporary.chmod(0o755)
        for name, data in files.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_bytes(data)
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
            path.rename(old / path.name)
            temporary.rename(path)
            shutil.rmtree(old)
        else:
            temporary.rename(path)
    except OSError as e:
        raise cannot_write(path, e) from e
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def cannot_write(path: Path, error: OSError) -> Snn2ChipError:
    """The user's sentence for a failed write."""
    return Snn2ChipError(
        "file-unwritable",
        str(path),
        f"cannot be written: {_reason(error)}",
        help="choose another place or free space",
    )


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def shipped_data() -> Path:
    """The folder with the trained checkpoint and test images: in the wheel, or in examples/ of a checkout."""
    package = Path(str(files("snn2chip")))
    for folder in (package / "data", package.parent / "examples" / "data"):
        if (folder / "mnist.pth").is_file():
            return folder
    raise Snn2ChipError(
        "demo-data",
        "mnist.pth",
        "the demo's checkpoint is not installed",
        help="install the wheel again",
    )
