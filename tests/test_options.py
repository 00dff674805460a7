"""What the user chose, as build.toml and the printed command have it."""

import shlex
from pathlib import Path

import pytest

from snn2chip.cli.main import main
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions, QuantizeOptions
from snn2chip.report.statement import commands, deploy_command


def test_every_path_is_absolute(tmp_path, monkeypatch):
    """So that `rerun` and the printed command do the same from any folder."""
    monkeypatch.chdir(tmp_path)
    typed = BuildOptions(
        model=ModelRequest(path="net.pth", input_path="in/x.npy"),
        target="mine.toml",
        quantize=QuantizeOptions(method="agree", calibration="c.npy"),
        labels="../y.npy",
    )
    here = Path.cwd()
    known = BuildOptions.from_dict(typed.to_dict())
    assert known.model.path == str(here / "net.pth")
    assert known.model.input_path == str(here / "in" / "x.npy")
    assert known.quantize.calibration == str(here / "c.npy")
    assert known.labels == str(here.parent / "y.npy")
    assert known.target == str(here / "mine.toml")
    words = deploy_command(known, "build").split()
    given = (known.model.path, known.model.input_path, known.labels, known.target)
    assert all(word in words for word in (*given, known.quantize.calibration))
    assert BuildOptions.from_dict(known.to_dict()) == known


def test_a_target_that_comes_along_stays_a_name():
    options = BuildOptions(model=ModelRequest(path="net.pth"), target="tiny")
    assert options.to_dict()["target"] == "tiny"
    assert "labels" not in options.to_dict()


@pytest.mark.parametrize("verb", ["check", "compile", "deploy"])
def test_a_board_is_checked_before_the_network(verb, tmp_path, capsys):
    """It needs the target alone: it is refused although there is no network to read."""
    words = [verb, str(tmp_path / "none.pth"), "--target", "tiny", "--board", "sqare"]
    words += ["--input", str(tmp_path / "x.npy")] if verb != "check" else ["--shape", "1,8,8"]
    words += ["--out", str(tmp_path / "build")] if verb != "check" else []
    words += ["--labels", str(tmp_path / "y.npy")] if verb == "deploy" else []
    assert main(words) == 2
    line = capsys.readouterr().err
    assert "board-unknown" in line
    assert "did you mean 'square'?" in line


def test_a_folder_with_a_space_is_one_word_of_every_command():
    options = BuildOptions(model=ModelRequest(path="/net.pth", input_path="/my data/x.npy"))
    for fact in commands(options, "/my builds/a"):
        assert "/my builds/a" in shlex.split(fact.label)
