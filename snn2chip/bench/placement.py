"""Placement: spike-hops of each method against cores that are numbered row by row, on networks of real size."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.bench.shapes import sew_resnet18, sew_resnet152
from snn2chip.chip.map import plan_cores
from snn2chip.chip.mesh import Grid, Mesh, grid_of, mesh_of
from snn2chip.chip.place.place import method
from snn2chip.chip.place.traffic import Traffic, traffic_of
from snn2chip.chip.place.types import cost
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.quantize.types import QuantizedCircuit

ROW_MAJOR = "row by row"
METHODS = ("columns", "swap", "metis")
MOST = 0.7
"""Of the spike-hops of row-major numbering, the most that `swap` and `metis` may have left."""

TARGET = "loihi2"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementRow:
    """One method on one network. `of_row_major`, `of_columns`: its spike-hops as parts of theirs; `most`: may be."""

    network: str
    cores: int
    chips: int
    method: str
    spike_hops: int
    of_row_major: float
    of_columns: float
    seconds: float
    most: float

    @property
    def holds(self) -> bool:
        """As few as asked for, and no more than columns has."""
        return self.of_row_major <= self.most and (self.most > MOST or self.of_columns <= 1)

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        names = ("network", "cores", "chips", "method", "spike_hops", "of_row_major", "of_columns")
        return {**{n: getattr(self, n) for n in (*names, "seconds")}, "holds": self.holds}


NOTE = (
    f"{TARGET}, seed 0; traffic estimated: every neuron fires as often; row by row: core after core in layer order, "
    "along the rows of tiles, chip after chip along the rows of chips"
)


def bench_placement() -> tuple[PlacementRow, ...]:
    """Every method that is installed on both networks: about a minute."""
    networks = {
        "SEW ResNet-18, 224x224": sew_resnet18(),
        "SEW ResNet-152, 224x224": sew_resnet152(),
    }
    return tuple(row for name, qc in networks.items() for row in placement_rows(name, qc))


def placement_rows(network: str, qc: QuantizedCircuit) -> Iterator[PlacementRow]:
    """Row by row, columns, swap, and metis where pymetis is installed."""
    target = load_target(TARGET)
    plan, _ = plan_cores(qc, target, Coding.BIAS)
    traffic, mesh = traffic_of(plan), mesh_of(target, None)
    grid = grid_of(mesh, traffic.cores)
    if grid is None:
        raise ValueError("a mesh without a board has as many chips as are needed")
    plain = {
        ROW_MAJOR: cost(traffic, grid, row_major(mesh, grid)[: traffic.cores]),
        "columns": cost(traffic, grid, np.arange(traffic.cores)),
    }
    for name in (ROW_MAJOR, *METHODS):
        if name == "metis" and find_spec("pymetis") is None:
            continue
        begin = time.perf_counter()
        hops = plain.get(name) or _placed(name, traffic, grid)
        yield PlacementRow(
            network=network,
            cores=traffic.cores,
            chips=len(np.unique(grid.chip)),
            method=name,
            spike_hops=hops,
            of_row_major=hops / plain[ROW_MAJOR],
            of_columns=hops / plain["columns"],
            seconds=time.perf_counter() - begin,
            most=np.inf if name in plain else MOST,
        )


def _placed(name: str, traffic: Traffic, grid: Grid) -> int:
    return cost(traffic, grid, method(name)(traffic, grid, 0, 600.0).places)


def row_major(mesh: Mesh, grid: Grid) -> IntArray:
    """The places of a grid, row of tiles after row of tiles on each chip, chips in the order of their numbers."""
    column, row = mesh.tile_of(grid.core)
    return np.lexsort((grid.core % mesh.tile_cores, column, row, grid.chip)).astype(np.int64)


def placement_lines(rows: tuple[PlacementRow, ...]) -> list[str]:
    """The rows as text."""
    fine = sum(r.holds for r in rows)
    out = [f"placement (spike-hops): {fine} of {len(rows)} hold", f"  {NOTE}"]
    head = f"  {'':<24} {'cores':>6} {'chips':>5}  {'method':<11} {'spike-hops':>15} {'of row by row':>14}"
    out.append(f"{head} {'of columns':>11} {'seconds':>8}")
    for r in rows:
        counts = f"  {r.network:<24} {r.cores:>6,} {r.chips:>5}  {r.method:<11} {r.spike_hops:>15,}"
        parts = f"{100 * r.of_row_major:>12.1f} % {100 * r.of_columns:>9.1f} % {r.seconds:>8.1f}"
        out.append(f"{counts} {parts}{'' if r.holds else '  MISSED'}")
    return out
