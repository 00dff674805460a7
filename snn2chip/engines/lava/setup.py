"""`lava setup`: an environment with Lava, made once in the user's cache folder; pip finds packages as ever."""

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from snn2chip.engines.lava.environment import (
    LAVA,
    PINS,
    home,
    python,
    remember,
    surroundings,
    versions,
)
from snn2chip.errors import Snn2ChipError
from snn2chip.progress import Progress, Silent

OLDEST, NEWEST = (3, 10), (3, 12)
"""Pythons with wheels of the pinned packages, on which Lava runs (with our shim from 3.11 on)."""

SECONDS = 900
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")


@dataclass(frozen=True, slots=True, kw_only=True)
class LavaReady:
    """`made`: whether this call installed it; `versions` of what runs there."""

    python: Path
    made: bool
    versions: Mapping[str, str]

    def lines(self) -> list[str]:
        """One line, and where."""
        told = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return [
            f"Lava is {'ready' if self.made else 'here'}: {told}",
            f"interpreter: {self.python}",
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "python": str(self.python),
            "made": self.made,
            "versions": dict(self.versions),
        }


def setup(interpreter: str | None = None, *, progress: Progress | None = None) -> LavaReady:
    """Make Lava's environment, unless it is there.

    `interpreter`: one that has Lava is taken as it is; any other one makes the environment. Errors: `lava-python`,
    `lava-setup`.
    """
    home().mkdir(parents=True, exist_ok=True)
    with _alone():
        if interpreter is None:
            found = _present()
            if found is not None:
                return found
        else:
            own = _own(interpreter)
            told = versions(own)
            if told:
                remember(own, ())
                return LavaReady(python=own, made=False, versions=told)
        base = Path(sys.executable) if interpreter is None else _own(interpreter)
        _check_python(base)
        made = _make(base, progress or Silent())
        remember(made, (*PINS, LAVA))
        return LavaReady(python=made, made=True, versions=versions(made))


def _present() -> LavaReady | None:
    try:
        there = python()
    except Snn2ChipError:
        return None
    told = versions(there)
    return LavaReady(python=there, made=False, versions=told) if told else None


def _own(interpreter: str) -> Path:
    found = shutil.which(interpreter)
    if found is None:
        raise Snn2ChipError("lava-python", f"--python {interpreter}", "is no interpreter here")
    return Path(found).absolute()


def _check_python(base: Path) -> None:
    asked = "import json, sys; print(json.dumps(sys.version_info[:2]))"
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter that the user named, or our own
            [str(base), "-c", asked], capture_output=True, text=True, timeout=60, check=True
        )
        version = tuple(json.loads(done.stdout))
    except (OSError, ValueError, subprocess.SubprocessError) as e:
        raise Snn2ChipError("lava-python", str(base), "is no Python that starts") from e
    if not OLDEST <= version <= NEWEST:
        raise Snn2ChipError(
            "lava-python",
            str(base),
            "Lava does not run on this Python",
            have=".".join(map(str, version)),
            need=f"{'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))}",
            help="name another one: snn2chip lava setup --python python3.12",
        )


def _make(base: Path, progress: Progress) -> Path:
    """The interpreter of a new environment; an older one is replaced."""
    folder = home() / "env"
    made = folder / "bin" / "python"
    steps = (
        ("an empty environment", [base, "-m", "venv", "--clear", folder]),
        ("numpy, scipy, networkx, asteval", [made, *PIP, *PINS]),
        # lava-nc says that it runs on Python 3.10 only; the flag would hold for its dependencies, too.
        ("lava-nc", [made, *PIP, "--no-deps", "--ignore-requires-python", LAVA]),
    )
    with progress.stage("lava setup") as done:
        for i, (what, words) in enumerate(steps):
            _run(what, [str(w) for w in words])
            done((i + 1) / len(steps))
    if not versions(made):
        raise Snn2ChipError("lava-setup", str(folder), "Lava was installed, but does not start")
    return made


def _run(what: str, words: list[str]) -> None:
    try:
        subprocess.run(  # noqa: S603 - our own command line
            words,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=surroundings(),
            check=True,
        )
    except subprocess.CalledProcessError as e:
        said = [line for line in e.stderr.splitlines() if line.strip()]
        raise _not_installed(what, said[-1] if said else "") from e
    except (OSError, subprocess.TimeoutExpired) as e:
        raise _not_installed(what, str(e)) from e


def _not_installed(what: str, said: str) -> Snn2ChipError:
    return Snn2ChipError(
        "lava-setup",
        what,
        "could not be installed",
        have=said,
        help="is a package index within pip's reach?",
    )


@contextmanager
def _alone() -> Generator[None]:
    """Two of us at once would install into the same folder."""
    with (home() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
