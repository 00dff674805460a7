"""The ladder: every level and every engine on the same samples, rung by rung, in chunks of samples.

Rung 0 source, 1 lower, 2 twin, 2b loss, 2c code, 3 engines, 4 program (docs/verification.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import snn2chip.verify.rungs as rungs
from snn2chip.chip.audit import audit
from snn2chip.chip.program import Program
from snn2chip.chip.target import Target
from snn2chip.chip.validate import validate
from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.circuit.types import Circuit
from snn2chip.engines.registry import ENGINES, Level
from snn2chip.engines.spec import run as run_spec
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.network.engine import run as run_network
from snn2chip.network.judge import FLOAT32, FLOAT64
from snn2chip.network.types import InputKind, Network
from snn2chip.progress import Progress
from snn2chip.quantize.input import clipped_values, dequantize_input, quantize_input
from snn2chip.quantize.twin import membrane_unit, twin
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs, Recording, samples_of
from snn2chip.verify.compare import Tally
from snn2chip.verify.ties import TieJudge
from snn2chip.verify.types import Rung, Verdict

CHUNK_BYTES = 1 << 27
"""Widest layer of one chunk, as float64 over all steps."""

ModuleTrace = Callable[[InputData], Mapping[str, Outputs]]
"""Spikes [T, N, ...] of a live module by layer path."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """What is verified.

    `network` and `source` (the zoo's module) are None where the source file is gone or has no module; `code`
    runs the twin checkpoint in that module, and `code_proved` says whether it must be equal, with the reason.
    `engines`: those of rung 3 beside the ones that are always there; `if_able`: those of them that are left out where
    they cannot express the network; `absent`: those that could not run, and why.
    `recorded`: a run of these samples made elsewhere, which joins rung 3.
    """

    network: Network | None
    source: ModuleTrace | None
    code: ModuleTrace | None
    code_proved: bool
    code_reason: str
    circuit: Circuit
    qc: QuantizedCircuit
    program: Program
    target: Target
    inputs: InputData
    labels: NDArray[np.int64] | None
    allow: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    if_able: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    recorded: Recording | None = None


@dataclass(slots=True)
class _Run:
    """What has been gathered over the chunks so far.

    Rung 1 has a roundoff of 8 units of float64: its bound is taken from the folded weights, which understate
    the unfolded side where a batch norm's mean and bias cancel.
    """

    source: TieJudge = field(default_factory=lambda: TieJudge(unit=FLOAT32))
    lower: TieJudge = field(default_factory=lambda: TieJudge(unit=8 * FLOAT64))
    twin: Tally = field(default_factory=Tally)
    loss: Tally = field(default_factory=Tally)
    code: Tally = field(default_factory=Tally)
    engines: dict[str, Tally] = field(default_factory=dict[str, Tally])
    unable: list[str] = field(default_factory=list[str])
    recordings: list[Recording] = field(default_factory=list[Recording])
    clipped: int = 0
    original: list[NDArray[Any]] = field(default_factory=list[NDArray[Any]])
    fired: set[str] = field(default_factory=set[str])


def climb(subject: Subject, progress: Progress) -> tuple[Verdict, Recording]:
    """(verdict, the spec's recording of all samples)."""
    run = _Run(engines={name: Tally() for name in _others(subject)})
    twin_circuit = twin(subject.qc)
    size = chunk_size(subject.qc)
    samples = subject.inputs.samples
    for first in range(0, samples, size):
        chunk = part(subject.inputs, first, min(first + size, samples))
        with progress.stage(f"verify {first + chunk.samples}/{samples}") as done:
            _climb_chunk(subject, twin_circuit, chunk, first, run, done)
    with progress.stage("verify tables"):
        audited = audit(subject.program, subject.target)
        tables = rungs.program(validate(subject.program, subject.target, subject.qc), audited)
    recording = joined(run.recordings)
    verdict = Verdict(
        rungs=(*_float_rungs(subject, run), *_integer_rungs(subject, run, recording), tables),
        not_exercised=tuple(sorted(set(layer_outputs(subject.qc, recording.outputs)) - run.fired)),
        left_out=(*_left_out(subject), *run.unable),
    )
    return verdict, recording


def _climb_chunk(
    s: Subject,
    twin_circuit: Circuit,
    chunk: InputData,
    first: int,
    run: _Run,
    done: Callable[[float], None],
) -> None:
    integers, _ = quantize_input(s.qc.input, chunk)
    run.clipped += clipped_values(s.qc.input, chunk)
    spec = run_spec(s.qc, integers, progress=lambda x: done(0.3 * x))
    layers = layer_outputs(s.qc, spec.outputs)
    run.recordings.append(spec)
    run.fired |= set(layers) - rungs.silent_layers(layers)
    original = _float_levels(s, chunk, first, run)
    run.loss.add(layer_outputs(s.circuit, original.outputs), layers, first)
    run.original.append(original.decision)
    done(0.6)
    on_grid = dequantize_input(s.qc.input, integers)
    _equal(run.twin, spec, run_circuit(twin_circuit, on_grid), s.qc, first)
    if s.code is not None:
        theirs = s.code(on_grid)
        run.code.add({k: v for k, v in layers.items() if k in theirs}, theirs, first)
    done(0.8)
    _engines(s, spec, integers, first, run)
    done(1.0)


def _engines(s: Subject, spec: Recording, integers: InputData, first: int, run: _Run) -> None:
    """Rung 3. An executor that need not be there leaves where it cannot express the network, and says why."""
    for name, tally in tuple(run.engines.items()):
        try:
            other = _other(name, s, integers, first)
        except StatementError as e:
            if name not in s.if_able:
                raise
            del run.engines[name]
            f = e.finding
            numbers = f"have {f.have}; need {f.need}"
            run.unable.append(f"executor {name}: {f.where}: {f.why} ({f.code}: {numbers})")
        else:
            _equal(tally, spec, other, s.qc, first)


def _float_levels(s: Subject, chunk: InputData, first: int, run: _Run) -> Recording:
    """The circuit's recording, judged against the network's, judged against the source's."""
    if s.network is None:
        return run_circuit(s.circuit, chunk)
    judge = None
    if s.source is not None:
        run.source.expect(s.source(chunk), first)
        judge = run.source
    network = run_network(s.network, chunk, judge=judge)
    run.lower.expect(network.outputs, first, run.source.forced)
    return run_circuit(s.circuit, chunk, judge=run.lower)


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
    return found.load()(s.qc, integers)  # type: ignore[return-value]


def _others(s: Subject) -> tuple[str, ...]:
    """What the spec is compared with: every engine of integers that is always here, and those asked for."""
    ours = tuple(
        e.name
        for e in ENGINES.values()
        if e.level in (Level.QUANTIZED, Level.PROGRAM)
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


def _float_rungs(s: Subject, run: _Run) -> list[Rung]:
    found: list[Rung] = []
    if s.source is not None:
        found.append(
            run.source.rung("0", "source", ("plain PyTorch, float32", "float engine, float64"))
        )
    if s.network is not None:
        found.append(run.lower.rung("1", "lowering", ("network, float64", "circuit, float64")))
    return found


def _integer_rungs(s: Subject, run: _Run, recording: Recording) -> list[Rung]:
    found = [
        rungs.exact("2", "twin", ("circuit engine on the twin, float64", "spec, int64"), run.twin),
        rungs.loss(
            run.loss,
            measures(np.concatenate(run.original), recording.decision, s.labels),
            s.allow,
            run.clipped,
        ),
    ]
    if s.code is not None:
        found.append(rungs.code(run.code, s.code_proved, s.code_reason))
    total = Tally()
    for tally in run.engines.values():
        total.compared += tally.compared
        total.differing += tally.differing
        total.first = total.first or tally.first
    notes = [
        f"{name}: {t.compared:,} compared, {t.differing} differ" for name, t in run.engines.items()
    ]
    sides = ("spec", *run.engines)
    found.append(rungs.exact("3", "engines", sides, total, notes, run.engines))
    return found


def _left_out(s: Subject) -> tuple[str, ...]:
    reasons: list[str] = []
    if s.network is None:
        reasons.append("rungs 0 and 1: the source file is gone or changed")
    elif s.source is None:
        reasons.append("rung 0: this kind of file comes without a module to compare with")
    if s.code is None:
        reasons.append(f"rung 2c: {s.code_reason}")
    return (*reasons, *s.absent)


def measures(
    original: NDArray[Any], quantized: NDArray[Any], labels: NDArray[np.int64] | None
) -> dict[str, float]:
    """Agreement of the decisions, and top-1 of both where there are labels."""
    ours, theirs = quantized.argmax(1), original.argmax(1)
    found = {"samples": float(len(ours)), "agreement": float((ours == theirs).mean())}
    if labels is not None:
        found["top1_original"] = float((theirs == labels).mean())
        found["top1_twin"] = float((ours == labels).mean())
    return found


def chunk_size(qc: QuantizedCircuit) -> int:
    """Samples at a time, so that the widest layer stays within CHUNK_BYTES."""
    widest = max(int(np.prod(p.shape)) for p in qc.populations)
    return max(1, CHUNK_BYTES // (8 * widest * qc.steps))


def part(inputs: InputData, first: int, stop: int) -> InputData:
    """Samples first..stop."""
    static = inputs.kind is InputKind.STATIC
    values = inputs.values[first:stop] if static else inputs.values[:, first:stop]
    return InputData(kind=inputs.kind, values=values)


def joined(recordings: list[Recording]) -> Recording:
    """One recording of all chunks."""
    head = recordings[0]
    return Recording(
        engine=head.engine,
        outputs={
            k: np.concatenate([r.outputs[k] for r in recordings], axis=1) for k in head.outputs
        },
        potentials={
            k: np.concatenate([r.potentials[k] for r in recordings]) for k in head.potentials
        },
        decision=np.concatenate([r.decision for r in recordings]),
        highest={k: max(r.highest[k] for r in recordings) for k in head.highest},
        lowest={k: min(r.lowest[k] for r in recordings) for k in head.lowest},
    )
