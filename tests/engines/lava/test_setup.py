"""Lava's environment: found, made once, refused with a clear line."""

import json
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from snn2chip.engines import registry
from snn2chip.engines.lava import environment
from snn2chip.engines.lava import setup as making
from snn2chip.errors import Snn2ChipError


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A user's cache folder with nothing in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "snn2chip" / "lava"


def test_an_engine_without_an_environment_names_the_command(empty):
    with pytest.raises(Snn2ChipError, match=r"lava-missing.*not there.*`snn2chip lava setup`"):
        registry.engine("lava").load()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"python": "/nowhere/python", "pins": []}, "is gone"),
        ({"python": sys.executable, "pins": ["numpy==1.0"]}, "other versions"),
        ({"python": sys.executable}, "not there"),
        ([], "not there"),
    ],
)
def test_a_setting_that_does_not_hold(empty, told, said):
    empty.mkdir(parents=True)
    (empty / environment.SETTING).write_text(json.dumps(told))
    with pytest.raises(Snn2ChipError, match=f"lava-missing.*{said}"):
        environment.python()


@pytest.mark.usefixtures("lava")
def test_what_is_there_is_not_made_again():
    ready = making.setup()
    assert not ready.made
    assert ready.versions["lava-nc"] == "0.10.0"
    assert registry.engine("lava").load() and registry.engine("lava-fast").load()


@pytest.mark.usefixtures("lava")
def test_an_interpreter_of_the_user_is_taken_as_it_is(tmp_path, monkeypatch):
    theirs = environment.python()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ready = making.setup(str(theirs))
    assert (ready.python, ready.made) == (theirs, False)
    assert environment.python() == theirs
    assert not (environment.home() / "env").exists()
    assert ready.lines()[0].startswith("Lava is here: python 3.")
    assert ready.to_dict()["python"] == str(theirs)


@pytest.mark.parametrize("word", ["no-such-python", "false"])
def test_no_interpreter(empty, word):
    with pytest.raises(Snn2ChipError, match=r"lava-python.*is no "):
        making.setup(word)


def test_a_python_that_lava_does_not_run_on(empty, monkeypatch):
    monkeypatch.setattr(making, "NEWEST", (3, 9))
    with pytest.raises(Snn2ChipError, match=r"lava-python.*have 3\.\d+; need 3.10 to 3.9"):
        making.setup()


def test_what_pip_says_is_passed_on():
    words = [sys.executable, "-c", "import sys; sys.exit('no index today')"]
    with pytest.raises(Snn2ChipError, match=r"lava-setup.*numpy.*have no index today"):
        making._run("numpy", words)


def test_the_worker_imports_neither_torch_nor_us():
    for path in environment.WORKER.parent.rglob("*.py"):
        words = path.read_text().split()
        imported = {b for a, b in pairwise(words) if a in ("import", "from")}
        roots = {name.split(".")[0] for name in imported}
        assert not roots & {"torch", "snn2chip", "numba"}, path


def test_processes_of_ours_stand_alone():
    """Lava executes every file beside the one that defines a process."""
    folder = environment.WORKER.parent / "processes"
    assert {p.name for p in Path(folder).glob("*.py")} == {"neurons.py", "wide_conv.py"}
