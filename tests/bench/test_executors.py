"""The benchmark of all executors compares what they fire before it says how long they took."""

import re
from dataclasses import replace

import pytest

from snn2chip.bench import executors
from snn2chip.bench.engines import bench_engines
from snn2chip.bench.executors import executor_rows, reading
from snn2chip.bench.workloads import Workload, mnist, ten_layers

FOLDING = ("layer", "onnx", "dense")


@pytest.fixture(scope="module")
def small() -> Workload:
    """The MNIST network on two images."""
    return mnist(2)


@pytest.mark.usefixtures("lava")
def test_every_executor_has_a_time_and_was_compared(small):
    rows = {r.engine: r for r in executor_rows(small, repeats=1, threads=1)}
    batches = {f"{name}, batch 2" for name in FOLDING}
    (core,) = (name for name in rows if re.fullmatch(r"core, \d+ cores", name))
    assert set(rows) == {"lava", "lava-fast", *FOLDING, *batches, core}
    for name, row in rows.items():
        assert row.best_ms > 0
        assert row.spikes.startswith("all ") and row.spikes.endswith("outputs equal"), name
    assert rows["lava"].ratio is None
    assert rows["layer"].ratio == pytest.approx(rows["lava"].best_ms / rows["layer"].best_ms)


def test_without_lava_there_is_no_ratio(monkeypatch, tmp_path, small):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rows = {r.engine: r for r in executor_rows(small, repeats=1, threads=1)}
    assert "layer" in rows and "lava" not in rows
    assert all(r.ratio is None for r in rows.values())


def test_what_differs_is_said(monkeypatch, tmp_path, small):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    truth = executors.spec.run

    def wrong(qc, inputs):
        found = truth(qc, inputs)
        name = next(iter(found.outputs))
        return replace(found, outputs={**found.outputs, name: found.outputs[name] ^ 1})

    monkeypatch.setattr(executors.spec, "run", wrong)
    rows = executor_rows(small, repeats=1, threads=1)
    assert all(r.spikes.endswith("outputs DIFFER") for r in rows)


def test_the_command_runs_both_workloads_and_says_what_to_use(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("snn2chip.bench.engines.ten_layers", lambda: ten_layers(1))
    monkeypatch.setattr("snn2chip.bench.engines.mnist", lambda: mnist(1))
    table = bench_engines(("executors",), repeats=1, threads=1)
    assert [name for name, _ in table.workloads] == ["ten layers", "MNIST"]
    assert {r.workload for r in table.rows} == {"ten layers", "MNIST"}
    text = "\n".join(table.lines())
    assert "ten layers: onnx takes " in text and "MNIST: onnx takes " in text
    assert text.endswith("\n".join(reading(table.rows)))
    for name in ("layer ", "onnx ", "dense ", "core ", "lava ", "lava-fast "):
        assert f"\n{name}" in text, name


def test_short_parts_of_a_run_are_timed_together():
    ended = [(0.0, 0.1), (0.1, 0.2), (0.4, 0.6)]
    assert executors._per_step(ended, 10) == [pytest.approx(0.4 / 5)]
    assert executors._per_step([*ended, (1.4, 1.0)], 10) == [pytest.approx(1.0 / 4)]
