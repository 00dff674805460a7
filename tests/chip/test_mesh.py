from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from snn2chip.chip.mesh import capacity, grid_of, mesh_of
from snn2chip.chip.target import available, load_target
from snn2chip.errors import Snn2ChipError

TINY = load_target("tiny")
"""Two by two tiles of two cores, core 5 dead; its board `pair`: two chips, core 0 of chip 1 dead; 4 hops between."""


def given(value):
    assert value is not None
    return value


def test_places_of_one_chip_by_hand():
    grid = given(grid_of(mesh_of(TINY, None), 7))
    np.testing.assert_array_equal(grid.chip, [0] * 7)
    np.testing.assert_array_equal(grid.core, [0, 1, 2, 3, 4, 6, 7])
    np.testing.assert_array_equal(grid.east, [0, 0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(grid.south, [0, 0, 1, 1, 0, 1, 1])


def test_places_of_a_board_by_hand():
    mesh = mesh_of(TINY, "pair")
    assert capacity(mesh) == 13
    grid = given(grid_of(mesh, 8))
    np.testing.assert_array_equal(grid.chip, [0] * 7 + [1] * 6)
    np.testing.assert_array_equal(grid.core[7:], [1, 2, 3, 4, 6, 7])
    # From the eastern column of chip 0 to the western column of chip 1: four hops, not one.
    np.testing.assert_array_equal(grid.east[7:], [5, 5, 5, 6, 6, 6])
    assert len(given(grid_of(mesh, 7)).chip) == 7
    assert grid_of(mesh, 14) is None


def test_as_many_chips_as_are_needed():
    mesh = mesh_of(TINY, None)
    assert capacity(mesh) is None
    for cores in range(1, 80):
        grid = given(grid_of(mesh, cores))
        chips = np.unique(grid.chip)
        assert len(chips) == -(-cores // 7)
        assert len(grid.chip) == 7 * len(chips)


@pytest.mark.parametrize("board", [None, "square"])
def test_there_is_a_way_over_chips_in_use(board):
    """West and north of a chip in use, all chips are in use."""
    for cores in range(1, 100, 7):
        grid = given(grid_of(mesh_of(TINY, board), cores))
        used = {divmod(int(c), grid.chip_columns) for c in np.unique(grid.chip)}
        for row, column in used:
            assert {(r, c) for r in range(row + 1) for c in range(column + 1)} <= used


def test_chips_follow_each_other_side_by_side():
    grid = given(grid_of(mesh_of(TINY, "square"), 16 * 7))
    order = list(dict.fromkeys(grid.chip.tolist()))
    places = [divmod(c, 4) for c in order]
    assert len(order) == 16
    for (r, c), (r2, c2) in pairwise(places):
        assert abs(r - r2) + abs(c - c2) == 1


def test_every_place_of_every_board_is_alive_and_its_own():
    for name in available():
        target = load_target(name)
        for board in target.boards:
            mesh = mesh_of(target, board)
            room = min(given(capacity(mesh)), 2000)
            grid = given(grid_of(mesh, room))
            places = list(zip(grid.chip.tolist(), grid.core.tolist(), strict=True))
            assert len(set(places)) == len(places) >= room
            assert all(core not in mesh.dead and (c, core) not in mesh.broken for c, core in places)
            assert int(grid.chip.max()) < given(mesh.chips)


def test_a_board_that_is_dead():
    mesh = replace(mesh_of(TINY, "pair"), dead=frozenset(range(8)))
    assert capacity(mesh) == 0
    assert grid_of(mesh, 1) is None


def test_unknown_board():
    with pytest.raises(Snn2ChipError, match=r"board-unknown.*did you mean 'pair'"):
        mesh_of(TINY, "pear")
    none = replace(TINY, boards={})
    with pytest.raises(Snn2ChipError, match=r"\[boards\.NAME\]"):
        mesh_of(none, "pair")
