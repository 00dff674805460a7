"""Tasks in one process and in several: every result comes back, errors as they were raised."""

import os
import time

import dask
import pytest
from distributed import LocalCluster

from snn2chip import parallel
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.parallel import Workers, check_files, files_of, run_tasks, worth
from snn2chip.progress import Silent

HERE = Workers(count=1)


def square(n: int) -> int:
    return n * n


def process(_: int) -> int:
    time.sleep(0.3)
    return os.getpid()


def threads_taking_turns(_: int) -> bool:
    """Whether nothing else ran here meanwhile."""
    mine = object()
    seen.append(mine)
    time.sleep(0.05)
    return seen.pop() is mine and not seen


seen: list[object] = []


def refuse(n: int) -> int:
    if n == 2:
        raise StatementError("map-fit", f"layer {n}", "does not fit", need="3", have="1")
    return n


def die(_: int) -> None:
    os._exit(1)


def results(task, arguments, workers):
    found = {}
    run_tasks(task, arguments, workers, found.__setitem__, Silent())
    return found


def test_here():
    assert results(square, range(4), HERE) == {0: 0, 1: 1, 2: 4, 3: 9}
    assert results(process, range(2), HERE) == {0: os.getpid(), 1: os.getpid()}
    assert results(square, [], Workers()) == {}


def test_scheduler(cluster):
    there = Workers(scheduler=cluster.address)
    assert results(square, range(8), there) == {n: n * n for n in range(8)}
    assert all(results(threads_taking_turns, range(12), there).values())
    pids = {p.pid for p in cluster.processes[1:]}
    assert set(results(process, range(6), there).values()) == pids


@pytest.mark.parametrize("where", ["here", "scheduler"])
def test_a_task_that_raises(where, request):
    there = HERE
    if where == "scheduler":
        there = Workers(scheduler=request.getfixturevalue("cluster").address)
    with pytest.raises(StatementError) as raised:
        results(refuse, range(4), there)
    assert str(raised.value) == "error[map-fit] layer 2: does not fit (have 1; need 3)"


def test_a_worker_that_dies_again_and_again():
    with (
        dask.config.set(  # type: ignore[reportPrivateImportUsage]
            {"distributed.scheduler.allowed-failures": 0}
        ),
        pytest.raises(Snn2ChipError, match=r"error\[worker-lost\].*have 0 of 2 done.*goes on"),
    ):
        results(die, range(2), Workers(count=2))


def test_no_scheduler(monkeypatch):
    monkeypatch.setattr(parallel, "CONNECT_SECONDS", 1)
    for address in ("tcp://127.0.0.1:1", "nowhere://x", "tls://127.0.0.1:1"):
        with pytest.raises(Snn2ChipError, match=r"error\[scheduler-unreachable\]"):
            results(square, range(2), Workers(scheduler=address))


def test_a_scheduler_without_a_worker(monkeypatch):
    monkeypatch.setattr(parallel, "WORKER_SECONDS", 0.1)
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as empty:
        there = Workers(scheduler=empty.scheduler_address)  # type: ignore[reportAttributeAccessIssue]
        with pytest.raises(Snn2ChipError, match=r"error\[scheduler-unreachable\] .*has no worker"):
            results(square, range(2), there)


def test_another_version():
    with pytest.raises(Snn2ChipError, match=r"error\[worker-versions\] numpy .*need 0\.1"):
        parallel._guarded(square, {"numpy": "0.1"}, 2)


def test_another_file(tmp_path):
    path = tmp_path / "x"
    path.write_text("one")
    files = files_of(path, None)
    check_files(files)
    path.write_text("two")
    with pytest.raises(Snn2ChipError, match=r"error\[worker-file\]"):
        check_files(files)


def test_without_dask(monkeypatch):
    monkeypatch.setattr(parallel, "_installed", lambda: False)
    told = []
    tell = Silent()
    monkeypatch.setattr(tell, "note", told.append)
    found = {}
    run_tasks(square, range(3), Workers(), found.__setitem__, tell)
    assert found == {0: 0, 1: 1, 2: 4}
    assert len(told) == 1 and "snn2chip[parallel]" in told[0]
    with pytest.raises(Snn2ChipError, match=r"package-missing.*distributed"):
        Workers(scheduler="tcp://127.0.0.1:8786")


def test_chunks_are_tasks_where_there_are_many_or_somebody_asks():
    assert not worth(Workers(), 3)
    assert worth(Workers(), 2 * parallel.MANY)
    assert not worth(Workers(count=1), 1000)
    assert worth(Workers(count=2), 1)
    assert worth(Workers(scheduler="tcp://127.0.0.1:8786"), 1)


@pytest.mark.parametrize(("wrong", "code"), [({"count": 0}, "option-value")])
def test_misuse(wrong, code):
    with pytest.raises(Snn2ChipError, match=code):
        Workers(**wrong)
    with pytest.raises(Snn2ChipError, match="usage"):
        Workers(scheduler="tcp://127.0.0.1:1", count=2)
