"""`bench`: engines against plain PyTorch, interleaved in one run."""

from snn2chip.bench.engines import BenchTable, bench_engines
from snn2chip.errors import Snn2ChipError
from snn2chip.options import one_of
from snn2chip.progress import Progress, Silent

WORKLOADS = ("W1", "W2", "W3", "W4", "core", "size")


def run_bench(
    workloads: tuple[str, ...] = (),
    *,
    repeats: int = 5,
    threads: int = 2,
    progress: Progress | None = None,
) -> BenchTable:
    """Times and ratios of `workloads` (default all), `repeats` interleaved repetitions, best of each."""
    chosen = tuple(one_of(w, WORKLOADS, "bench") for w in workloads) or WORKLOADS
    for name, value in (("--repeats", repeats), ("--threads", threads)):
        if value < 1:
            raise Snn2ChipError("option-value", name, "must be at least 1", have=str(value))
    return bench_engines(chosen, repeats=repeats, threads=threads, progress=progress or Silent())
