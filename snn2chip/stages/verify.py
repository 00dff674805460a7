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
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.model import LoadedModel, load_model
from snn2chip.progress import Progress, Silent
from snn2chip.recording import Outputs, Recording
from snn2chip.stages.data import classes_of, load_labels, program_of, stage_input
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
    input: str,
    *,
    layout: str | None = None,
    labels: str | None = None,
    engines: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Verified:
    """Compare every level and engine of `build` on the array file `input`; writes verdict.json.

    `engines`: optional ones that join rung 3 (`onnx`).
    """
    tell = progress or Silent()
    for name in engines:
        engine(name, (Level.QUANTIZED, Level.PROGRAM)).load()
    folder = open_build(build)
    qc = folder.quantized()
    data = stage_input(qc, input, layout, tell)
    classes = load_labels(labels, data.real.samples, classes_of(qc))
    model = source(folder)
    with TemporaryDirectory() as scratch:
        code, proved, reason = _code(model, folder, Path(scratch))
        subject = Subject(
            network=None if model is None else model.network,
            source=None if model is None or model.zoo is None else _module(model.zoo()),
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


def _code(
    model: LoadedModel | None, folder: Build, scratch: Path
) -> tuple[Callable[[InputData], Mapping[str, Outputs]] | None, bool, str]:
    """(the twin checkpoint in the source's module, whether it must be equal, why)."""
    if model is None:
        return None, False, "the source file is gone or changed"
    if model.write_twin is None or model.zoo is None:
        return (
            None,
            False,
            f"no checkpoint of {model.network.provenance.system} can say the quantized network",
        )
    qc = folder.quantized()
    try:
        model.write_twin(qc, scratch / "twin.pth")
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
    proved, reason = equal_in_float32(qc)
    return _module(twin.zoo()), proved, reason


def _module(module: "SpikingNet") -> Callable[[InputData], Mapping[str, Outputs]]:
    from snn2chip.zoo.run import trace_zoo

    return lambda inputs: trace_zoo(module, inputs.values)
