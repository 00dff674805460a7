"""What a benchmark found: times of one run, the engines interleaved, and whether their spikes are the same."""

import importlib.metadata
import os
import platform
from dataclasses import dataclass, fields
from statistics import median

PACKAGES = ("numpy", "numba", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRow:
    """One engine on one workload.

    best_ms, median_ms: of all repetitions, for the whole batch. ratio: how many times faster than the float32 loop
    (None for the loop itself and where there is none). spikes: what was compared with the loop's, in words.
    """

    workload: str
    engine: str
    best_ms: float
    median_ms: float
    ratio: float | None
    spikes: str

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTable:
    """All rows, what the workloads are, where and how they were measured; `notes` for those who read the rows."""

    threads: int
    repeats: int
    machine: str
    versions: tuple[tuple[str, str], ...]
    workloads: tuple[tuple[str, str], ...]
    rows: tuple[BenchRow, ...]
    notes: tuple[str, ...] = ()

    def row(self, workload: str, engine: str) -> BenchRow:
        """The row of an engine on a workload."""
        return next(r for r in self.rows if (r.workload, r.engine) == (workload, engine))

    def lines(self) -> list[str]:
        """The table as text."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions)
        out = [
            f"{self.machine}; {versions}",
            f"{self.threads} threads, best of {self.repeats}, engines interleaved",
        ]
        for name, what in self.workloads:
            out += ["", f"{name}: {what}"]
            out += [_line(r) for r in self.rows if r.workload == name]
        return [*out, *(["", *self.notes] if self.notes else [])]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "threads": self.threads,
            "repeats": self.repeats,
            "machine": self.machine,
            "versions": dict(self.versions),
            "workloads": dict(self.workloads),
            "rows": [r.to_dict() for r in self.rows],
            "notes": list(self.notes),
        }


def _line(r: BenchRow) -> str:
    ratio = "" if r.ratio is None else f"{r.ratio:.2f} x"
    return (
        f"  {r.engine:<34} {r.best_ms:>9.2f} ms (median {r.median_ms:>9.2f}) {ratio:>8}  {r.spikes}"
    )


def row(
    workload: str, engine: str, seconds: list[float], base: float | None, spikes: str
) -> BenchRow:
    """The row of these times; `base`: best time of the float32 loop, in seconds."""
    return BenchRow(
        workload=workload,
        engine=engine,
        best_ms=min(seconds) * 1e3,
        median_ms=median(seconds) * 1e3,
        ratio=None if base is None else base / min(seconds),
        spikes=spikes,
    )


def machine() -> str:
    """The processor as far as the system tells, how many cores this process may use, and what waits for them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{platform.machine()}, {cores} cores{load}, Python {platform.python_version()}"


def versions() -> tuple[tuple[str, str], ...]:
    """Of the packages that the times depend on."""
    return tuple((name, importlib.metadata.version(name)) for name in PACKAGES)
