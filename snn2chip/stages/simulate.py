"""`simulate`: run a build on an input and keep the recording."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter

from snn2chip.build import Build, open_build
from snn2chip.chip.program import Program
from snn2chip.chip.target import Target, load_target
from snn2chip.engines.lava.expected import tell_expected
from snn2chip.engines.registry import Level, engine
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits
from snn2chip.parallel import Files, Workers, check_files, files_of, results_of, worth
from snn2chip.progress import Progress, Silent
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording
from snn2chip.recordings import save
from snn2chip.stages.data import classes_of, load_labels, program_of, stage_input, top1
from snn2chip.verify.ladder import Span, joined, part, spans_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A run: `path` of the recording, samples, seconds, top-1 where labels were given, and each layer's mean output."""

    path: Path
    engine: str
    samples: int
    seconds: float
    top1: float | None
    decisions: tuple[int, ...]
    rates: dict[str, float]

    def lines(self) -> list[str]:
        """The run, for people."""
        silent = [name for name, rate in self.rates.items() if not rate]
        accuracy = [] if self.top1 is None else [f"top-1 {100 * self.top1:.2f} % of {self.samples}"]
        return [
            f"{self.samples} samples through the {self.engine} engine in {self.seconds:.2f} s",
            *accuracy,
            f"decisions: {' '.join(map(str, self.decisions[:20]))}"
            + (" ..." if self.samples > 20 else ""),
            *(f"not exercised: {name} is silent on this input" for name in silent),
            f"recording: {self.path}",
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "recording": str(self.path),
            "engine": self.engine,
            "samples": self.samples,
            "seconds": self.seconds,
            "top1": self.top1,
            "decisions": list(self.decisions),
            "rates": self.rates,
        }


def run_engine(
    name: str,
    qc: QuantizedCircuit,
    program: Program,
    target: Target,
    inputs: InputData,
    progress: Progress,
) -> Recording:
    """`inputs` (integers) through the engine called `name`, which runs integers or the program."""
    found = engine(name, (Level.QUANTIZED, Level.PROGRAM))
    with progress.stage(name) as done:
        if found.level is Level.PROGRAM:
            return found.load()(program, target, inputs, qc=qc, progress=done)  # type: ignore[return-value]
        return found.load(Level.QUANTIZED)(qc, inputs, progress=done)  # type: ignore[return-value]


def simulate(
    build: str | Path,
    input: str,
    *,
    layout: str | None = None,
    labels: str | None = None,
    engine: str = "layer",
    workers: Workers | None = None,
    progress: Progress | None = None,
) -> Simulated:
    """Run `build` on the array file `input`; writes recordings/ENGINE.npz.

    `workers`: chunks of samples run there, where they are given or where there are many; the recording is the same.
    """
    tell = progress or Silent()
    folder = open_build(build)
    qc = folder.quantized()
    data = stage_input(qc, input, layout, tell)
    classes = load_labels(labels, data.real.samples, classes_of(qc))
    program, target = program_of(folder, qc), load_target(folder.options.target)
    spans = spans_of(qc, data.integers.samples)
    spread = worth(workers or Workers(), len(spans))
    runs = [stop - first for first, stop in spans] if spread else [data.integers.samples]
    tell_expected((engine,), qc, runs, tell)
    began = perf_counter()
    if spread:
        asked = _Asked(
            build=str(folder.path.resolve()),
            input=str(Path(input).resolve()),
            layout=layout,
            engine=engine,
            files=files_of(folder.path / "build.toml", input),
        )
        recording = _spread(asked, spans, workers or Workers(), tell)
    else:
        recording = run_engine(engine, qc, program, target, data.integers, tell)
    seconds = perf_counter() - began
    return Simulated(
        path=keep(folder, recording, data.integers),
        engine=engine,
        samples=data.real.samples,
        seconds=seconds,
        top1=top1(recording.decision, classes),
        decisions=tuple(int(d) for d in recording.decision.argmax(1)),
        rates={
            p.name: float(recording.outputs[p.name].mean())
            for p in qc.populations
            if p.neuron.emits is not Emits.NOTHING
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a worker opens: paths, and `files`, their contents here."""

    build: str
    input: str
    layout: str | None
    engine: str
    files: Files


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    asked: _Asked
    first: int
    stop: int


def _spread(asked: _Asked, spans: Sequence[Span], workers: Workers, tell: Progress) -> Recording:
    """The recording of all samples, chunk by chunk in workers."""
    parts = [_Part(asked=asked, first=first, stop=stop) for first, stop in spans]
    return joined(results_of(_run_part, parts, workers, asked.engine, tell))


def _run_part(p: _Part) -> Recording:
    qc, program, target, integers = _opened(p.asked)
    chunk = part(integers, p.first, p.stop)
    return run_engine(p.asked.engine, qc, program, target, chunk, Silent())


@lru_cache(maxsize=1)
def _opened(asked: _Asked) -> tuple[QuantizedCircuit, Program, Target, InputData]:
    """What one chunk after the other runs on."""
    check_files(asked.files)
    folder = open_build(asked.build)
    qc = folder.quantized()
    data = stage_input(qc, asked.input, asked.layout, Silent())
    target = load_target(folder.options.target)
    return qc, program_of(folder, qc), target, data.integers


def keep(folder: Build, recording: Recording, inputs: InputData) -> Path:
    """Write the recording and its input (integers) into the build folder."""
    path = folder.path / "recordings" / f"{recording.engine}.npz"
    path.parent.mkdir(exist_ok=True)
    save(recording, inputs, path)
    return path
