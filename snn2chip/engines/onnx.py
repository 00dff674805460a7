"""The onnx engine: the exported program in ONNX Runtime, an executor that we did not write."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from snn2chip.circuit.types import INPUT
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits
from snn2chip.onnx_export.models import window_model
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording, compact

QUIET = 3
"""Errors only: what the runtime optimises is nobody's news."""


def run(
    qc: QuantizedCircuit,
    inputs: InputData,
    *,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Recording of `inputs` (int64 values), all T steps in one call of the runtime, on the CPU.

    `record` False keeps only the decision and the read-out potentials. Errors: StatementError `onnx-width`.
    """
    model = window_model(qc)
    kind = helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)
    wanted = [o.name for o in model.graph.output if record or not o.name.startswith("output/")]
    got = execute(model.SerializeToString(), wanted, {INPUT: inputs.values.astype(kind)})
    if progress is not None:
        progress(1.0)
    silent = (qc.steps, inputs.samples)
    return Recording(
        engine="onnx",
        outputs={
            p.name: np.zeros((*silent, *p.shape), np.uint8)
            if p.neuron.emits is Emits.NOTHING
            else compact(got[f"output/{p.name}"])
            for p in qc.populations
            if record
        },
        potentials={
            p.name: got[f"potential/{p.name}"]
            for p in qc.populations
            if p.neuron.emits is Emits.NOTHING
        },
        decision=got["decision"],
    )


def execute(
    model: bytes, wanted: list[str], feed: dict[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The outputs `wanted` of a serialized model, by name."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    values: list[Any] = list(session.run(wanted, feed))
    return dict(zip(wanted, values, strict=True))
