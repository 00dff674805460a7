"""Recordings as files: outputs of 0/1 are bit-packed, everything else as it is."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snn2chip.npz import load_npz, save_npz
from snn2chip.recording import Outputs, Recording

KIND = "recording"


def save(recording: Recording, path: Path) -> None:
    """Write `recording` whole or not at all."""
    packed = {name: _binary(values) for name, values in recording.outputs.items()}
    arrays = {
        f"output {n}": np.packbits(v) if packed[n] else v for n, v in recording.outputs.items()
    }
    arrays |= {f"potential {n}": v for n, v in recording.potentials.items()}
    header = {
        "kind": KIND,
        "format": 1,
        "engine": recording.engine,
        "packed": {n: list(v.shape) for n, v in recording.outputs.items() if packed[n]},
        "highest": dict(recording.highest),
        "lowest": dict(recording.lowest),
    }
    save_npz(path, {**arrays, "decision": recording.decision}, header)


def load(path: Path) -> Recording:
    """The recording that `save` wrote."""
    arrays, header = load_npz(path, KIND)
    shapes: Mapping[str, list[int]] = header["packed"]  # type: ignore[assignment]
    return Recording(
        engine=str(header["engine"]),
        outputs={
            name: _unpacked(values, shapes.get(name))
            for name, values in _named(arrays, "output ").items()
        },
        potentials=_named(arrays, "potential "),
        decision=arrays["decision"],
        highest=header["highest"],  # type: ignore[arg-type]
        lowest=header["lowest"],  # type: ignore[arg-type]
    )


def _named(arrays: Mapping[str, Outputs], prefix: str) -> dict[str, Outputs]:
    return {
        name[len(prefix) :]: values for name, values in arrays.items() if name.startswith(prefix)
    }


def _binary(values: NDArray[np.generic]) -> bool:
    return values.dtype == np.uint8 and values.size > 0 and int(values.max()) <= 1  # type: ignore[arg-type]


def _unpacked(values: Outputs, shape: list[int] | None) -> Outputs:
    return (
        values if shape is None else np.unpackbits(values, count=int(np.prod(shape))).reshape(shape)
    )
