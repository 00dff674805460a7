"""`verify`: climb the ladder on a build, and keep the verdict."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from snn2chip.build import Build, open_build
from snn2chip.chip.target import load_target
from snn2chip.engines.registry import Level, engine
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.inputs import InputData
from snn2chip.model import Live, LoadedModel, load_model
from snn2chip.progress import Progress, Silent
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs, Recording
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
from snn2chip.verify.float32 import equal_in_float32
from snn2chip.verify.ladder import Subject, climb
from snn2chip.verify.text import verdict_dict, verdict_lines
from snn2chip.verify.types import Verdict

if TYPE_CHECKING:
    from snn2chip.zoo.model import SpikingNet


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verdict, the spec's recording, and where the verdict was written."""

    verdict: Verdict
    recording: Recording
    path: Path

    def lines(self) -> list[str]:
        """Rung by rung."""
        return [*verdict_lines(self.verdict), f"verdict: {self.path}"]

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
    progress: Progress | None = None,
) -> Verified:
    """Compare every level and engine of `build` on the array file `input`; writes verdict.json.

    `engines`: optional ones that join rung 3 (`onnx`). `model`: the live module that the build was made from, whose
    example is the input where there is no file; without it the source is read again.
    """
    tell = progress or Silent()
    for name in engines:
        engine(name, (Level.QUANTIZED, Level.PROGRAM)).load()
    folder = open_build(build)
    qc = folder.quantized()
    data = _input(qc, input, layout, model, tell)
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
            engines=engines,
        )
        verdict, recording = climb(subject, tell)
    keep(folder, recording, data.integers)
    path = folder.put(
        "verdict.json",
        json.dumps({**verdict_dict(verdict), "input": data.integers.digest()}, indent=1),
    )
    return Verified(verdict=verdict, recording=recording, path=path)


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
