"""quantized.npz: a QuantizedCircuit as a file. The same circuit gives the same bytes."""

from pathlib import Path

from snn2chip.codec import decode, encode
from snn2chip.errors import Snn2ChipError
from snn2chip.npz import load_npz, save_npz
from snn2chip.quantize.types import QuantizedCircuit

KIND = "quantized circuit"
FORMAT = 1


def save(qc: QuantizedCircuit, path: Path) -> None:
    """Write `qc` whole or not at all."""
    tree, arrays = encode(qc)
    save_npz(path, arrays, {"kind": KIND, "format": FORMAT, "circuit": tree})


def load(path: Path) -> QuantizedCircuit:
    """The circuit that `save` wrote.

    Errors: Snn2ChipError naming the file where it cannot be read, is garbled or changed, or is of another version.
    """
    arrays, header = load_npz(path, KIND, version=FORMAT)
    try:
        return decode(QuantizedCircuit, header.get("circuit"), arrays)
    except ValueError as e:
        raise Snn2ChipError(
            "file-garbled", str(path), f"lacks or has too much: {e}", help="make it anew"
        ) from e
