"""The benchmark of all executors compares what they fire before it says how long they took."""

import pytest

from snn2chip.bench.executors import executor_rows


@pytest.mark.usefixtures("lava")
def test_every_executor_has_a_time_and_was_compared():
    rows = {r.engine: r for r in executor_rows("executors", repeats=1, threads=1)}
    assert {"layer", "dense", "lava", "lava-fast", "onnx, session made anew"} <= set(rows)
    for name, row in rows.items():
        assert row.best_ms > 0
        assert name.startswith("layer") or row.spikes.endswith("outputs equal"), name
    assert rows["lava"].ratio is None and (rows["layer"].ratio or 0) > 1


def test_without_lava_there_is_no_ratio(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rows = {r.engine: r for r in executor_rows("executors", repeats=1, threads=1)}
    assert "layer" in rows and "lava" not in rows
    assert all(r.ratio is None for r in rows.values())
