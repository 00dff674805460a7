"""Where Lava lives: an environment of its own in the user's cache folder, or an interpreter that the user names.

lava-nc asks for Python 3.10 and for old versions of numpy and networkx, which nothing else here should have to take.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from snn2chip.errors import Snn2ChipError

PINS = ("numpy==1.26.4", "scipy==1.15.3", "networkx==2.8.7", "asteval==0.9.33")
"""What lava-nc really imports; it also names scikit-learn, which it never does."""

LAVA = "lava-nc==0.10.0"
WORKER = Path(__file__).parent / "_worker" / "main.py"
CHECK_SECONDS = 120
SETTING = "environment.json"
SETUP = "snn2chip lava setup"


def home() -> Path:
    """The folder of Lava's environment, the name of its interpreter, and logs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "snn2chip" / "lava"


def python() -> Path:
    """The interpreter that `lava setup` left; an error that names the command where there is none."""
    setting = home() / SETTING
    try:
        told = json.loads(setting.read_text())
        found, pins = Path(told["python"]), told["pins"]
    except (OSError, ValueError, KeyError, TypeError):
        raise _missing("Lava's environment is not there") from None
    if not found.exists():
        raise _missing(f"the interpreter {found} is gone")
    if pins not in ([], [*PINS, LAVA]):
        raise _missing("Lava's environment has other versions than this snn2chip runs with")
    return found


def remember(interpreter: Path, pins: tuple[str, ...]) -> None:
    """Later runs take `interpreter`; `pins`: what was installed into it (none: it is the user's own)."""
    told = {"python": str(interpreter), "pins": list(pins)}
    fresh = home() / f"{SETTING}.{os.getpid()}"
    fresh.write_text(json.dumps(told))
    fresh.replace(home() / SETTING)


def versions(interpreter: Path) -> Mapping[str, str]:
    """What runs there: python, lava-nc, numpy, scipy. Empty where the worker cannot start in it."""
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter that the user named or we made
            [str(interpreter), str(WORKER), "--check"],
            capture_output=True,
            text=True,
            timeout=CHECK_SECONDS,
            env=surroundings(),
            check=False,
        )
        return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return {}


def surroundings() -> dict[str, str]:
    """Variables of the worker: one thread in each of Lava's many processes, and no packages of ours."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {**kept, **dict.fromkeys(threads, "1"), "PYTHONDONTWRITEBYTECODE": "1"}


def _missing(why: str) -> Snn2ChipError:
    return Snn2ChipError("lava-missing", "Lava", why, help=f"run `{SETUP}`")
