"""The core engine: time per chip step, on the packed tables of a real size."""

import time

import numpy as np

from snn2chip.bench import table
from snn2chip.bench.table import BenchRow
from snn2chip.bench.workloads import sew_resnet18_cifar
from snn2chip.chip.map import map_circuit
from snn2chip.chip.target import load_target
from snn2chip.engines import core, layer

TARGET = "loihi2"


def core_rows(workload: str, repeats: int) -> list[BenchRow]:
    """Time per chip step of SEW ResNet-18 (32x32, one sample), and of the layer engine per step of the sample."""
    work = sew_resnet18_cifar(batch=1)
    target = load_target(TARGET)
    program = map_circuit(work.qc, target).program
    prepared = layer.prepare(work.qc)
    expected = prepared.run(work.inputs, threads=1)
    per_step: list[float] = []
    layer_step: list[float] = []
    equal = True
    unpacked = core.unpack(program, target)
    for _ in range(repeats):
        start = time.perf_counter()
        got, counts = core.run_unpacked(program, unpacked, work.inputs, qc=work.qc)
        per_step.append((time.perf_counter() - start) / counts.steps)
        start = time.perf_counter()
        prepared.run(work.inputs, record=False, threads=1)
        layer_step.append((time.perf_counter() - start) / work.qc.steps)
        equal &= all(np.array_equal(v, expected.outputs[k]) for k, v in got.outputs.items())
    spikes = "all outputs equal to layer" if equal else "outputs DIFFER from layer"
    cores = f"core, {len(program.cores)} cores of {TARGET}"
    return [
        table.row(workload, cores, per_step[1:] or per_step, None, spikes),
        table.row(workload, "layer, 1 thread", layer_step[1:] or layer_step, None, ""),
    ]
