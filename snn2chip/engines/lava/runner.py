"""Run plans in a worker: a process of its own session that talks by files, and is ended as a group, whatever it does.

Lava hangs where one of its processes raises, dies or sends nothing. The worker ends itself at exceptions
(_worker/guard.py); what stays silent for longer than its plans may take is ended from here.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from snn2chip.engines.lava.environment import WORKER, home, surroundings
from snn2chip.errors import Snn2ChipError

MEMORY = Path("/dev/shm")  # noqa: S108 - where the system keeps shared memory
POLL_SECONDS = 0.05
LAST_LINES = 2
LAST_CHARACTERS = 400


def run_worker(
    python: Path,
    folder: Path,
    plans: Sequence[str],
    *,
    silence: float,
    progress: Callable[[str, int], None] | None = None,
    worker: Path = WORKER,
) -> None:
    """Run the plans (folders in `folder`), one after the other.

    `silence`: seconds without a finished part of a run after which the worker is ended. `progress(name, steps done)`.
    Errors: Snn2ChipError `lava-silent`, `lava-failed`; both name the log, which is kept.
    """
    (folder / "plans.json").write_text(json.dumps(list(plans)))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - an interpreter that the user named or we made
            [str(python), str(worker), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=surroundings(),
            start_new_session=True,
        )
    try:
        silent = _wait(process, folder, silence, progress)
    finally:
        _end(process)
    if silent:
        why = f"nothing was heard from it for {silence:.0f} s, so it was ended"
        raise Snn2ChipError("lava-silent", "Lava", why, **_log(log, process.pid))
    if not (folder / "done").exists():
        why = f"it ended {_status(process.returncode)}"
        raise Snn2ChipError("lava-failed", "Lava", why, **_log(log, process.pid))


def _wait(
    process: subprocess.Popen[bytes],
    folder: Path,
    silence: float,
    progress: Callable[[str, int], None] | None,
) -> bool:
    """Wait for the worker's end; True where it fell silent."""
    heard, seen = time.monotonic(), ""
    while process.poll() is None:
        try:
            told = (folder / "progress").read_text()
        except FileNotFoundError:
            told = ""
        if told != seen:
            heard, seen = time.monotonic(), told
            if progress is not None:
                progress(*json.loads(told))
        if time.monotonic() - heard > silence:
            return True
        time.sleep(POLL_SECONDS)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End everything that the worker started, and remove its shared memory."""
    with suppress(ProcessLookupError, PermissionError):  # all of it may have ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for left in MEMORY.glob(f"snn2chip_lava_{process.pid}_*"):
        left.unlink(missing_ok=True)


def _log(log: Path, pid: int) -> dict[str, str]:
    """The last lines of the log, which moves to where it stays; as the user is told."""
    kept = home() / "logs" / f"{pid}.log"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(log, kept)
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = " | ".join(lines[-LAST_LINES:])
    return {"have": said[-LAST_CHARACTERS:], "help": f"its whole log is in {kept}"}


def _status(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
