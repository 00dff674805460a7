"""quantized.npz: a QuantizedCircuit as a file. The same circuit gives the same bytes."""

from pathlib import Path

import numpy as np

from snn2chip.arrays import ints
from snn2chip.codec import decode, encode
from snn2chip.errors import Snn2ChipError
from snn2chip.npz import Array, load_npz, save_npz
from snn2chip.quantize.types import QuantizedCircuit

KIND = "quantized circuit"
FORMAT = 1


def save(qc: QuantizedCircuit, path: Path) -> None:
    """Write `qc` whole or not at all."""
    tree, arrays = encode(qc)
    narrow = {name: _narrow(a) for name, a in arrays.items()}
    save_npz(path, narrow, {"kind": KIND, "format": FORMAT, "circuit": tree})


def load(path: Path) -> QuantizedCircuit:
    """The circuit that `save` wrote.

    Errors: Snn2ChipError naming the file where it cannot be read, is garbled or changed, or is of another version.
    """
    arrays, header = load_npz(path, KIND, version=FORMAT)
    wide = {name: ints(a) if a.dtype.kind == "i" else a for name, a in arrays.items()}
    try:
        return decode(QuantizedCircuit, header.get("circuit"), wide)
    except ValueError as e:
        raise Snn2ChipError(
            "file-garbled", str(path), f"lacks or has too much: {e}", help="make it anew"
        ) from e


def _narrow(a: Array) -> Array:
    """Integers in the smallest signed type that holds them: a file of 8-bit weights is an eighth as large."""
    if a.dtype.kind != "i" or not a.size:
        return a
    low, high = int(a.min()), int(a.max())
    small = (np.int8, np.int16, np.int32)
    fits = (t for t in small if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
    return a.astype(next(fits, np.int64))
