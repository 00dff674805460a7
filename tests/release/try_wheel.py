"""The wheel in empty environments: it installs, runs, is typed, and each extra does what it is for.

    python -m tests.release.try_wheel dist/*.whl --python python3.11 python3.12 --extras --out docs/release-checks.md

For each interpreter a new environment gets the wheel, at the versions of constraints.txt; commands run in a new folder.
With --extras, each extra is installed on top of the last. Ends with 1 if anything failed, after the end of its output.
Where no CPU build of torch is at hand, an environment takes the CUDA build: 5 GB.
"""

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DATA = ROOT / "examples" / "data"
IMAGES = f"--input {DATA / 'mnist_demo.npy'}"

BASE = (
    "python -m snn2chip doctor",
    "snn2chip demo --out demo",
    f"{sys.executable} -m pyright --pythonpath {{env}}/bin/python {ROOT / 'tests/release/consumer.py'}",
)
# What each extra is for, on the build that `demo` made.
EXTRAS = {
    "train": ("snn2chip train sew_resnet --data digits --epochs 1 --out trained",),
    "onnx": (f"snn2chip simulate demo --engine onnx {IMAGES}",),
    "norse": (f"snn2chip simulate demo --engine norse {IMAGES}",),
    "lava": ("snn2chip lava setup", f"snn2chip simulate demo --engine lava-fast {IMAGES}"),
    "place": (f"snn2chip compile {DATA / 'mnist.pth'} --target loihi2 --place metis --out placed",),
    "events": ("python -c 'import aedat, tonic'",),
    "parallel": (f"snn2chip simulate demo --workers 2 {IMAGES}",),
    "docs": ("mkdocs --version",),
    "dev": ("pytest --version", "ruff --version", "lint-imports --help"),
    "all": ("python -m snn2chip doctor",),
}


class Tried(NamedTuple):
    """One command in the environment of a Python; what it printed if it failed, else nothing."""

    python: str
    extra: str
    command: str
    failure: str


class Environment:
    """An empty environment of one interpreter, and an empty folder to work in."""

    def __init__(self, python: str, folder: Path) -> None:
        self.env, self.work = folder / "env", folder / "work"
        self.work.mkdir()
        subprocess.run([python, "-m", "venv", str(self.env)], check=True)
        self.python = self._shell("python --version").stdout.split()[1]

    def trials(self, wheel: Path, extras: bool) -> Iterator[Tried]:
        """All that is asked of it, in order."""
        for extra in ("", *(EXTRAS if extras else ())):
            what = f"{wheel}[{extra}]" if extra else str(wheel)
            yield self._try(extra, f"pip install -q -c '{ROOT / 'constraints.txt'}' '{what}'")
            for command in EXTRAS[extra] if extra else BASE:
                yield self._try(extra, command)

    def _try(self, extra: str, command: str) -> Tried:
        done = self._shell(command.format(env=self.env))
        failure = (done.stdout + done.stderr)[-3000:] if done.returncode else ""
        return Tried(self.python, extra, command, failure)

    def _shell(self, command: str) -> subprocess.CompletedProcess[str]:
        outside = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        path = f"{self.env / 'bin'}:{outside.get('PATH', '')}"
        return subprocess.run(
            command, shell=True, cwd=self.work, text=True, capture_output=True, env={**outside, "PATH": path}
        )  # fmt: skip


def page(tried: list[Tried]) -> str:
    """The results as a page of the docs."""
    pythons = sorted({t.python for t in tried})
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for t in tried:
        command = t.command.replace(f"{sys.executable} -m ", "").replace(f"{ROOT}/", "")
        rows.setdefault((t.extra, command), {})[t.python] = "failed" if t.failure else "ok"
    return "\n".join(
        [
            "# The wheel in empty environments",
            "",
            f"Printed by `make release`, {datetime.date.today()}. Every extra is installed on top of the one above it.",
            "",
            f"| extra | command | {' | '.join(pythons)} |",
            f"|---|---|{'---|' * len(pythons)}",
            *(
                f"| {extra} | `{command}` | {' | '.join(cells.get(p, 'not run') for p in pythons)} |"
                for (extra, command), cells in rows.items()
                if not command.startswith("pip ")
            ),
            "",
        ]
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument(
        "--python", nargs="+", default=[sys.executable], help="interpreters (default: this one)"
    )
    parser.add_argument("--extras", action="store_true", help="try every extra, too")
    parser.add_argument("--out", type=Path, help="write the results to this page")
    args = parser.parse_args()
    tried: list[Tried] = []
    for python in args.python:
        with tempfile.TemporaryDirectory() as folder:
            for t in Environment(python, Path(folder)).trials(args.wheel.resolve(), args.extras):
                tried.append(t)
                state = "FAILED" if t.failure else "ok    "
                sys.stdout.write(f"{state} {t.python} [{t.extra}] {t.command}\n{t.failure}")
                sys.stdout.flush()
    if args.out:
        args.out.write_text(page(tried))
    return any(t.failure for t in tried)


if __name__ == "__main__":
    sys.exit(main())
