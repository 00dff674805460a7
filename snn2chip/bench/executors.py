"""Every executor on ten layers of convolution and neurons: time per step of a sample, of the chip for `core` and Lava.

Lava's start, some seconds, is not counted: its steps are timed from the first one that has ended.
"""

import time
from collections.abc import Callable

from snn2chip.bench import table
from snn2chip.bench.table import BenchRow
from snn2chip.bench.workloads import ten_layers
from snn2chip.chip.map import map_circuit
from snn2chip.chip.target import load_target
from snn2chip.engines import core, dense, layer
from snn2chip.engines.registry import ENGINES
from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording

TARGET = "loihi2"
BATCH = 32


def executor_rows(workload: str, repeats: int, threads: int) -> list[BenchRow]:
    """Milliseconds per step; ratios are against stock Lava. Only what is installed has a row."""
    work, many = ten_layers(batch=1), ten_layers(batch=BATCH)
    qc, inputs = work.qc, work.inputs
    target = load_target(TARGET)
    program = map_circuit(qc, target).program
    unpacked = core.unpack(program, target)
    chip_steps = qc.steps * inputs.samples + program.schedule.depth[qc.readout.population]
    prepared = layer.prepare(qc)
    expected = prepared.run(inputs, threads=threads)
    runs: dict[str, tuple[Callable[[], Recording], int]] = {
        "layer": (lambda: prepared.run(inputs, threads=threads), qc.steps),
        "dense": (lambda: dense.run(qc, inputs, threads=threads), qc.steps),
        f"core, {len(program.cores)} cores": (
            lambda: core.run_unpacked(program, unpacked, inputs, qc=qc)[0],
            chip_steps,
        ),
        f"layer, batch {BATCH}": (
            lambda: prepared.run(many.inputs, threads=threads),
            qc.steps * BATCH,
        ),
    }
    found: dict[str, tuple[list[float], str]] = {}
    for name in ("lava", "lava-fast", "onnx"):
        try:
            run = ENGINES[name].load()
        except Snn2ChipError:
            continue  # `doctor` says what is missing, and how to get it
        if name == "onnx":
            runs["onnx, session made anew"] = (lambda run=run: run(qc, inputs), qc.steps)  # type: ignore[dict-item]
        else:
            found[name] = _lava(name == "lava-fast", qc, inputs, expected)
    for name, (run, steps) in runs.items():
        got = run()
        same = "" if name.startswith("layer") else _compared(expected, got)
        found[name] = ([_seconds(run) / steps for _ in range(repeats)], same)
    base = min(found["lava"][0]) if "lava" in found else None
    return [
        table.row(workload, name, times, None if name == "lava" else base, said)
        for name, (times, said) in found.items()
    ]


def _lava(
    fast: bool, qc: QuantizedCircuit, inputs: InputData, expected: Recording
) -> tuple[list[float], str]:
    """(seconds of a step, whether its outputs are those expected)."""
    from snn2chip.engines.lava import engine
    from snn2chip.engines.lava.compose import compose

    ended: list[tuple[float, float]] = []
    got = engine.run(
        qc,
        inputs,
        fast=fast,
        progress=lambda part: ended.append((time.perf_counter(), part)),
    )
    steps = compose(qc, inputs).steps
    (began, first), (end, last) = ended[0], ended[-1]
    return [(end - began) / max((last - first) * steps, 1)], _compared(expected, got)


def _compared(expected: Recording, got: Recording) -> str:
    different = sum(int((v != got.outputs[k]).sum()) for k, v in expected.outputs.items())
    total = sum(v.size for v in expected.outputs.values())
    return (
        f"{different:,} of {total:,} outputs DIFFER"
        if different
        else f"all {total:,} outputs equal"
    )


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
