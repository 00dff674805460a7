"""Arrays and one JSON header in a .npz: the same content gives the same bytes, and nothing is ever unpickled.

The member `header` (uint8, JSON) holds what the caller says, `kind` and `format` among it, and the sha256 of
everything. `numpy.load(path)` reads such a file like any other.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.errors import Snn2ChipError
from snn2chip.files import write_whole

Array = NDArray[Any]

HEADER = "header"
CHECKSUM = "sha256"
_TIME = (1980, 1, 1, 0, 0, 0)
_FAST = 1
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    SyntaxError,
    RuntimeError,
    MemoryError,
    OverflowError,
)
"""What zipfile, zlib, json and numpy raise on a garbled file."""


def save_npz(path: Path, arrays: Mapping[str, Array], header: Mapping[str, object]) -> None:
    """Write `path` whole or not at all. `header`: plain JSON values, with `kind` (str) and `format` (int)."""
    if HEADER in arrays or CHECKSUM in header or not {"kind", "format"} <= set(header):
        raise ValueError("a header needs kind and format; 'header' and 'sha256' are taken")
    plain = {name: np.asarray(a, order="C") for name, a in sorted(arrays.items())}
    text = _text({**header, CHECKSUM: _checksum(plain, header)})
    members = {HEADER: np.frombuffer(text.encode(), np.uint8), **plain}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST) as z:
        for name, a in members.items():
            with z.open(_entry(name), "w", force_zip64=True) as f:
                np.lib.format.write_array(f, a, version=(2, 0), allow_pickle=False)
    write_whole(path, buffer.getvalue())


def load_npz(
    path: Path, kind: str, *, version: int = 1
) -> tuple[Mapping[str, Array], Mapping[str, object]]:
    """(arrays, read-only; header) of a file that `save_npz` wrote with this `kind` and this `format`.

    Errors: Snn2ChipError (file-unreadable, file-garbled, file-version, file-checksum), naming the file.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        reason = (e.strerror or str(e)).lower()
        raise Snn2ChipError("file-unreadable", str(path), reason) from e
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as z:
            arrays: dict[str, Array] = {name: z[name] for name in z.files}
        header: dict[str, object] = json.loads(arrays.pop(HEADER).tobytes().decode())
        found, format_ = header["kind"], header["format"]
    except _BROKEN as e:
        raise Snn2ChipError(
            "file-garbled", str(path), "is cut short or garbled", help="make it anew"
        ) from e
    if found != kind:
        raise Snn2ChipError(
            "file-garbled", str(path), "holds something else", have=str(found), need=kind
        )
    if format_ != version:
        raise Snn2ChipError(
            "file-version",
            str(path),
            "is of another format version",
            have=str(format_),
            need=str(version),
            help="make it anew with this version of snn2chip",
        )
    stated = header.pop(CHECKSUM, None)
    if stated != _checksum(dict(sorted(arrays.items())), header):
        raise Snn2ChipError(
            "file-checksum",
            str(path),
            "content does not match its checksum",
            help="the file was changed or damaged; make it anew",
        )
    for a in arrays.values():
        a.flags.writeable = False
    return arrays, header


def _checksum(arrays: Mapping[str, Array], header: Mapping[str, object]) -> str:
    """sha256 over the header and every array's name, type, shape and bytes."""
    digest = hashlib.sha256(_text(header).encode())
    for name, a in arrays.items():
        digest.update(f"\0{name}\0{a.dtype.str}\0{a.shape}\0".encode())
        digest.update(np.ascontiguousarray(a).tobytes())
    return digest.hexdigest()


def _text(header: Mapping[str, object]) -> str:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{name}.npy", _TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # Unix, on whatever system it is written
    info.external_attr = 0o644 << 16
    return info
