"""Recordings as files: outputs of 0/1 are bit-packed, everything else as it is."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.npz import load_npz, save_npz
from snn2chip.recording import Outputs, Recording

KIND = "recording"


def save(recording: Recording, inputs: InputData, path: Path) -> None:
    """Write `recording` and the integers that it ran on, whole or not at all."""
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
        "input": inputs.kind.value,
    }
    own = {"decision": recording.decision, "input": inputs.values.astype(np.int32)}
    save_npz(path, {**arrays, **own}, header)


def load(path: Path) -> tuple[Recording, InputData]:
    """The recording and its input, as `save` wrote them."""
    arrays, header = load_npz(path, KIND)
    shapes: Mapping[str, list[int]] = header["packed"]  # type: ignore[assignment]
    recording = Recording(
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
    values = arrays["input"].astype(np.int64)
    return recording, InputData(kind=InputKind(header["input"]), values=values)


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
