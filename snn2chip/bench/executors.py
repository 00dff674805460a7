"""Every executor on the same circuit, in one run: time per step of a sample, of the chip for `core` and Lava.

One sample, then a batch for those that gain by it: the core engine and Lava run samples one after the other, and their
step takes what it takes. What starting costs is not counted: weights are laid out, ONNX Runtime's session is made, and
Lava's steps are timed from the first ones that have ended.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from snn2chip.bench import table
from snn2chip.bench.table import BenchRow
from snn2chip.bench.workloads import Workload
from snn2chip.chip.map import map_circuit
from snn2chip.chip.target import load_target
from snn2chip.engines import core, dense, layer, spec
from snn2chip.engines.registry import ENGINES
from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording
from snn2chip.verify.ladder import part

TARGET = "loihi2"
LAVA = ("lava", "lava-fast")
PART_SECONDS = 0.5
"""A part of Lava's run that is long enough to be timed: its end is seen some hundredths of a second late."""

TURN_SECONDS = 0.05
"""How long an executor runs before the next one has its turn; the longest need but one call."""

USES = (
    "layer      data sets, and whatever waits for an answer: the fast default",
    "onnx       another runtime's word, quickly; a file for people without snn2chip",
    "dense      torch's word, and GPUs (--device cuda)",
    "core       the packed tables themselves, in chip time: what the chip is given",
    "lava       Intel's word, in chip time: a few samples before hardware",
    "lava-fast  the same graph in Lava where stock models would take over ten minutes",
)
"""Which executor to use for what."""

RATIOS = (
    "ratios: times faster than stock Lava, which runs a sample for each repetition, back to back"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Timed:
    """`run` takes `steps` steps and must give `expected`."""

    name: str
    run: Callable[[], Recording]
    steps: int
    expected: Recording


def executor_rows(work: Workload, repeats: int, threads: int) -> list[BenchRow]:
    """Milliseconds per step, of one sample of `work` and of all of them; ratios are against stock Lava.

    Only what is installed has a row; `doctor` says what is missing, and how to get it.
    """
    qc, one = work.qc, part(work.inputs, 0, 1)
    expected = spec.run(qc, one)
    timed = [*_folding(qc, one, expected, threads), _core(qc, one, expected)]
    timed += _folding(qc, work.inputs, spec.run(qc, work.inputs), threads)
    found: dict[str, tuple[list[float], str]] = {
        name: _lava(name, qc, one, repeats, expected) for name in LAVA if _installed(name)
    }
    found |= {t.name: ([], _compared(t.expected, t.run())) for t in timed}
    for _ in range(repeats):
        for t in timed:
            found[t.name][0].extend(spent / t.steps for spent in _seconds(t.run))
    base = min(found["lava"][0]) if "lava" in found else None
    return [
        table.row(work.name, name, times, None if name == "lava" else base, said)
        for name, (times, said) in found.items()
    ]


def reading(rows: Sequence[BenchRow]) -> tuple[str, ...]:
    """What the rows say together, and which executor to use for what."""
    best = {(r.workload, r.engine): r.best_ms for r in rows}
    said = [
        f"{work}: onnx takes {best[work, onnx] / took:.2f} of the time of {name}"
        for (work, name), took in best.items()
        if name.startswith("dense") and (work, onnx := name.replace("dense", "onnx")) in best
    ]
    return (*said, RATIOS, "", *USES)


def _folding(
    qc: QuantizedCircuit, inputs: InputData, expected: Recording, threads: int
) -> list[_Timed]:
    """Executors that take all samples and steps at once; every output is recorded."""
    prepared = layer.prepare(qc)
    runs: dict[str, Callable[[], Recording]] = {
        "layer": lambda: prepared.run(inputs, threads=threads)
    }
    if _installed("onnx"):
        from snn2chip.engines import onnx

        loaded = onnx.prepare(qc, threads)
        runs["onnx"] = lambda: loaded.run(inputs)
    runs["dense"] = lambda: dense.run(qc, inputs, threads=threads)
    batch = f", batch {inputs.samples}" if inputs.samples > 1 else ""
    steps = qc.steps * inputs.samples
    return [
        _Timed(name=name + batch, run=run, steps=steps, expected=expected)
        for name, run in runs.items()
    ]


def _core(qc: QuantizedCircuit, inputs: InputData, expected: Recording) -> _Timed:
    target = load_target(TARGET)
    program = map_circuit(qc, target).program
    unpacked = core.unpack(program, target)
    return _Timed(
        name=f"core, {len(program.cores)} cores",
        run=lambda: core.run_unpacked(program, unpacked, inputs, qc=qc)[0],
        steps=core.run_unpacked(program, unpacked, inputs, qc=qc)[1].steps,
        expected=expected,
    )


def _installed(name: str) -> bool:
    try:
        ENGINES[name].load()
    except Snn2ChipError:
        return False
    return True


def _lava(
    name: str, qc: QuantizedCircuit, one: InputData, repeats: int, expected: Recording
) -> tuple[list[float], str]:
    """(seconds of a step in each part of a run of `repeats` samples, what was compared)."""
    from snn2chip.engines.lava import engine
    from snn2chip.engines.lava.compose import compose

    samples_axis = one.values.ndim - len(qc.input.shape) - 1
    inputs = InputData(kind=one.kind, values=np.repeat(one.values, repeats, samples_axis))
    ended: list[tuple[float, float]] = []
    got = engine.run(
        qc,
        inputs,
        fast=name == "lava-fast",
        progress=lambda done: ended.append((time.perf_counter(), done)),
    )
    return _per_step(ended, compose(qc, inputs).steps), _compared(expected, got)


def _per_step(ended: Sequence[tuple[float, float]], steps: int) -> list[float]:
    """Seconds of a step between (time, part done) and the next; of all together where no part is long enough."""
    parts = [(b[0] - a[0], (b[1] - a[1]) * steps) for a, b in pairwise(ended)]
    long = [spent / taken for spent, taken in parts if spent >= PART_SECONDS]
    return long or [sum(spent for spent, _ in parts) / sum(taken for _, taken in parts)]


def _compared(expected: Recording, got: Recording) -> str:
    """What differs, in words. `expected` may have one sample that `got` has several times."""
    different = sum(int((v != got.outputs[k]).sum()) for k, v in expected.outputs.items())
    total = sum(v.size for v in got.outputs.values())
    return (
        f"{different:,} of {total:,} outputs DIFFER"
        if different
        else f"all {total:,} outputs equal"
    )


def _seconds(run: Callable[[], object]) -> list[float]:
    """Of each call in one turn: the first finds what the executor before it left in the caches."""
    spent: list[float] = []
    while sum(spent) < TURN_SECONDS:
        began = time.perf_counter()
        run()
        spent.append(time.perf_counter() - began)
    return spent
