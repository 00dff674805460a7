"""Whole compiles of networks of real size, each in a process of its own: time, memory, cores, entries rebuilt."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SHAPE = "3,224,224"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A network of the zoo, its target, and what its compile is held to."""

    arch: str
    target: str
    most_seconds: float
    most_gb: float


CASES = (
    Case(arch="sew_resnet18", target="loihi2", most_seconds=60, most_gb=12),
    Case(arch="sew_resnet18", target="loihi1", most_seconds=60, most_gb=12),
    Case(arch="sew_resnet152", target="loihi2", most_seconds=300, most_gb=12),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileRow:
    """One compile. `memory_gb`: the most that its process held; `compared`, `differing`: table entries rebuilt."""

    arch: str
    target: str
    cores: int
    chips: int
    spike_hops: int
    compared: int
    differing: int
    seconds: float
    cpu_seconds: float
    memory_gb: float
    most_seconds: float
    most_gb: float

    @property
    def holds(self) -> bool:
        """Within time and memory, and nothing differs."""
        fast = self.seconds <= self.most_seconds and self.memory_gb <= self.most_gb
        return fast and self.compared > 0 and self.differing == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileTable:
    """Everything that `bench compile` measured."""

    rows: tuple[CompileRow, ...]

    @property
    def holds(self) -> bool:
        """Whether every row holds."""
        return all(r.holds for r in self.rows)

    def lines(self) -> list[str]:
        """The table as text."""
        fine = sum(r.holds for r in self.rows)
        return [
            f"whole compiles: {fine} of {len(self.rows)} hold ({os.cpu_count()} cores of this machine)",
            f"  checkpoints with random weights, {SHAPE}, T 4, 8 bits; placement (swap), audit and validation included",
            f"  {'':<22} {'cores':>6} {'chips':>5} {'entries rebuilt':>16} {'differ':>6} {'seconds':>8} {'at most':>8} "
            f"{'CPU s':>7} {'GB':>6} {'at most':>8}",
            *(_line(r) for r in self.rows),
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {"rows": [{**asdict(r), "holds": r.holds} for r in self.rows], "holds": self.holds}


def _line(r: CompileRow) -> str:
    name = f"{r.arch}, {r.target}"
    counts = f"  {name:<22} {r.cores:>6,} {r.chips:>5} {r.compared:>16,} {r.differing:>6,}"
    spent = f"{r.seconds:>8.1f} {r.most_seconds:>8,.0f} {r.cpu_seconds:>7.1f}"
    memory = f"{r.memory_gb:>6.2f} {r.most_gb:>8,.0f}"
    return f"{counts} {spent} {memory}{'' if r.holds else '  MISSED'}"


def compile_row(case: Case, shape: str = SHAPE) -> CompileRow:
    """One compile in a fresh process, whose time and memory count from its start."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / f"{case.arch}.pth"
        _write(case.arch, model)
        words = ["compile", str(model), "--shape", shape, "--target", case.target]
        words += ["--option", "connect_f=ADD", "--option", "T=4", "--json"]
        words += ["--out", str(Path(folder) / "build")]
        done, seconds, cpu, memory = measured(words, Path(folder) / "told.json")
    return CompileRow(
        arch=case.arch,
        target=case.target,
        cores=done["cores"],
        chips=done["chips"],
        spike_hops=done["placement"]["spike_hops"],
        compared=done["compared"],
        differing=done["differing"],
        seconds=seconds,
        cpu_seconds=cpu,
        memory_gb=memory,
        most_seconds=case.most_seconds,
        most_gb=case.most_gb,
    )


def _write(arch: str, path: Path) -> None:
    """A checkpoint with random weights, as the authors save theirs."""
    import torch

    from snn2chip.zoo import sew_resnet

    torch.manual_seed(0)
    torch.save(getattr(sew_resnet, arch)(connect_f="ADD").state_dict(), path)


def measured(words: Sequence[str], out: Path) -> tuple[dict[str, Any], float, float, float]:
    """(what the command told as JSON, seconds, seconds of CPU, GB at most)."""
    begin = time.perf_counter()
    with out.open("wb") as told:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "snn2chip", *words], stdout=told, stderr=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise RuntimeError(f"snn2chip {' '.join(words)} ended with status {process.returncode}")
    # ru_maxrss counts kilobytes on Linux and bytes on macOS.
    unit = 1e9 if sys.platform == "darwin" else 1e6
    return (
        json.loads(out.read_text()),
        seconds,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss / unit,
    )
