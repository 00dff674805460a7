"""Whatever happens in the worker, a run ends in bounded time with a clear error, and nothing of it is left."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from snn2chip.engines.lava import environment
from snn2chip.engines.lava.runner import MEMORY, run_worker
from snn2chip.errors import Snn2ChipError

WORKER = environment.WORKER.parent
GUARDED = f"""
import json, os, sys, time
from pathlib import Path
sys.path[:0] = [{str(WORKER)!r}, {str(Path(__file__).parent / "faults")!r}]
import guard
guard.name_memory()
guard.follow_parent()
"""
IN_LAVA = (
    GUARDED
    + """
import shim
guard.watch_models()
guard.watch_processes()
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer
from senders import Sender
sender, sink = Sender(fault=FAULT), RingBuffer(shape=(1,), buffer=4)
sender.s_out.connect(sink.a_in)
sender.run(condition=RunSteps(num_steps=4), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
sender.stop()
(Path(sys.argv[1]) / "done").touch()
os._exit(0)
"""
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Logs of these tests do not go to the user's cache."""
    monkeypatch.setattr("snn2chip.engines.lava.runner.home", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def run(folder: Path, code: str, silence: float, python: Path = Path(sys.executable)) -> float:
    """Seconds that a worker of this code took."""
    worker = folder / "worker.py"
    worker.write_text(code)
    began = time.monotonic()
    try:
        run_worker(python, folder, [], silence=silence, worker=worker)
    finally:
        assert not list(MEMORY.glob("snn2chip_lava_*_*")) or others_run()
    return time.monotonic() - began


def others_run() -> bool:
    """Whether shared memory belongs to a run that is still going on."""
    pids = {p.name.split("_")[2] for p in MEMORY.glob("snn2chip_lava_*_*")}
    return all(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_worker_that_ends_well(tmp_path, cache):
    code = GUARDED + "(Path(sys.argv[1]) / 'done').touch()"
    run(tmp_path, code, 20)
    assert not cache.exists()


def test_a_hang_is_ended(tmp_path, cache):
    began = time.monotonic()
    with pytest.raises(Snn2ChipError, match=r"lava-silent.*nothing was heard from it for 1 s"):
        run(tmp_path, "print('here I am', flush=True)\nimport time; time.sleep(600)", 1)
    assert time.monotonic() - began < 10
    assert "here I am" in next((cache / "logs").iterdir()).read_text()


def test_its_children_are_ended_too(tmp_path, cache):
    code = "import os, sys, time\n"
    code += "if os.fork() == 0: open(sys.argv[1] + '/pid', 'w').write(str(os.getpid()))\n"
    with pytest.raises(Snn2ChipError, match="lava-silent"):
        run(tmp_path, code + "time.sleep(600)", 1)
    pid, patience = (tmp_path / "pid").read_text(), time.monotonic() + 20
    while (
        lives(pid) and time.monotonic() < patience
    ):  # a signal arrives when its process is next up
        time.sleep(0.05)
    assert not lives(pid)


def test_a_worker_follows_its_runner(tmp_path, cache):
    """Killed outright, a runner cannot tidy up: the worker notices, and leaves nothing."""
    code = GUARDED + "from multiprocessing.shared_memory import SharedMemory\n"
    code += "m = SharedMemory(create=True, size=9)\n"
    code += "(Path(sys.argv[1]) / 'told').write_text(f'{os.getpid()} {m.name}')\ntime.sleep(600)"
    (tmp_path / "worker.py").write_text(code)
    words = "from snn2chip.engines.lava.runner import run_worker; from pathlib import Path; import sys; "
    words += "f = Path(sys.argv[1]); run_worker(Path(sys.executable), f, [], silence=99, worker=f / 'worker.py')"
    runner = subprocess.Popen([sys.executable, "-c", words, str(tmp_path)])
    told = tmp_path / "told"
    wait(lambda: told.exists() and " " in told.read_text())
    runner.kill()
    runner.wait()
    pid, name = told.read_text().split()
    wait(lambda: not lives(pid) and not (MEMORY / name).exists())


def wait(holds) -> None:
    """Until it holds; half a minute at most."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < 30
        time.sleep(0.1)


def lives(pid: str) -> bool:
    """Whether a process runs. One that has ended stays in the list as Z until its parent looks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_signs_of_life_keep_it_going(tmp_path, cache):
    code = "import sys, time\nfrom pathlib import Path\n"
    code += "for i in range(8):\n    time.sleep(0.4)\n"
    code += "    new = Path(sys.argv[1]) / 'new'\n    new.write_text(f'[\"a\", {i}]')\n"
    code += "    new.replace(Path(sys.argv[1]) / 'progress')\n"
    code += "(Path(sys.argv[1]) / 'done').touch()"
    assert run(tmp_path, code, 2) > 2


def test_a_crash(tmp_path, cache):
    with pytest.raises(Snn2ChipError, match=r"lava-failed.*with status 3.*last words"):
        run(tmp_path, "print('last words', flush=True)\nimport os; os._exit(3)", 20)


def test_a_signal(tmp_path, cache):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    with pytest.raises(Snn2ChipError, match=r"lava-failed.*SIGSEGV"):
        run(tmp_path, code, 20)


def test_shared_memory_is_removed(tmp_path, cache):
    code = GUARDED + "from multiprocessing.shared_memory import SharedMemory\n"
    code += "m = SharedMemory(create=True, size=9)\n"
    code += "(Path(sys.argv[1]) / 'name').write_text(m.name)\nos._exit(1)"
    with pytest.raises(Snn2ChipError, match="lava-failed"):
        run(tmp_path, code, 20)
    name = (tmp_path / "name").read_text()
    assert name.startswith("snn2chip_lava_")
    assert not (MEMORY / name).exists()


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize(
    ("fault", "silence", "said"),
    [
        ("raise", 60, r"lava-failed.*SIGKILL.*ZeroDivisionError"),
        ("exit", 60, r"lava-failed.*a process of Lava ended with status 0 before its time"),
        ("kill", 60, r"lava-failed.*a process of Lava ended by signal SIGKILL before its time"),
        ("forget", 4, "lava-silent"),
        ("init", 60, r"lava-failed.*ValueError: no such neuron"),
    ],
)
def test_faults_inside_lava(tmp_path, cache, fault, silence, said):
    """A process that raises, dies, does not send, or cannot be made. Lava would wait for ever."""
    code = IN_LAVA.replace("FAULT", repr(fault))
    if fault == "init":
        code = code.replace("sender.run(", "try:\n  sender.run(").replace(
            "sender.stop()",
            "except BaseException:\n  import traceback; traceback.print_exc(); guard.end_group()",
        )
    began = time.monotonic()
    with pytest.raises(Snn2ChipError, match=said):
        run(tmp_path, code, silence, environment.python())
    assert time.monotonic() - began < silence + 15


@pytest.mark.usefixtures("lava")
def test_the_same_without_a_fault(tmp_path, cache):
    assert run(tmp_path, IN_LAVA.replace("FAULT", "''"), 60, environment.python()) < 60
