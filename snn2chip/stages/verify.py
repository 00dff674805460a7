"""`verify`: climb the ladder on a build, and keep the verdict."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from snn2chip.build import Build, open_build
from snn2chip.chip.target import load_target
from snn2chip.circuit.types import Circuit
from snn2chip.engines.lava.expected import tell_expected
from snn2chip.engines.registry import ENGINES, Level, engine
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.files import full_path
from snn2chip.inputs import InputData
from snn2chip.model import Live, LoadedModel, load_model
from snn2chip.network.types import InputKind, Shape
from snn2chip.parallel import Files, Workers, check_files, files_of, results_of, worth
from snn2chip.progress import Progress, Silent
from snn2chip.quantize.float32 import equal_in_float32
from snn2chip.quantize.input import dequantize_input
from snn2chip.quantize.twin import twin
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording
from snn2chip.recordings import load
from snn2chip.stages.data import (
    StageInput,
    classes_of,
    load_labels,
    on_grid,
    own_input,
    program_of,
    stage_input,
)
from snn2chip.stages.simulate import keep
from snn2chip.stages.twin import source
from snn2chip.verify.chunk import Code, Gathered, ModuleTrace, Subject, climb_chunk
from snn2chip.verify.ladder import Span, climb, part, spans_of
from snn2chip.verify.text import matrix_lines, verdict_dict, verdict_lines
from snn2chip.verify.types import Verdict

if TYPE_CHECKING:
    from snn2chip.zoo.model import SpikingNet

ALL = "all"
"""Every executor that can run here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verdict, the spec's recording, and where the verdict was written. `matrix`: show executor by executor.

    `outdated`: the build's report, if there is one: it shows the verdict before this one.
    """

    verdict: Verdict
    recording: Recording
    path: Path
    matrix: bool = False
    outdated: Path | None = None

    def lines(self) -> list[str]:
        """Rung by rung."""
        matrix = ["", *matrix_lines(self.verdict), ""] if self.matrix else []
        return [
            *verdict_lines(self.verdict),
            *matrix,
            f"verdict: {self.path}",
            *self._outdated(),
        ]

    def _outdated(self) -> list[str]:
        if self.outdated is None:
            return []
        again = f"`snn2chip report {self.path.parent}`"
        return [f"{self.outdated} is older than this verdict: {again} writes it again"]

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
    workers: Workers | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Compare every level and engine of `build` on the array file `input`; writes verdict.json.

    `input`: None takes that of `recording`, the example of `model`, or the build's own, if its file is still the same.
    `engines`: optional ones that join rung 3 (onnx, lava; norse, which runs rung 1b, too); `all`: those that can run
    here and can express the network, the others are left out with the reason. `recording`: a file of `simulate`, made
    elsewhere, which joins rung 3. `model`: the live module that the build was made from; without it the source is read
    again. `workers`: chunks of samples run there, where they are given or where there are many; the verdict is the
    same. A live module runs here.
    """
    tell, there = progress or Silent(), workers or Workers()
    folder = open_build(build)
    example = None if model is None else model.inputs
    if input is None and recording is None and example is None:
        input, layout = own_input(folder, layout, tell)
    asked = _Asked(
        build=str(build), input=input, layout=layout, engines=engines, recording=recording
    )
    subject, data = _subject(folder, asked, model, labels, tell)
    spans = spans_of(subject.qc, subject.inputs.samples)
    tell_expected(subject.engines, subject.qc, [stop - first for first, stop in spans], tell)
    gather = None
    many = worth(there, len(spans))
    if many and not _live(folder, model, there):
        gather = partial(_gathered, _sent(asked, folder, subject), there, tell)
    verdict, spec = climb(subject, tell, gather)
    keep(folder, spec, data.integers)
    path = folder.put(
        "verdict.json",
        json.dumps({**verdict_dict(verdict), "input": data.integers.digest()}, indent=1),
    )
    report = folder.path / "report.html"
    return Verified(
        verdict=verdict,
        recording=spec,
        path=path,
        matrix=ALL in engines or recording is not None,
        outdated=report if report.is_file() else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is verified, by paths. `files`: what a worker must find there."""

    build: str
    input: str | None
    layout: str | None
    engines: tuple[str, ...]
    recording: str | None
    files: Files = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    asked: _Asked
    first: int
    stop: int


def _live(folder: Build, model: LoadedModel | None, workers: Workers) -> bool:
    """Whether the source is a module in memory, which no worker sees. Errors: usage, if a scheduler was named."""
    live = model is not None
    if live and workers.scheduler is not None:
        why = "is a module in memory, which other processes cannot read"
        raise Snn2ChipError(
            "usage", folder.options.model.path, why, help="leave the scheduler away"
        )
    return live


def _sent(asked: _Asked, folder: Build, subject: Subject) -> _Asked:
    """As a worker gets it, whose current folder is another."""
    known = subject.network is not None
    return replace(
        asked,
        build=str(Path(asked.build).resolve()),
        input=full_path(asked.input),
        recording=full_path(asked.recording),
        files=files_of(
            folder.path / "build.toml",
            asked.input,
            asked.recording,
            folder.options.model.path if known else None,
        ),
    )


def _gathered(
    asked: _Asked, workers: Workers, tell: Progress, spans: Sequence[Span]
) -> list[Gathered]:
    """What came out of each chunk, in their order."""
    chunks = [_Chunk(asked=asked, first=first, stop=stop) for first, stop in spans]
    return results_of(_climb, chunks, workers, f"verify {spans[-1][1]}", tell)


def _climb(c: _Chunk) -> Gathered:
    subject, circuit = _opened(c.asked)
    chunk = part(subject.inputs, c.first, c.stop)
    return climb_chunk(subject, circuit, chunk, c.first, lambda _: None)


@lru_cache(maxsize=1)
def _opened(asked: _Asked) -> tuple[Subject, Circuit]:
    """What one chunk after the other is of, and its twin."""
    check_files(asked.files)
    subject, _ = _subject(open_build(asked.build), asked, None, None, Silent())
    return subject, twin(subject.qc)


def _subject(
    folder: Build, asked: _Asked, model: LoadedModel | None, labels: str | None, tell: Progress
) -> tuple[Subject, StageInput]:
    """What is verified, and its input. `model`: a live module; None: the source's file is read."""
    engines, absent = _executors(asked.engines)
    qc = folder.quantized()
    recorded = None if asked.recording is None else load(Path(asked.recording))
    if recorded is None:
        data = _input(qc, asked.input, asked.layout, model, tell)
    else:
        data = _recorded_input(qc, recorded[1], asked.input, str(asked.recording))
    classes = load_labels(labels, data.real.samples, classes_of(qc))
    model = model or source(folder)
    with TemporaryDirectory() as scratch:
        code = _code(model, folder, Path(scratch))
    subject = Subject(
        network=None if model is None else model.network,
        source=_source(model),
        code=code,
        circuit=folder.circuit(),
        qc=qc,
        program=program_of(folder, qc),
        target=load_target(folder.options.target),
        inputs=data.real,
        labels=classes,
        live=model is not None and model.live is not None,
        allow=folder.options.quantize.allow,
        engines=engines,
        if_able=tuple(name for name in engines if name not in asked.engines),
        absent=absent,
        recorded=None if recorded is None else recorded[0],
    )
    return subject, data


def _executors(asked: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(those that run, sentences on those that `all` asks for and that cannot)."""
    levels = {Level.QUANTIZED, Level.PROGRAM}
    found = [name for name in dict.fromkeys(asked) if name != ALL]
    for name in found:
        engine(name, tuple(levels), ALL).load()
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
        raise ValueError("without an example the input has a path")
    return on_grid(qc, model.inputs, tell)


def _source(model: LoadedModel | None) -> ModuleTrace | None:
    if model is None:
        return None
    return model.live or (_module(model.zoo()) if model.zoo is not None else None)


def _code(model: LoadedModel | None, folder: Build, scratch: Path) -> Code:
    """The twin checkpoint in plain PyTorch, or the twin of a live module."""
    if model is None:
        return _no_code("the source file is gone or changed")
    if model.live is not None:
        return _live_code(model.live, folder.quantized())
    if model.write_twin is None or model.zoo is None:
        system = model.network.provenance.system
        return _no_code(f"no checkpoint of {system} can say the quantized network")
    qc = folder.quantized()
    try:
        caveats = model.write_twin(qc, scratch / "twin.pth")
    except StatementError as e:
        return _no_code(e.finding.why)
    twin = load_model(
        replace(
            folder.options.model,
            path=str(scratch / "twin.pth"),
            input_path=None,
            shape=qc.input.shape,
        )
    )
    if twin.zoo is None:
        return _no_code("the twin checkpoint has no module")
    proved, reasons = _equality(caveats, qc)
    return Code(run=_module(twin.zoo()), proved=proved, reasons=reasons)


def _live_code(live: Live, qc: QuantizedCircuit) -> Code:
    try:
        run, caveats = live.twin(qc)
    except StatementError as e:
        return _no_code(f"{e.finding.where}: {e.finding.why}")
    proved, reasons = _equality(caveats, qc)
    return Code(run=run, proved=proved, reasons=reasons)


def _no_code(why: str) -> Code:
    return Code(run=None, reasons=(why,))


def _equality(caveats: tuple[str, ...], qc: QuantizedCircuit) -> tuple[bool, tuple[str, ...]]:
    """(whether float32 code of the twin must fire the chip's spikes, why or why not)."""
    if caveats:
        return False, caveats
    proved, reason = equal_in_float32(qc)
    return proved, (reason,)


def _module(module: "SpikingNet") -> ModuleTrace:
    from snn2chip.zoo.run import trace_zoo

    return lambda inputs: trace_zoo(module, inputs.values)
