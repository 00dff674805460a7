"""The onnx engine: the exported program in ONNX Runtime, an executor that we did not write."""

from collections.abc import Callable
from dataclasses import dataclass
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
    return prepare(qc).run(inputs, record=record, progress=progress)


def prepare(qc: QuantizedCircuit, threads: int | None = None) -> "PreparedModel":
    """The circuit's window model, loaded; worth keeping where the same circuit runs often.

    `threads`: cores to use (default: all). Errors: StatementError `onnx-width`.
    """
    model = window_model(qc)
    kind = helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)
    return PreparedModel(
        qc=qc, session=session(model.SerializeToString(), threads), input_type=kind
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedModel:
    """A circuit ready to run in ONNX Runtime. `input_type`: what the model takes."""

    qc: QuantizedCircuit
    session: onnxruntime.InferenceSession
    input_type: np.dtype[Any]

    def run(
        self,
        inputs: InputData,
        *,
        record: bool = True,
        progress: Callable[[float], None] | None = None,
    ) -> Recording:
        """See `run` of the module."""
        qc = self.qc
        names = [o.name for o in self.session.get_outputs()]
        wanted = [name for name in names if record or not name.startswith("output/")]
        got = execute(self.session, wanted, {INPUT: inputs.values.astype(self.input_type)})
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


def session(model: bytes, threads: int | None = None) -> onnxruntime.InferenceSession:
    """A serialized model, loaded by the CPU provider."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = threads or 0
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def execute(
    loaded: onnxruntime.InferenceSession, wanted: list[str], feed: dict[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The outputs `wanted` of a loaded model, by name."""
    values: list[Any] = list(loaded.run(wanted, feed))
    return dict(zip(wanted, values, strict=True))
