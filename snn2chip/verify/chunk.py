"""The ladder on a chunk of samples: every level and every engine, and what is gathered of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import snn2chip.verify.rungs as rungs
from snn2chip.chip.program import Program
from snn2chip.chip.target import Target
from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.circuit.types import Circuit
from snn2chip.engines.registry import ENGINES, Level
from snn2chip.engines.spec import run as run_spec
from snn2chip.errors import Finding, StatementError
from snn2chip.inputs import InputData
from snn2chip.network.engine import run as run_network
from snn2chip.network.judge import FLOAT32, FLOAT64
from snn2chip.network.types import Network
from snn2chip.quantize.input import clipped_values, dequantize_input, quantize_input
from snn2chip.quantize.twin import membrane_unit
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs, Recording, samples_of
from snn2chip.threads import one_thread
from snn2chip.verify.compare import Tally
from snn2chip.verify.ties import TieJudge

ModuleTrace = Callable[[InputData], Mapping[str, Outputs]]
"""Spikes [T, N, ...] of a live module by layer path."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Code:
    """The twin as float code: `run` is None where none can say the quantized network; `reasons` say why.

    `proved`: it must fire the chip's spikes; `reasons` say why, or why not.
    """

    run: ModuleTrace | None
    reasons: tuple[str, ...]
    proved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What is verified.

    `network` and `source` are None where the source file is gone or has no module. `live`: source and code are the
    user's own module, in its framework; else our plain PyTorch, which computes as the source does.
    `engines`: those of rung 3 (and 1b) beside the ones that are always there; `if_able`: those of them that are left
    out where they cannot express the network; `absent`: those that could not run, and why.
    `recorded`: a run of these samples made elsewhere, which joins rung 3.
    """

    network: Network | None
    source: ModuleTrace | None
    code: Code
    circuit: Circuit
    qc: QuantizedCircuit
    program: Program
    target: Target
    inputs: InputData
    labels: NDArray[np.int64] | None
    live: bool = False
    allow: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    if_able: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    recorded: Recording | None = None


@dataclass(slots=True)
class Gathered:
    """What came out of some samples, and, once those of later ones were added, of all.

    Rung 1 has a roundoff of 8 units of float64: its bound is taken from the folded weights, which understate
    the unfolded side where a batch norm's mean and bias cancel.
    """

    source: TieJudge = field(default_factory=lambda: TieJudge(unit=FLOAT32))
    lower: TieJudge = field(default_factory=lambda: TieJudge(unit=8 * FLOAT64))
    floats: dict[str, TieJudge] = field(default_factory=dict[str, TieJudge])
    twin: Tally = field(default_factory=Tally)
    loss: Tally = field(default_factory=Tally)
    code: Tally = field(default_factory=Tally)
    engines: dict[str, Tally] = field(default_factory=dict[str, Tally])
    unable: list[str] = field(default_factory=list[str])
    recordings: list[Recording] = field(default_factory=list[Recording])
    clipped: int = 0
    original: list[NDArray[Any]] = field(default_factory=list[NDArray[Any]])
    fired: set[str] = field(default_factory=set[str])

    def add(self, later: "Gathered") -> None:
        """Take in the samples that follow; executors that were left out on some samples are left out of all."""
        self.source.merge(later.source)
        self.lower.merge(later.lower)
        self.floats = {n: j for n, j in self.floats.items() if n in later.floats}
        for name, judge in self.floats.items():
            judge.merge(later.floats[name])
        self.twin.merge(later.twin)
        self.loss.merge(later.loss)
        self.code.merge(later.code)
        self.engines = {n: t for n, t in self.engines.items() if n in later.engines}
        for name, tally in self.engines.items():
            tally.merge(later.engines[name])
        self.unable += [text for text in later.unable if text not in self.unable]
        self.recordings += later.recordings
        self.clipped += later.clipped
        self.original += later.original
        self.fired |= later.fired


def climb_chunk(
    s: Subject,
    twin_circuit: Circuit,
    chunk: InputData,
    first: int,
    done: Callable[[float], None],
) -> Gathered:
    """Every level and engine on `chunk`, samples `first` and on.

    Floats are added on one thread: whatever runs it, ties are the same.
    """
    run = Gathered(engines={name: Tally() for name in _others(s)})
    integers, _ = quantize_input(s.qc.input, chunk)
    run.clipped = clipped_values(s.qc.input, chunk)
    spec = run_spec(s.qc, integers, progress=lambda x: done(0.3 * x))
    layers = layer_outputs(s.qc, spec.outputs)
    run.recordings.append(spec)
    run.fired |= set(layers) - rungs.silent_layers(layers)
    with one_thread():
        original = _float_levels(s, chunk, first, run)
        _float_engines(s, chunk, first, run)
    run.loss.add(layer_outputs(s.circuit, original.outputs), layers, first)
    run.original.append(original.decision)
    done(0.6)
    on_grid = dequantize_input(s.qc.input, integers)
    _equal(run.twin, spec, run_circuit(twin_circuit, on_grid), s.qc, first)
    if s.code.run is not None:
        with one_thread():
            theirs = s.code.run(on_grid)
        run.code.add({k: v for k, v in layers.items() if k in theirs}, theirs, first)
    done(0.8)
    _engines(s, spec, integers, first, run)
    done(1.0)
    return run


def _engines(s: Subject, spec: Recording, integers: InputData, first: int, run: Gathered) -> None:
    """Rung 3. An executor that need not be there leaves where it cannot express the network, and says why."""
    for name, tally in tuple(run.engines.items()):
        try:
            other = _other(name, s, integers, first)
        except StatementError as e:
            if name not in s.if_able and name not in run.floats:
                raise
            del run.engines[name]
            run.unable.append(_unable(name, e.finding))
        else:
            _equal(tally, spec, other, s.qc, first)


def _unable(name: str, f: Finding) -> str:
    where = "" if f.where == name else f"{f.where}: "
    numbers = f": have {f.have}; need {f.need}" if f.have or f.need else ""
    return f"executor {name}: {where}{f.why} ({f.code}{numbers})"


def _float_engines(s: Subject, chunk: InputData, first: int, run: Gathered) -> None:
    """Rung 1b. Executors of the float circuit; those that cannot express it run no twin of it either."""
    for name in s.engines:
        if ENGINES[name].level is not Level.CIRCUIT:
            continue
        try:
            other: Recording = ENGINES[name].load()(s.circuit, chunk)  # type: ignore[assignment]
        except StatementError as e:
            if name not in s.if_able:
                raise
            del run.engines[name]
            run.unable.append(_unable(name, e.finding))
            continue
        judge = run.floats[name] = TieJudge(unit=FLOAT32)
        judge.expect(other.outputs, first)
        run_circuit(s.circuit, chunk, judge=judge)
        judge.forget()


def _float_levels(s: Subject, chunk: InputData, first: int, run: Gathered) -> Recording:
    """The circuit's recording, judged against the network's, judged against the source's."""
    if s.network is None:
        return run_circuit(s.circuit, chunk)
    judge = None
    if s.source is not None:
        run.source.expect(s.source(chunk), first)
        judge = run.source
    network = run_network(s.network, chunk, judge=judge)
    run.lower.expect(network.outputs, first, run.source.forced)
    found = run_circuit(s.circuit, chunk, judge=run.lower)
    run.source.forget()
    run.lower.forget()
    return found


def _equal(
    tally: Tally, spec: Recording, other: Recording, qc: QuantizedCircuit, first: int
) -> None:
    """Every output of every population, and every read-out potential. Twins give potentials in real units."""
    tally.add(spec.outputs, other.outputs, first)
    for name, v in spec.potentials.items():
        population = qc.population(name)
        said: dict[str, Outputs] = {}
        if name in other.potentials:
            theirs = other.potentials[name]
            real = theirs.dtype.kind == "f"
            said[f"{name} (potential)"] = (theirs / membrane_unit(population) if real else theirs)[
                None
            ]
        tally.add({f"{name} (potential)": v[None]}, said, first)


def _engine(name: str, s: Subject, integers: InputData) -> Recording:
    found = ENGINES[name]
    if found.level is Level.PROGRAM:
        return found.load()(s.program, s.target, integers, qc=s.qc)  # type: ignore[return-value]
    return found.load(Level.QUANTIZED)(s.qc, integers)  # type: ignore[return-value]


def _others(s: Subject) -> tuple[str, ...]:
    """What the spec is compared with: every engine of integers that is always here, and those asked for."""
    ours = tuple(
        e.name
        for e in ENGINES.values()
        if set(e.levels) & {Level.QUANTIZED, Level.PROGRAM}
        and e.name != "spec"
        and (not e.optional or e.name in s.engines)
    )
    return ours if s.recorded is None else (*ours, _recorded_name(s.recorded))


def _recorded_name(recording: Recording) -> str:
    return f"{recording.engine} (recorded)"


def _other(name: str, s: Subject, integers: InputData, first: int) -> Recording:
    """What an executor says of samples `first` and on."""
    if s.recorded is None or name != _recorded_name(s.recorded):
        return _engine(name, s, integers)
    return samples_of(s.recorded, first, first + integers.samples)
