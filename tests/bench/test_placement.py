from dataclasses import replace

import numpy as np

from snn2chip.bench.placement import (
    MOST,
    ROW_MAJOR,
    placement_lines,
    placement_rows,
    row_major,
)
from snn2chip.bench.shapes import sew_resnet18, sew_resnet152
from snn2chip.chip.mesh import grid_of, mesh_of
from snn2chip.chip.target import load_target


def test_row_major_by_hand():
    """Two by two tiles of two cores, core 5 dead: along the rows of tiles, chip after chip."""
    mesh = mesh_of(load_target("tiny"), None)
    grid = grid_of(mesh, 14)
    assert grid is not None
    order = row_major(mesh, grid)
    assert grid.core[order[:7]].tolist() == [0, 1, 4, 2, 3, 6, 7]
    assert grid.chip[order].tolist() == [0] * 7 + [1] * 7


def test_every_method_on_sew_resnet_18():
    rows = tuple(placement_rows("SEW ResNet-18", sew_resnet18()))
    assert [r.method for r in rows] == [ROW_MAJOR, "columns", "swap", "metis"]
    assert rows[0].of_row_major == rows[1].of_columns == 1
    for r in rows[2:]:
        assert r.holds
        assert r.of_row_major <= MOST
        assert r.of_columns <= 1
    assert "4 of 4 hold" in placement_lines(rows)[0]
    missed = replace(rows[2], of_row_major=0.71)
    assert not missed.holds
    assert not replace(rows[2], of_columns=1.01).holds
    assert placement_lines((missed,))[-1].endswith("MISSED")


def test_sew_resnet_152_is_the_published_network():
    qc = sew_resnet152()
    convolutions = [p for p in qc.projections if p.weight.ndim == 4 and p.weight.shape[1] > 1]
    assert len(convolutions) == 155  # with the four downsamples, without the pool
    weights = sum(int(np.prod(p.weight.shape)) for p in qc.projections)
    assert weights - 64 * 9 == 60_040_384
