"""The zoo table: rows are made once, kept, and added up; what cannot be deployed is said."""

import json
from dataclasses import replace
from typing import Any

import pytest

from snn2chip.cli.main import main
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.progress import Silent
from snn2chip.training import datasets
from snn2chip.zoo_table import row as rows
from snn2chip.zoo_table.row import Row, Run, row_of
from snn2chip.zoo_table.table import ZooTable, zoo_table
from tests.training.small import bars

RUN = Run(system="guo_resnet", on=True, seed=1, data="digits", target="loihi2", samples=4, epochs=1)


def made(run=RUN, **fields) -> Row:
    rungs = {"0": (100, 0, True), "2b": (100, 7, True)}
    numbers = {"trained": 0.9, "original": 1.0, "twin": 0.75, "agreement": 0.75}
    more: dict[str, Any] = {"rungs": rungs, "cores": 3, "energy_pj": 2e6, **numbers} | fields
    return Row(run=run, **more)


def test_cells_are_means_and_sums():
    table = ZooTable(
        rows=(
            made(),
            made(replace(RUN, seed=2), trained=0.8, twin=1.0, energy_pj=4e6, cores=5),
            made(replace(RUN, on=False), rungs={"0": (10, 1, False)}),
        )
    )
    lines = table.lines()
    assert "with 2 seed(s)" in lines[0]
    on, off = (x for x in lines if x.startswith("| guo_resnet") and "µJ" in x)
    assert on == (
        "| guo_resnet | branches | 85.00 % (80.0 … 90.0) | 100.00 % (100.0 … 100.0) | 87.50 % (75.0 … 100.0) "
        "| 75.00 % (75.0 … 75.0) | 3 … 5 | 3.0 µJ |"
    )
    assert off.startswith("| guo_resnet | without branches | 90.00 % | 100.00 %")
    summed, failed = (x for x in lines if x.startswith("| guo_resnet") and " of " in x)
    assert "| 0 of 200 | – | – | 14 of 200 | – | – | – |" in summed
    assert "1 of 10 **fails**" in failed
    assert not table.verified
    assert ZooTable(rows=(made(),)).verified


def test_what_was_not_deployed_is_said():
    table = ZooTable(rows=(made(refused="error[map-fit] too large", rungs={}),))
    assert not table.verified
    assert table.lines()[-1] == "- guo_resnet-on-seed1: error[map-fit] too large"


def test_runs_are_done_once_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(datasets.LOADERS, "digits", lambda _: bars())
    words = ["zoo", "table", "--rows", str(tmp_path), "--system", "guo_resnet", "--seeds", "1"]
    words += ["--data", "digits", "--samples", "4", "--epochs", "1"]
    status = main(words)
    first = capsys.readouterr().out
    assert "4 of " not in first.splitlines()[0]
    files = sorted(p.name for p in tmp_path.iterdir())
    assert len(files) == 2
    assert all(name.endswith(".json") for name in files)
    held = json.loads((tmp_path / files[0]).read_text())
    assert held["rungs"]["3"][0] > 0 and held["rungs"]["3"][1:] == [0, True]

    def never(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(rows, "train", never)
    assert main([*words, "--out", str(tmp_path / "page.md")]) == status
    assert capsys.readouterr().out == first
    assert (tmp_path / "page.md").read_text() == f"# The zoo table\n\n{first}"


def test_a_run_that_was_stopped_goes_on(tmp_path, monkeypatch):
    monkeypatch.setitem(datasets.LOADERS, "digits", lambda _: bars())
    resumed = []
    train = rows.train

    def watched(*given, **more):
        done = train(*given, **more)
        resumed.append(done.run.trained.resumed)
        return done

    def killed(*_, **__):
        raise KeyboardInterrupt

    def refusing(*_, **__):
        raise StatementError("map-fit", "program", "does not fit")

    monkeypatch.setattr(rows, "train", watched)
    monkeypatch.setattr(rows, "deploy", killed)
    with pytest.raises(KeyboardInterrupt):
        row_of(RUN, tmp_path, Silent())
    monkeypatch.setattr(rows, "deploy", refusing)
    row = row_of(RUN, tmp_path, Silent())
    assert resumed == [0, 1]
    assert "does not fit" in row.refused
    assert row_of(RUN, tmp_path, Silent()) == row


def test_misuse(tmp_path):
    with pytest.raises(Snn2ChipError, match="sew_resnet"):
        zoo_table(tmp_path, systems=("resnet",))
    with pytest.raises(Snn2ChipError, match="--seeds"):
        zoo_table(tmp_path, seeds=0)
    (tmp_path / f"{RUN.name}-{RUN.digest}.json").write_text("{}")
    with pytest.raises(Snn2ChipError, match="no row of a zoo table"):
        row_of(RUN, tmp_path, Silent())
