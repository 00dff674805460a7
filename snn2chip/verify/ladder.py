"""The ladder: every level and every engine on the same samples, rung by rung, in chunks of samples.

Rung 0 source, 1 lower, 1b float executors, 2 twin, 2b loss, 2c code, 3 engines, 4 program (docs/verification.md).
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import snn2chip.verify.rungs as rungs
from snn2chip.chip.examine import examine
from snn2chip.circuit.layers import layer_outputs
from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.progress import Progress
from snn2chip.quantize.twin import twin
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording
from snn2chip.verify.chunk import Gathered, Subject, climb_chunk
from snn2chip.verify.compare import Tally
from snn2chip.verify.types import Rung, Verdict

CHUNK_BYTES = 1 << 27
"""Widest layer of one chunk, as float64 over all steps."""

Span = tuple[int, int]
"""The first sample of a chunk, and the first that follows it."""

Gather = Callable[[Sequence[Span]], Iterable[Gathered]]
"""What came out of each chunk, in their order."""


def climb(
    subject: Subject, progress: Progress, gather: Gather | None = None
) -> tuple[Verdict, Recording]:
    """(verdict, the spec's recording of all samples). `gather`: runs the chunks elsewhere; None: here."""
    spans = spans_of(subject.qc, subject.inputs.samples)
    chunks = _gathered(subject, spans, progress) if gather is None else gather(spans)
    run = functools.reduce(_added, chunks)
    with progress.stage("verify tables"):
        audited, validation = examine(subject.program, subject.target, subject.qc)
        tables = rungs.program(validation, audited)
    recording = joined(run.recordings)
    verdict = Verdict(
        rungs=(*_float_rungs(subject, run), *_integer_rungs(subject, run, recording), tables),
        not_exercised=tuple(sorted(set(layer_outputs(subject.qc, recording.outputs)) - run.fired)),
        left_out=(*_left_out(subject), *run.unable),
    )
    return verdict, recording


def spans_of(qc: QuantizedCircuit, samples: int) -> tuple[Span, ...]:
    """(first, stop) of each chunk."""
    size = chunk_size(qc)
    return tuple((first, min(first + size, samples)) for first in range(0, samples, size))


def _gathered(subject: Subject, spans: Sequence[Span], progress: Progress) -> Iterator[Gathered]:
    circuit = twin(subject.qc)
    for first, stop in spans:
        with progress.stage(f"verify {stop}/{subject.inputs.samples}") as done:
            yield climb_chunk(subject, circuit, part(subject.inputs, first, stop), first, done)


def _added(run: Gathered, later: Gathered) -> Gathered:
    run.add(later)
    return run


def _float_rungs(s: Subject, run: Gathered) -> list[Rung]:
    found: list[Rung] = []
    if s.source is not None:
        side = rungs.LIVE if s.live else "plain PyTorch, float32"
        found.append(run.source.rung("0", "source", (side, "float engine, float64")))
    if s.network is not None:
        found.append(run.lower.rung("1", "lowering", ("network, float64", "circuit, float64")))
    for name, judge in run.floats.items():
        sides = (f"network.nir in {name}, float32", "circuit, float64")
        found.append(judge.rung("1b", f"float circuit in {name}", sides))
    return found


def _integer_rungs(s: Subject, run: Gathered, recording: Recording) -> list[Rung]:
    found = [
        rungs.exact("2", "twin", ("circuit engine on the twin, float64", "spec, int64"), run.twin),
        rungs.loss(
            run.loss,
            measures(np.concatenate(run.original), recording.decision, s.labels),
            s.allow,
            run.clipped,
        ),
    ]
    if s.code.run is not None:
        found.append(rungs.code(run.code, s.code.proved, s.code.reasons, s.live))
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
    if s.code.run is None:
        reasons.append(f"rung 2c: {'; '.join(s.code.reasons)}")
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
