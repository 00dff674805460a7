# pyright: basic, reportMissingImports=false
"""What keeps a failure inside Lava from becoming a hang, or from leaving something behind.

Lava runs each process in an operating system process of its own, and waits for ever where one of them raises, dies or
sends nothing. The runner started us in a session of our own, so that we may end the whole group:

- an exception in a process model prints its traceback and ends the group;
- a process that ends while Lava still counts on it, killed where memory is short, ends the group;
- the group ends when the runner is gone;
- shared memory has names that tell whose it is (the runner removes what is left).

Import this module before anything of Lava.
"""

import functools
import os
import signal
import sys
import threading
import time
import traceback
from multiprocessing import shared_memory
from pathlib import Path

MEMORY = "/snn2chip_lava_{pid}_"
LOOK_SECONDS = 1.0


def end_group() -> None:
    """Remove our shared memory, and end ourselves and everything that Lava started."""
    sys.stderr.flush()
    for left in Path("/dev/shm").glob(MEMORY.format(pid=os.getpgrp()).lstrip("/") + "*"):  # noqa: S108
        left.unlink(missing_ok=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def name_memory() -> None:
    """Shared memory of this process, and of those that it forks, is named after its id."""
    shared_memory.__dict__["_SHM_NAME_PREFIX"] = MEMORY.format(pid=os.getpid())
    shared_memory.__dict__["_SHM_SAFE_NAME_LENGTH"] = 48


def follow_parent() -> None:
    """End the group soon after the runner has ended, however it ended."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        end_group()

    threading.Thread(target=look, daemon=True).start()


def watch_models() -> None:
    """An exception in any process model is printed, and ends the group."""
    from lava.magma.core.model.py.model import AbstractPyProcessModel

    run = AbstractPyProcessModel.run

    @functools.wraps(run)
    def watched(model):
        try:
            return run(model)
        except BaseException:
            print(f"in the process model {type(model).__name__}:", file=sys.stderr)
            traceback.print_exc()
            end_group()

    AbstractPyProcessModel.run = watched


def watch_processes() -> None:
    """A process that ends before Lava is asked to stop is named, and ends the group."""
    from lava.magma.runtime.runtime import Runtime

    stop, stopping = Runtime.stop, threading.Lock()

    @functools.wraps(stop)
    def stopped(runtime):
        with stopping:  # processes may end now, and Lava waits for each
            stop(runtime)

    def look() -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with stopping:
                ended = _ended_child()
                if ended is not None:
                    print(f"a process of Lava ended {ended} before its time", file=sys.stderr)
                    end_group()

    Runtime.stop = stopped
    threading.Thread(target=look, daemon=True).start()


def _ended_child():
    """How a child ended that nobody has waited for yet; None where there is none."""
    try:
        told = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if told is None:
        return None
    if told.si_code == os.CLD_EXITED:
        return f"with status {told.si_status}"
    return f"by signal {signal.Signals(told.si_status).name}"
