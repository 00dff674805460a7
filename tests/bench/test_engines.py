"""The benchmark compares before it measures, and says what it compared."""

import json
import sys
import types

import numpy as np
import pytest
import torch

from snn2chip.bench import chip, engines, frameworks
from snn2chip.bench.table import BenchTable, row
from snn2chip.bench.workloads import small_residual

LOOP = "plain PyTorch, float32 loop"


@pytest.fixture(scope="module")
def table() -> BenchTable:
    return engines.bench_engines(("W1",), repeats=1, threads=1)


def test_engines_are_compared_and_timed(table):
    assert table.row("W1", LOOP).ratio is None
    for engine in ("layer", "dense"):
        found = table.row("W1", engine)
        assert found.spikes.startswith("all ")
        assert found.spikes.endswith(" outputs equal")
        assert found.ratio == pytest.approx(table.row("W1", LOOP).best_ms / found.best_ms)


def test_the_table_is_text_and_data(table):
    text = "\n".join(table.lines())
    assert "1 threads, best of 1" in text
    assert "W1: stem and 4 SEW blocks" in text
    assert json.loads(json.dumps(table.to_dict()))["rows"][0]["workload"] == "W1"


def test_threads_of_torch_are_given_back(table):
    before = torch.get_num_threads()
    engines.bench_engines((), threads=1)
    assert torch.get_num_threads() == before


def test_a_difference_is_shouted():
    expected = {"a": np.zeros((2, 2), np.uint8)}
    assert engines._compared(expected, {"a": np.eye(2, dtype=np.uint8)}) == "2 of 4 outputs DIFFER"


def test_best_median_and_ratio():
    found = row("W", "e", [0.004, 0.002, 0.009], 0.010, "")
    assert (found.best_ms, found.median_ms, found.ratio) == (2.0, 4.0, 5.0)


def test_other_frameworks_run_where_they_are_installed(monkeypatch):
    class Always(torch.nn.Module):
        def forward(self, current):
            return torch.ones_like(current)

    monkeypatch.setitem(sys.modules, "pretend", types.ModuleType("pretend"))
    sys.modules["pretend"].__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    here = frameworks.Framework(name="Pretend", module="pretend", cell=Always)
    gone = frameworks.Framework(name="Gone", module="not_installed_anywhere", cell=Always)
    monkeypatch.setattr(frameworks, "ALL", (here, gone))
    assert frameworks.frameworks() == [here]
    work = small_residual()
    potentials, spikes = here.build(work.qc)(work.inputs, record=True)  # type: ignore[misc, call-arg]
    assert all(values.all() for values in spikes.values())
    assert potentials.shape == (64, 10)


def test_core_engine_rows(monkeypatch):
    monkeypatch.setattr(chip, "sew_resnet18_cifar", lambda batch: small_residual(batch))
    core, layer = chip.core_rows("core", 2)
    assert core.spikes == "all outputs equal to layer"
    assert core.engine.endswith(f"of {chip.TARGET}")
    assert layer.best_ms > 0
