"""The input of a stage that runs on a build: an array file to integers, and labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.build import Build
from snn2chip.chip.align import check_aligned
from snn2chip.chip.program import Program
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.files import sha256
from snn2chip.inputs import InputData, arrange, load_array
from snn2chip.progress import Progress
from snn2chip.quantize.input import clipped_values, quantize_input
from snn2chip.quantize.types import QuantizedCircuit

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageInput:
    """`real`: what the user gave; `integers`: the same on the input's grid; `error`: the largest difference."""

    real: InputData
    integers: InputData
    error: float


def program_of(folder: Build, qc: QuantizedCircuit) -> Program:
    """The program of a build, to run it. Errors: StatementError map-unaligned where it was mapped without alignment."""
    program = folder.program()
    if early := check_aligned(program.schedule, qc):
        raise StatementError.of(early)
    return program


def stage_input(
    qc: QuantizedCircuit, path: str, layout: str | None, progress: Progress
) -> StageInput:
    """The array at `path` for a quantized circuit; rounding is told."""
    array = load_array(path)
    return on_grid(qc, arrange(array, layout, qc.input.kind, qc.input.shape, qc.steps), progress)


def own_input(folder: Build, layout: str | None, progress: Progress) -> tuple[str, str | None]:
    """(the array file that the build was made with, its layout unless `layout` says one); it is told.

    Errors: Snn2ChipError `usage` where the build had none, or where its file is gone or changed.
    """
    path, made = folder.options.model.input_path, folder.hashes.get("input")
    if path is None or made is None:
        raise _input_needed("and build.toml names none")
    if not Path(path).is_file() or sha256(Path(path)) != made:
        state = "changed" if Path(path).is_file() else "gone"
        raise _input_needed(f"and the one that the build was made with, {path}, is {state}")
    progress.note(f"input: {path}, which the build was made with")
    return path, layout or folder.options.model.layout


def _input_needed(why: str) -> Snn2ChipError:
    """The user's sentence for a verification that has no input."""
    help = "give --input X.npy, or --recording FILE of `simulate`, which brings its own"
    return Snn2ChipError("usage", "verify", f"needs an input, {why}", help=help)


def on_grid(qc: QuantizedCircuit, real: InputData, progress: Progress) -> StageInput:
    """`real` with its integers; rounding is told."""
    integers, error = quantize_input(qc.input, real)
    if clipped := clipped_values(qc.input, real):
        progress.note(
            f"input clipped: {clipped} values lie outside the {qc.input.bits}-bit grid of the build"
        )
    if error:
        progress.note(
            f"input rounded to {qc.input.bits} bits of {qc.input.scale:g}: largest error {error:.3g}"
        )
    return StageInput(real=real, integers=integers, error=error)


def load_labels(path: str | None, samples: int, classes: int) -> Labels | None:
    """Classes [N] of the samples, each in 0..classes - 1, or None where no file was named."""
    if path is None:
        return None
    array = load_array(path)
    if array.ndim != 1 or len(array) != samples:
        raise Snn2ChipError(
            "labels-shape",
            path,
            "is not one label for each sample",
            have=str(list(array.shape)),
            need=f"[{samples}]",
        )
    if array.dtype.kind not in "iu":
        raise Snn2ChipError("labels-dtype", path, "labels are not integers", have=str(array.dtype))
    if array.min() < 0 or array.max() >= classes:
        raise Snn2ChipError(
            "labels-range",
            path,
            "a label is no class of this network",
            have=f"{array.min()}..{array.max()}",
            need=f"0..{classes - 1}",
            help="classes count from 0",
        )
    return array.astype(np.int64)


def classes_of(qc: QuantizedCircuit) -> int:
    """How many answers the network gives."""
    return int(np.prod(qc.population(qc.readout.population).shape))


def top1(decision: NDArray[Any], labels: Labels | None) -> float | None:
    """Part of the samples whose largest answer is the label."""
    return None if labels is None else float((decision.argmax(1) == labels).mean())


def existing(path: str | Path) -> Path:
    """`path` as a place for an output file whose folder is there."""
    out = Path(path)
    if out.is_dir() or not out.parent.is_dir():
        why = "is a folder" if out.is_dir() else f"{out.parent} is not a folder"
        raise Snn2ChipError("out-taken", str(out), why, help="name another file")
    return out
