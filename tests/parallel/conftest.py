"""A scheduler and two workers as processes of their own, and the digits network compiled."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from distributed import Client

from snn2chip.cli.main import main
from tests.parallel.explored import DATA, files, words

SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Cluster:
    """`processes`: the scheduler, then its workers."""

    address: str
    processes: tuple[subprocess.Popen[bytes], ...]

    def kill_scheduler(self) -> None:
        self.processes[0].send_signal(signal.SIGKILL)
        self.processes[0].wait()


@pytest.fixture(scope="session")
def clusters() -> Generator[list[Cluster]]:
    """Those that were started; they end with the tests."""
    started: list[Cluster] = []
    yield started
    for process in (p for c in started for p in c.processes):
        process.kill()
        process.wait()


@pytest.fixture
def cluster(clusters: list[Cluster], tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """What a user starts: `dask scheduler`, and twice `dask worker ADDRESS`; again where a test has killed it."""
    if not clusters or clusters[-1].processes[0].poll() is not None:
        clusters.append(_started(tmp_path_factory.mktemp("cluster")))
    return clusters[-1]


def _started(folder: Path) -> Cluster:
    said = folder / "scheduler.json"
    scheduler = _dask(folder, "scheduler", "--port", "0", "--scheduler-file", str(said))
    address = _address(said, scheduler)
    worker = ("worker", address, "--no-nanny", "--local-directory", str(folder))
    # One with two threads: they must take turns.
    workers = [_dask(folder, *worker, "--nthreads", n) for n in ("1", "2")]
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)
    return Cluster(address, (scheduler, *workers))


def _dask(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    with (folder / f"{words[0]}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1", "--no-dashboard"],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )


def _address(said: Path, scheduler: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        if scheduler.poll() is None and said.exists() and said.read_text().endswith("}"):
            return json.loads(said.read_text())["address"]
        time.sleep(0.1)
    raise RuntimeError("the scheduler did not start")


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some images, their labels, and a build."""
    folder = tmp_path_factory.mktemp("few")
    np.save(folder / "x.npy", np.load(DATA / "digits_demo.npy")[:SAMPLES])
    np.save(folder / "y.npy", np.load(DATA / "digits_demo_labels.npy")[:SAMPLES])
    words = ["compile", str(DATA / "digits.pth"), "--input", str(folder / "x.npy")]
    assert main([*words, "--layout", "NCHW", "--out", str(folder / "build")]) == 0
    return folder


@pytest.fixture(scope="session")
def alone(few: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process explores."""
    out = tmp_path_factory.mktemp("alone")
    assert main(words(few, out, "--workers", "1")) == 0
    return files(out)
