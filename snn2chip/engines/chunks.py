"""Running a batch in chunks of samples, so that memory does not grow with it."""

import math
from collections.abc import Iterator

import numpy as np

from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs


def chunks(qc: QuantizedCircuit, inputs: InputData, values: int) -> Iterator[InputData]:
    """Parts of `inputs`, in order, whose largest population has at most `values` outputs (or that are one sample)."""
    # Python's own product: NumPy's takes a tenth of the time of a small network.
    largest = max(math.prod(p.shape) for p in qc.populations)
    size = max(1, values // (qc.steps * largest))
    for start in range(0, inputs.samples, size):
        part = slice(start, start + size)
        static = inputs.kind is InputKind.STATIC
        yield InputData(
            kind=inputs.kind, values=inputs.values[part] if static else inputs.values[:, part]
        )


def joined(parts: list[dict[str, Outputs]], axis: int) -> dict[str, Outputs]:
    """The arrays of all parts, one after the other along the axis of samples."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts], axis) for name in parts[0]}
