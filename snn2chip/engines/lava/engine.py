"""The lava engine: Intel's Lava runs the program, in processes of its own, in chip time, samples back to back."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.engines.decision import decide
from snn2chip.engines.lava.compose import compose
from snn2chip.engines.lava.environment import python
from snn2chip.engines.lava.plan import Plan, Sink, write_plan
from snn2chip.engines.lava.runner import run_worker
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs, Recording, compact

STOCK_SECONDS = 600
"""A run that would take longer with Lava's own models takes our fast ones."""

START_SECONDS = 120
PATIENCE = 20
"""Silence that is borne: for the start, and times what a step should take."""

Job = tuple[QuantizedCircuit, InputData]


def check() -> None:
    """Raise `lava-missing` where no environment was set up."""
    python()


def run(
    qc: QuantizedCircuit,
    inputs: InputData,
    *,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
    fast: bool | None = None,
) -> Recording:
    """Recording of `inputs` (int64 values).

    `fast`: our models for stock convolutions, delays and matrices; None: where Lava's own would take over ten minutes.
    Errors: StatementError `lava-width`; Snn2ChipError `lava-missing`, `lava-failed`, `lava-silent`.
    """
    return run_many([(qc, inputs)], record=record, progress=progress, fast=fast)[0]


def run_many(
    jobs: Sequence[Job],
    *,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
    fast: bool | None = None,
) -> list[Recording]:
    """As `run`, circuit after circuit in one worker: starting Python and Lava takes seconds."""
    plans = [compose(qc, inputs, record) for qc, inputs in jobs]
    quick = (
        sum(p.steps * p.step_seconds[0] for p in plans) > STOCK_SECONDS if fast is None else fast
    )
    total = sum(p.steps for p in plans)
    before = {str(i): sum(p.steps for p in plans[:i]) for i in range(len(plans))}
    slowest = max(p.step_seconds[1 if quick else 0] for p in plans)

    def told(name: str, done: int) -> None:
        if progress is not None:
            progress((before[name] + done) / total)

    with TemporaryDirectory(prefix="snn2chip-lava-") as scratch:
        folders = [Path(scratch) / str(i) for i in range(len(plans))]
        for plan, folder in zip(plans, folders, strict=True):
            folder.mkdir()
            write_plan(plan, folder, quick)
        run_worker(
            python(),
            Path(scratch),
            list(before),
            silence=START_SECONDS + PATIENCE * slowest,
            progress=told,
        )
        return [
            _recording(qc, inputs.samples, plan, folder, "lava-fast" if quick else "lava")
            for (qc, inputs), plan, folder in zip(jobs, plans, folders, strict=True)
        ]


def _recording(
    qc: QuantizedCircuit, samples: int, plan: Plan, folder: Path, engine: str
) -> Recording:
    outputs: dict[str, Outputs] = {}
    potentials: dict[str, Outputs] = {}
    for sink in plan.sinks:
        p = qc.population(sink.population)
        rows = _rows(sink, folder, samples, qc.steps)
        if p.neuron.emits is Emits.NOTHING:
            potentials[p.name] = rows[-1].astype(np.int64)
            outputs[p.name] = np.zeros(rows.shape, np.uint8)
        else:
            outputs[p.name] = compact(rows)
    whole = len(outputs) == len(qc.populations)
    return Recording(
        engine=engine,
        outputs=outputs if whole else {},
        potentials=potentials,
        decision=decide(qc, outputs, potentials),
    )


def _rows(sink: Sink, folder: Path, samples: int, steps: int) -> IntArray:
    """[T, N, C, H, W] from the rows of a sink, which hold one sample after the other, `depth` columns late."""
    rows = np.load(folder / sink.file, mmap_mode="r", allow_pickle=False)
    mine = rows[sink.depth : sink.depth + samples * steps]
    samples_first = mine.reshape(samples, steps, *mine.shape[1:])
    return np.ascontiguousarray(samples_first.transpose(1, 0, 4, 2, 3))
