"""A code that no test provokes makes a run of all tests fail, and only that."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from snn2chip.errors import Finding, Severity, Snn2ChipError, StatementError
from tests.provoked import PACKAGE, Provoked

ROOT = Path(__file__).parents[1]
CONFTEST = """
from tests.provoked import Provoked

def pytest_configure(config):
    recorder = Provoked(lambda: {wanted})
    config.pluginmanager.register(recorder)
    recorder.record()
"""
TESTS = """
import pytest
from snn2chip.errors import Finding, Severity, Snn2ChipError
from snn2chip.stages.explain import explain

def test_a_code_that_the_package_raises():
    with pytest.raises(Snn2ChipError, match="code-unknown"):
        explain("mapfit")

def test_a_code_made_by_hand():
    Finding(code="usage", severity=Severity.ERROR, where="a", why="b")
"""
FAILING = TESTS + "    assert False\n"
LINE = "ERROR: no test provokes these codes (tests/provoked.py): usage"


def run(folder, wanted, *words, tests=TESTS):
    """(exit status, output) of pytest on a project of two tests."""
    (folder / "pytest.ini").write_text(f"[pytest]\ntestpaths = .\npythonpath = {ROOT}\n")
    (folder / "conftest.py").write_text(CONFTEST.format(wanted=wanted))
    (folder / "test_two.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("jobs", [(), ("-n", "2")])
def test_a_run_of_all_tests_names_what_none_provokes(tmp_path, jobs):
    status, said = run(tmp_path, ["usage", "code-unknown"], *jobs)
    assert status == 1
    assert LINE in said.splitlines()
    assert "2 passed" in said


def test_nothing_is_said_where_all_are_provoked(tmp_path):
    """In a worker, which tells the controller."""
    status, said = run(tmp_path, ["code-unknown"], "-n", "2")
    assert (status, "ERROR: no" in said) == (0, False)


@pytest.mark.parametrize("some", ["test_two.py", "-kpackage", "--ignore=other", "--lf"])
def test_a_run_of_some_tests_is_not_judged(tmp_path, some):
    status, said = run(tmp_path, ["usage"], *some.split())
    assert (status, "ERROR: no" in said) == (0, False)


def test_a_failed_run_is_not_judged(tmp_path):
    status, said = run(tmp_path, ["usage"], tests=FAILING)
    assert (status, "ERROR: no" in said) == (1, False)


@pytest.fixture
def recorder(monkeypatch):
    monkeypatch.setattr(Finding, "__init__", Finding.__init__)  # put back afterwards
    made = Provoked(list)
    made.record()
    return made


def in_the_package(source, **names):
    """`source`, run as if it stood in a file of the package."""
    exec(compile(source, f"{PACKAGE}chip/some.py", "exec"), names)


FOUND = {"code": "a-code", "severity": "error", "where": "a", "why": "b"}


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("Finding(code='a-code', severity=None, where='a', why='b')", True),
        ("StatementError('a-code', 'a', 'b')", True),
        ("Finding.from_dict(found)", False),
        ("replace(one, where='c')", False),
    ],
)
def test_what_counts(recorder, source, counts):
    one = Finding.from_dict(FOUND)
    names = {"Finding": Finding, "StatementError": StatementError, "replace": replace}
    in_the_package(source, **names, found=FOUND, one=one)
    assert recorder.codes == ({"a-code"} if counts else set())


def test_what_a_test_makes_does_not_count(recorder):
    one = Finding(code="a-code", severity=Severity.ERROR, where="a", why="b")
    StatementError.of((one,))
    Snn2ChipError("a-code", "a", "b")
    assert recorder.codes == set()
