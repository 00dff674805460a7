"""Ctrl-C is one line that says what stays, and status 130."""

from pathlib import Path

import numpy as np
import pytest

from snn2chip.cli.main import main
from snn2chip.cli.verbs import VERBS
from snn2chip.stages import simulate, verify

DATA = Path(__file__).parents[2] / "examples" / "data"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits network, compiled with one image."""
    folder = tmp_path_factory.mktemp("stopped")
    np.save(folder / "x.npy", np.load(DATA / "digits_test.npy")[:1])
    words = ["compile", str(DATA / "digits.pth"), "--layout", "NCHW", "--out", str(folder / "b")]
    assert main([*words, "--input", str(folder / "x.npy")]) == 0
    return folder / "b"


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("verb", "module", "name"),
    [("verify", verify, "climb"), ("simulate", simulate, "run_engine")],
    ids=["verify", "simulate"],
)
def test_an_unfinished_run_on_a_build_leaves_nothing(
    build: Path,
    verb: str,
    module: object,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = contents(build)
    monkeypatch.setattr(module, name, stop)
    capsys.readouterr()
    assert main([verb, str(build), "--input", str(build.parent / "x.npy")]) == 130
    assert capsys.readouterr().err == f"stopped; nothing of this `{verb}` is kept\n"
    assert contents(build) == before


def test_what_goes_on_where_it_was_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from snn2chip.explore import explore

    monkeypatch.setattr(explore, "explore_model", stop)
    words = ["explore", "net.pth", "--input", "x.npy", "--target", "loihi2"]
    assert main(words) == 130
    assert capsys.readouterr().err == "stopped; what was finished is kept\n"


def test_the_commands_that_keep_what_they_finished() -> None:
    """Those whose help says that they go on, and deploy, whose compiled build stays."""
    going_on = {v.name for v in VERBS if "Stopped or killed" in v.details}
    assert {v.name for v in VERBS if v.keeps} == going_on | {"deploy"}
