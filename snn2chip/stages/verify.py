"""`verify`: climb the ladder on a build, and keep the verdict."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from snn2chip.build import Build, open_build
from snn2chip.chip.target import load_target
from snn2chip.engines.registry import ENGINES, Level, engine
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.inputs import InputData
from snn2chip.model import Live, LoadedModel, load_model
from snn2chip.network.types import InputKind, Shape
from snn2chip.progress import Progress, Silent
from snn2chip.quantize.float32 import equal_in_float32
from snn2chip.quantize.input import dequantize_input
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs, Recording
from snn2chip.recordings import load
from snn2chip.stages.data import (
    StageInput,
    classes_of,
    load_labels,
    on_grid,
    program_of,
    stage_input,
)
from snn2chip.stages.simulate import keep
from snn2chip.stages.twin import source
from snn2chip.verify.ladder import Subject, climb
from snn2chip.verify.text import matrix_lines, verdict_dict, verdict_lines
from snn2chip.verify.types import Verdict

if TYPE_CHECKING:
    from snn2chip.zoo.model import SpikingNet

ALL = "all"
"""Every executor that can run here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verdict, the spec's recording, and where the verdict was written. `matrix`: show executor by executor."""

    verdict: Verdict
    recording: Recording
    path: Path
    matrix: bool = False

    def lines(self) -> list[str]:
        """Rung by rung."""
        matrix = ["", *matrix_lines(self.verdict), ""] if self.matrix else []
        return [*verdict_lines(self.verdict), *matrix, f"verdict: {self.path}"]

    def to_dict(self) -> dict[str, object]:
        """As in verdict.json."""
        return verdict_dict(self.verdict)


def verify_build(
    build: str | Path,
    input: str | None,
    *,
    model: LoadedModel | None = None,
    layout: str | None = None,
    labels: str | None = None,
    engines: tuple[str, ...] = (),
    recording: str | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Compare every level and engine of `build` on the array file `input`; writes verdict.json.

    `engines`: optional ones that join rung 3 (onnx, lava; norse, which runs rung 1b, too); `all`: those that can run
    here and can express the network, the others are left out with the reason. `recording`: a file of `simulate`, made
    elsewhere, which joins rung 3; its input is the input. `model`: the live module that the build was made from, whose
    example is the input where there is no file; without it the source is read again.
    """
    tell = progress or Silent()
    asked, absent = _executors(engines)
    folder = open_build(build)
    qc = folder.quantized()
    recorded = None if recording is None else load(Path(recording))
    if recorded is None:
        data = _input(qc, input, layout, model, tell)
    else:
        data = _recorded_input(qc, recorded[1], input, str(recording))
    classes = load_labels(labels, data.real.samples, classes_of(qc))
    model = model or source(folder)
    with TemporaryDirectory() as scratch:
        code, proved, reason = _code(model, folder, Path(scratch))
        subject = Subject(
            network=None if model is None else model.network,
            source=_source(model),
            code=code,
            code_proved=proved,
            code_reason=reason,
            circuit=folder.circuit(),
            qc=qc,
            program=program_of(folder, qc),
            target=load_target(folder.options.target),
            inputs=data.real,
            labels=classes,
            allow=folder.options.quantize.allow,
            engines=asked,
            if_able=tuple(name for name in asked if name not in engines),
            absent=absent,
            recorded=None if recorded is None else recorded[0],
        )
        verdict, spec = climb(subject, tell)
    keep(folder, spec, data.integers)
    path = folder.put(
        "verdict.json",
        json.dumps({**verdict_dict(verdict), "input": data.integers.digest()}, indent=1),
    )
    return Verified(
        verdict=verdict, recording=spec, path=path, matrix=ALL in engines or recorded is not None
    )


def _executors(asked: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(those that run, sentences on those that `all` asks for and that cannot)."""
    levels = {Level.QUANTIZED, Level.PROGRAM}
    found = [name for name in asked if name != ALL]
    for name in found:
        engine(name, tuple(levels)).load()
    absent: list[str] = []
    if ALL in asked:
        for e in ENGINES.values():
            if levels & set(e.levels) and e.optional and not e.variant_of and e.name not in found:
                try:
                    e.load()
                    found.append(e.name)
                except Snn2ChipError as error:
                    absent.append(f"executor {e.name}: {error.finding.why} ({error.finding.help})")
    return tuple(found), tuple(absent)


def _recorded_input(
    qc: QuantizedCircuit, integers: InputData, given: str | None, path: str
) -> StageInput:
    """The input that a recording ran on."""
    if given is not None:
        raise Snn2ChipError(
            "usage", "--recording", "brings its own input", help="leave --input away"
        )
    if (integers.kind, integers.frame) != (qc.input.kind, qc.input.shape) or (
        integers.steps not in (None, qc.steps)
    ):
        raise Snn2ChipError(
            "recording-input",
            path,
            "was made by a network with another input",
            have=shape_of(integers.kind, integers.frame, integers.steps),
            need=shape_of(qc.input.kind, qc.input.shape, qc.steps),
        )
    return StageInput(real=dequantize_input(qc.input, integers), integers=integers, error=0.0)


def shape_of(kind: InputKind, frame: Shape, steps: int | None) -> str:
    """`frames of 2x64x64, T = 16`."""
    of = "images" if kind is InputKind.STATIC else "frames"
    at = "" if kind is InputKind.STATIC else f", T = {steps}"
    return f"{of} of {'x'.join(map(str, frame))}{at}"


def _input(
    qc: QuantizedCircuit,
    path: str | None,
    layout: str | None,
    model: LoadedModel | None,
    tell: Progress,
) -> StageInput:
    if path is not None:
        return stage_input(qc, path, layout, tell)
    if model is None or model.inputs is None:
        raise Snn2ChipError("usage", "verify", "needs an input", help="give --input X.npy")
    return on_grid(qc, model.inputs, tell)


def _source(model: LoadedModel | None) -> Callable[[InputData], Mapping[str, Outputs]] | None:
    if model is None:
        return None
    return model.live or (_module(model.zoo()) if model.zoo is not None else None)


def _code(
    model: LoadedModel | None, folder: Build, scratch: Path
) -> tuple[Callable[[InputData], Mapping[str, Outputs]] | None, bool, str]:
    """(the twin checkpoint in the source's module, whether it must be equal, why)."""
    if model is None:
        return None, False, "the source file is gone or changed"
    if model.live is not None:
        return _live_code(model.live, folder.quantized())
    if model.write_twin is None or model.zoo is None:
        return (
            None,
            False,
            f"no checkpoint of {model.network.provenance.system} can say the quantized network",
        )
    qc = folder.quantized()
    try:
        caveats = model.write_twin(qc, scratch / "twin.pth")
    except StatementError as e:
        return None, False, e.finding.why
    twin = load_model(
        replace(
            folder.options.model,
            path=str(scratch / "twin.pth"),
            input_path=None,
            shape=qc.input.shape,
        )
    )
    if twin.zoo is None:
        return None, False, "the twin checkpoint has no module"
    proved, reason = (False, "; ".join(caveats)) if caveats else equal_in_float32(qc)
    return _module(twin.zoo()), proved, reason


def _live_code(
    live: Live, qc: QuantizedCircuit
) -> tuple[Callable[[InputData], Mapping[str, Outputs]] | None, bool, str]:
    try:
        run, caveats = live.twin(qc)
    except StatementError as e:
        return None, False, f"{e.finding.where}: {e.finding.why}"
    proved, reason = (False, "; ".join(caveats)) if caveats else equal_in_float32(qc)
    return run, proved, reason


def _module(module: "SpikingNet") -> Callable[[InputData], Mapping[str, Outputs]]:
    from snn2chip.zoo.run import trace_zoo

    return lambda inputs: trace_zoo(module, inputs.values)
