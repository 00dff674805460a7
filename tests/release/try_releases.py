"""All tests with the oldest and with the newest releases of what snn2chip stands on, each in an environment of its own.

    python -m tests.release.try_releases [oldest] [newest] [--python python3.11] [--out docs/release-versions.md]

`oldest` takes the releases of oldest.txt, the lower bounds of pyproject.toml; `newest` takes no constraint: the newest
that pip finds, which brings the CUDA build of torch (5 GB). Results are kept beside the environments, for the page.
Ends with 1 if a test failed.
"""

import argparse
import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
OLDEST = Path(__file__).with_name("oldest.txt")
ENDS = {"oldest": ("-c", str(OLDEST)), "newest": ("--upgrade",)}
EXTRAS = ".[dev,docs,train]"
ALSO_SHOWN = ("onnx", "onnxruntime", "pytest")


class Tried(NamedTuple):
    """A run of all tests: the releases that it ran with, pytest's last line, and whether all passed."""

    end: str
    versions: dict[str, str]
    summary: str
    passed: bool


def shown() -> tuple[str, ...]:
    """The packages whose releases the page names: those of oldest.txt, and a few that the tests lean on."""
    lines = OLDEST.read_text(encoding="utf-8").splitlines()
    return (*(line.split("==")[0] for line in lines if "==" in line), *ALSO_SHOWN)


def run_tests(end: str, python: str, jobs: int, alone: list[str]) -> Tried:
    """Make the environment of one end, and run all tests in it; `alone`: installed without their dependencies."""
    env = ROOT / ".venv" / end
    subprocess.run([python, "-m", "venv", "--clear", str(env)], check=True)
    pip = [str(env / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    # The pip that comes with a Python may be old, and search for hours.
    subprocess.run([*pip, "install", "-q", "--upgrade", "pip"], check=True)
    subprocess.run([*pip, "install", "-q", *ENDS[end], "-e", EXTRAS], check=True, cwd=ROOT)
    subprocess.run([*pip, "install", "-q", "--no-deps", *alone], check=True, cwd=ROOT)
    listed = subprocess.run([*pip, "list", "--format=json"], check=True, capture_output=True)
    versions = {
        p["name"].lower().replace("_", "-"): p["version"] for p in json.loads(listed.stdout)
    }
    versions["python"] = subprocess.run(
        [str(env / "bin" / "python"), "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[1]
    summary, status = _pytest(env, jobs)
    tried = Tried(end, versions, summary, status == 0)
    env.with_suffix(".json").write_text(json.dumps(tried), encoding="utf-8")
    return tried


def _pytest(env: Path, jobs: int) -> tuple[str, int]:
    """The last line and the exit status of pytest, whose output is passed on as it comes."""
    command = [str(env / "bin" / "python"), "-m", "pytest", "-q", "-n", str(jobs)]
    last = ""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            last = line.strip(" =\n") or last
    return last, process.returncode


def kept() -> list[Tried]:
    """The last result of each end."""
    files = [(ROOT / ".venv" / end).with_suffix(".json") for end in ENDS]
    return [Tried(*json.loads(f.read_text(encoding="utf-8"))) for f in files if f.is_file()]


def page(tried: list[Tried]) -> str:
    """The results as a page of the docs."""
    rows = [
        f"| {name} | {' | '.join(t.versions.get(name, '–') for t in tried)} |"
        for name in ("python", *shown())
    ]
    return "\n".join(
        [
            "# Oldest and newest releases",
            "",
            f"Printed by `make versions`, {datetime.date.today()}: all tests, once with the oldest releases that"
            " `pyproject.toml` names, once with the newest that pip finds.",
            "",
            f"| package | {' | '.join(t.end for t in tried)} |",
            f"|---|{'---|' * len(tried)}",
            *rows,
            f"| tests | {' | '.join(t.summary for t in tried)} |",
            "",
        ]
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("ends", nargs="*", metavar="END", help="oldest, newest (default: both)")
    parser.add_argument("--python", default=sys.executable, help="interpreter (default: this one)")
    parser.add_argument("--jobs", type=int, default=2, help="processes for pytest (default: 2)")
    parser.add_argument(
        "--alone", nargs="*", default=[], help="packages without their dependencies"
    )
    parser.add_argument("--out", type=Path, help="write the results to this page")
    args = parser.parse_args()
    if unknown := set(args.ends) - set(ENDS):
        parser.error(f"not {', '.join(unknown)}: END is oldest or newest")
    ends: list[str] = args.ends or list(ENDS)
    tried = [run_tests(end, args.python, args.jobs, args.alone) for end in ends]
    if args.out:
        args.out.write_text(page(kept()), encoding="utf-8")
    return not all(t.passed for t in tried)


if __name__ == "__main__":
    sys.exit(main())
