"""`bench`: engines against plain PyTorch, interleaved in one run; `bench mapping`: costs against published tables.

`bench compile`: time and memory of whole compiles.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from snn2chip.bench.compiling import CASES, CompileRow, CompileTable, compile_row
from snn2chip.bench.mapping import MappingTable, bench_mapping
from snn2chip.bench.placement import bench_placement
from snn2chip.errors import Snn2ChipError
from snn2chip.options import one_of
from snn2chip.progress import Progress, Silent

if TYPE_CHECKING:
    from snn2chip.bench.engines import BenchTable

MAPPING = "mapping"
COMPILE = "compile"
WORKLOADS = ("W1", "W2", "W3", "W4", "core", "executors", "size")


def run_bench(
    workloads: tuple[str, ...] = (),
    *,
    repeats: int = 5,
    threads: int = 2,
    progress: Progress | None = None,
) -> "BenchTable":
    """Times and ratios of `workloads` (default all), `repeats` interleaved repetitions, best of each."""
    from snn2chip.bench.engines import bench_engines  # torch takes seconds to import

    chosen = tuple(one_of(w, WORKLOADS, "bench") for w in workloads) or WORKLOADS
    for name, value in (("--repeats", repeats), ("--threads", threads)):
        if value < 1:
            raise Snn2ChipError("option-value", name, "must be at least 1", have=str(value))
    return bench_engines(chosen, repeats=repeats, threads=threads, progress=progress or Silent())


def run_mapping(
    what: tuple[str, ...] = (MAPPING,), *, progress: Progress | None = None
) -> MappingTable:
    """The cost model against published tables, and the placement of networks of real size: some minutes."""
    _check_alone(MAPPING, what)
    tell = progress or Silent()
    with tell.stage(MAPPING):
        found = bench_mapping()
    with tell.stage("placement"):
        return replace(found, placement=bench_placement())


def run_compiles(
    what: tuple[str, ...] = (COMPILE,), *, progress: Progress | None = None
) -> CompileTable:
    """Whole compiles of SEW ResNet-18 and -152 at 224x224, each in a process of its own: some minutes."""
    _check_alone(COMPILE, what)
    tell = progress or Silent()
    rows: list[CompileRow] = []
    for case in CASES:
        with tell.stage(f"{case.arch}, {case.target}"):
            rows.append(compile_row(case))
    return CompileTable(rows=tuple(rows))


def _check_alone(name: str, what: tuple[str, ...]) -> None:
    if what != (name,):
        others = " ".join(w for w in what if w != name) or name
        raise Snn2ChipError("option-value", "bench", f"{name} goes alone", have=others)
