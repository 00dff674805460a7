"""Independent tasks: here, one after the other, or in processes of dask.distributed; the same results either way.

A task is a function of a module and one argument. Both travel as pickles between processes of one user: a scheduler is
trusted like the user's own shell (docs/exploring.md).
"""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from snn2chip.build import versions
from snn2chip.engines.registry import package_missing
from snn2chip.errors import Snn2ChipError
from snn2chip.files import sha256
from snn2chip.progress import Progress

if TYPE_CHECKING:
    from distributed import Client

A = TypeVar("A")
B = TypeVar("B")

Files = tuple[tuple[str, str], ...]
"""(path, sha256) of the files that a task reads."""

CONNECT_SECONDS, WORKER_SECONDS = 10, 60
"""How long a scheduler may take to answer, and then to have a worker."""

GOES_ON = "what is finished is kept; the same command goes on"

_TURN = Lock()
"""Threads of one worker take turns: engines and limits of threads are of the whole process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Where tasks run. `scheduler`: address of a dask scheduler, started by the user.

    `count`: processes on this machine, 1: this process alone, None: one for each core.
    """

    scheduler: str | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise Snn2ChipError(
                "option-value", "--workers", "must be at least 1", have=str(self.count)
            )
        if self.scheduler is not None and self.count is not None:
            why = "says nothing to a scheduler, which has its own workers"
            raise Snn2ChipError("usage", "--workers", why, help="leave one of the two away")
        if self.scheduler is not None and not _installed():
            raise package_missing("--scheduler", "distributed", "parallel")


MANY = 8
"""As many chunks of samples keep each of two processes busy for longer than they take to start."""


def files_of(*paths: str | Path | None) -> Files:
    """Absolute path and sha256 of each file, for `check_files` where a task runs."""
    return tuple((str(Path(p).resolve()), sha256(Path(p))) for p in paths if p is not None)


def check_files(files: Files) -> None:
    """Raise worker-file where a file is not what it was for the process that asked."""
    for path, content in files:
        have = sha256(Path(path))
        if have != content:
            raise Snn2ChipError(
                "worker-file",
                path,
                "is another file here than where the work was asked for",
                have=f"sha256 {have[:12]}",
                need=content[:12],
                help="let every worker see the same files at the same paths",
            )


def worth(workers: Workers, chunks: int) -> bool:
    """Whether chunks of samples are run as tasks: where somebody asks for workers, or where there are many."""
    return workers.scheduler is not None or (workers.count or chunks // MANY) > 1


def run_tasks(
    task: Callable[[A], B],
    arguments: Sequence[A],
    workers: Workers,
    finished: Callable[[int, B], None],
    progress: Progress,
) -> None:
    """`finished(i, task(arguments[i]))` for every i, in whatever order they are done.

    A task that raises ends the run; what is finished by then has been handed over. Errors: those of the task;
    scheduler-unreachable, scheduler-lost, worker-lost, worker-versions.
    """
    count = _processes(workers, len(arguments), progress)
    if count == 1:
        for i, argument in enumerate(arguments):
            finished(i, task(argument))
        return
    with _client(workers, count) as client:
        _collect(client, task, arguments, finished, workers)


def results_of(
    task: Callable[[A], B],
    arguments: Sequence[A],
    workers: Workers,
    stage: str,
    progress: Progress,
) -> list[B]:
    """The results of `run_tasks` in the order of `arguments`, as a stage of `progress`."""
    found: dict[int, B] = {}
    with progress.stage(stage) as done:

        def finished(number: int, result: B) -> None:
            found[number] = result
            done(len(found) / len(arguments))

        run_tasks(task, arguments, workers, finished, progress)
    return [found[i] for i in range(len(arguments))]


def _processes(workers: Workers, tasks: int, progress: Progress) -> int:
    """How many processes of this machine; 0: a scheduler's."""
    if workers.scheduler is not None:
        return 0
    if workers.count == 1 or tasks < 2:
        return 1
    if not _installed():
        progress.note(
            "one after the other: dask.distributed is not installed (pip install 'snn2chip[parallel]')"
        )
        return 1
    from dask.system import CPU_COUNT

    return min(tasks, workers.count or CPU_COUNT)


def _installed() -> bool:
    return find_spec("distributed") is not None


@contextmanager
def _client(workers: Workers, count: int) -> Generator["Client"]:
    """A client of the scheduler, or of `count` processes that end with the context."""
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    if workers.scheduler is not None:
        with _connected(workers.scheduler) as client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=0,  # else a worker is held up or killed at its share, whatever the machine still has
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _connected(address: str) -> Generator["Client"]:
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as e:
        raise _unreachable(address, "no scheduler answers", e) from e
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except OSError as e:
            raise _unreachable(address, "has no worker", e) from e
        yield client


def _unreachable(address: str, why: str, error: Exception) -> Snn2ChipError:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return Snn2ChipError(
        "scheduler-unreachable",
        f"--scheduler {address}",
        f"{why}: {said}",
        help="start `dask scheduler` and `dask worker ADDRESS`, with the address that the scheduler prints",
    )


def _collect(
    client: "Client",
    task: Callable[[A], B],
    arguments: Sequence[A],
    finished: Callable[[int, B], None],
    workers: Workers,
) -> None:
    from distributed import KilledWorker, as_completed
    from distributed.client import FutureCancelledError

    futures = client.map(partial(_guarded, task, versions()), arguments, pure=False)
    number = {future.key: i for i, future in enumerate(futures)}
    done = 0
    try:
        for future in as_completed(futures, loop=client.loop):
            finished(number[future.key], future.result())
            done += 1
    except FutureCancelledError as e:
        where = workers.scheduler or "the local scheduler"
        raise Snn2ChipError(
            "scheduler-lost", where, "is gone", have=f"{done} of {len(futures)} done", help=GOES_ON
        ) from e
    except KilledWorker as e:
        raise Snn2ChipError(
            "worker-lost",
            "a worker",
            "ended while it worked, again and again; too little memory?",
            have=f"{done} of {len(futures)} done",
            help=GOES_ON,
        ) from e


def _guarded(task: Callable[[A], B], asked: Mapping[str, str], argument: A) -> B:
    """`task` in a worker: alone in its process, on one core, with the versions of the process that asked."""
    have = versions()
    for name, version in asked.items():
        if have[name] != version:
            raise Snn2ChipError(
                "worker-versions",
                f"{name} of a worker",
                "is another version, whose results could differ",
                have=have[name],
                need=version,
                help="install the same versions for the scheduler and its workers",
            )
    with _TURN:
        _use_one_core()
        return task(argument)


def _use_one_core() -> None:
    """Integers are the same on any number of threads; a worker leaves the other cores to the other workers."""
    import numba

    numba.set_num_threads(1)
