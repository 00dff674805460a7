import json
from dataclasses import replace

import pytest

from snn2chip.bench import compiling
from snn2chip.bench.compiling import CASES, CompileRow, CompileTable, measured
from snn2chip.cli.main import main
from snn2chip.stages import bench

FINE = CompileRow(
    arch="sew_resnet18",
    target="loihi1",
    cores=2,
    chips=1,
    spike_hops=3,
    compared=10,
    differing=0,
    seconds=59.0,
    cpu_seconds=80.0,
    memory_gb=1.5,
    most_seconds=60,
    most_gb=12,
)


def test_a_row_holds_within_time_and_memory_where_nothing_differs():
    assert FINE.holds
    wrong = [{"seconds": 61.0}, {"memory_gb": 12.1}, {"differing": 1}, {"compared": 0}]
    missed = [replace(FINE, **change) for change in wrong]
    assert not any(r.holds for r in missed)
    table = CompileTable(rows=(FINE, *missed))
    assert not table.holds
    assert table.lines()[0].startswith("whole compiles: 1 of 5 hold")
    assert [line.endswith("MISSED") for line in table.lines()[3:]] == [False, *[True] * 4]


def test_both_targets_and_both_depths_are_measured():
    assert {(c.arch, c.target) for c in CASES} == {
        ("sew_resnet18", "loihi2"),
        ("sew_resnet18", "loihi1"),
        ("sew_resnet152", "loihi2"),
    }


def test_a_command_is_measured(tmp_path):
    words = ["cost", "--conv", "4,4,3,1", "--source", "8x8", "--json"]
    told, seconds, cpu, memory = measured(words, tmp_path / "told.json")
    assert told["fits"] is True
    assert cpu > 0
    assert seconds > 0
    assert 0.01 < memory < 12


def test_a_command_that_fails_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="snn2chip cost ended with status 2"):
        measured(["cost"], tmp_path / "told.json")


def test_the_command_prints_the_rows(monkeypatch, capsys):
    monkeypatch.setattr(bench, "compile_row", lambda case: replace(FINE, arch=case.arch))
    assert main(["bench", "compile", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [r["arch"] for r in told["rows"]] == [c.arch for c in compiling.CASES]
    assert main(["bench", "compile", "W1"]) == 2
    assert "compile goes alone" in capsys.readouterr().err
