"""A package that is not there: one line that names it, and where to look."""

import subprocess
import sys

PROGRAM = """
import sys
sys.modules[{package!r}] = None
from snn2chip.cli.main import main
sys.exit(main({words!r}))
"""


def run(package: str, *words: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(package=package, words=list(words))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_a_needed_package_that_is_not_installed():
    done = run("torch", "inspect", "examples/data/digits.pth")
    assert done.returncode == 2
    assert done.stderr == (
        "error: the package torch is not installed; `python -m snn2chip doctor` lists all that is missing\n"
    )


def test_doctor_runs_without_them():
    done = run("numpy", "doctor")
    assert "python" in done.stdout
    assert "Traceback" not in done.stderr
