"""The engines against plain PyTorch: the same circuits, interleaved in one run; spikes are compared first."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from snn2chip.bench import table
from snn2chip.bench.chip import core_rows
from snn2chip.bench.executors import executor_rows, reading
from snn2chip.bench.frameworks import frameworks
from snn2chip.bench.naive import NaiveLoop
from snn2chip.bench.table import BenchRow, BenchTable
from snn2chip.bench.workloads import (
    WORKLOADS,
    Workload,
    mnist,
    sew_resnet18_imagenet,
    ten_layers,
)
from snn2chip.engines import dense, layer
from snn2chip.progress import Progress, Silent

SLOW_REPEATS = 2
"""Repetitions of engines that check rather than race."""

EXECUTORS = "executors"
OTHERS = {
    "core": "the packed tables of SEW ResNet-18, 32x32, one sample, per chip step",
    "size": "SEW ResNet-18, 224x224, T 4: one image, everything included",
}


def bench_engines(
    workloads: tuple[str, ...] = ("W1",),
    *,
    repeats: int = 5,
    threads: int = 2,
    progress: Progress | None = None,
) -> BenchTable:
    """Times of `workloads` (W1 to W4, core, executors, size): best of `repeats`, all engines with `threads` threads."""
    show = progress or Silent()
    what: list[tuple[str, str]] = []
    rows: list[BenchRow] = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for name in workloads:
            with show.stage(name):
                told, found = _measured(name, repeats, threads)
            what += told
            rows += found
    finally:
        torch.set_num_threads(before)
    return BenchTable(
        threads=threads,
        repeats=repeats,
        machine=table.machine(),
        versions=table.versions(),
        workloads=tuple(what),
        rows=tuple(rows),
        notes=reading(rows) if EXECUTORS in workloads else (),
    )


def _measured(
    name: str, repeats: int, threads: int
) -> tuple[list[tuple[str, str]], list[BenchRow]]:
    """(what was run, its rows)."""
    if name in WORKLOADS:
        work = WORKLOADS[name]()
        return [(name, work.what)], _race(work, repeats, threads)
    if name == EXECUTORS:
        works = (ten_layers(), mnist())
        told = [(w.name, f"{w.what}; time per step of a sample") for w in works]
        return told, [row for w in works for row in executor_rows(w, repeats, threads)]
    rows = core_rows(name, repeats) if name == "core" else _one_image(name, threads)
    return [(name, OTHERS[name])], rows


def _race(work: Workload, repeats: int, threads: int) -> list[BenchRow]:
    """The loop, our engines, and what other frameworks are installed."""
    name, qc, inputs = work.name, work.qc, work.inputs
    loop, prepared = NaiveLoop(qc), layer.prepare(qc)
    _, expected = loop.run(inputs, record=True)
    spikes = {
        "layer": _compared(expected, prepared.run(inputs, threads=threads).outputs),
        "dense": _compared(expected, dense.run(qc, inputs, threads=threads).outputs),
    }
    runs: dict[str, Callable[[], object]] = {
        "plain PyTorch, float32 loop": lambda: loop.run(inputs),
        "layer": lambda: prepared.run(inputs, record=False, threads=threads),
    }
    others = {f.name: f.build(qc) for f in frameworks()}
    for other, run in others.items():
        runs[other] = lambda run=run: run(inputs)
    runs["dense"] = lambda: dense.run(qc, inputs, record=False, threads=threads)
    times: dict[str, list[float]] = {engine: [] for engine in runs}
    for i in range(repeats):
        for engine, run in runs.items():
            # Where both use GNU OpenMP, numba's first parallel loop resets the number of torch's threads.
            torch.set_num_threads(threads)
            if engine != "dense" or i < SLOW_REPEATS:
                times[engine].append(seconds(run))
    base = min(times["plain PyTorch, float32 loop"])
    return [
        table.row(
            name,
            engine,
            times[engine],
            None if engine.startswith("plain") else base,
            ""
            if engine.startswith("plain")
            else spikes.get(engine, "thresholds scaled into weights: not compared"),
        )
        for engine in runs
    ]


def _compared(expected: Mapping[str, NDArray[Any]], got: Mapping[str, NDArray[Any]]) -> str:
    """Whether all spikes of all populations are equal, in words."""
    different = sum(int(np.count_nonzero(values != got[name])) for name, values in expected.items())
    total = sum(values.size for values in expected.values())
    return (
        f"all {total:,} outputs equal"
        if not different
        else f"{different:,} of {total:,} outputs DIFFER"
    )


def _one_image(name: str, threads: int) -> list[BenchRow]:
    """What somebody waits for who runs one image once: weights laid out, then the image."""
    work = sew_resnet18_imagenet()
    layer.prepare(work.qc).run(work.inputs, threads=threads)
    lay_out = seconds(lambda: layer.prepare(work.qc))
    whole = seconds(lambda: layer.run(work.qc, work.inputs, threads=threads))
    return [
        table.row(name, "layer: weights laid out", [lay_out], None, ""),
        table.row(name, "layer: laid out, run, all recorded", [whole], None, ""),
    ]


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
