import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2chip.arrays import ints
from snn2chip.chip.mesh import grid_of, mesh_of
from snn2chip.chip.placement import Placement
from snn2chip.chip.route import Flows, route
from snn2chip.chip.target import load_target

TINY = load_target("tiny")
"""Two by two tiles of two cores a chip; core 5 dead; a crossing counts 4 hops."""


def placement(chip, core, chip_columns):
    return Placement(
        board="",
        chip_columns=chip_columns,
        method="by hand",
        seed=0,
        rates="measured",
        spike_hops=0,
        bound=0,
        chip=ints(chip),
        core=ints(core),
    )


def flows(source, target, messages):
    return Flows(source=ints(source), target=ints(target), messages=ints(messages))


def test_one_message_by_hand():
    """From the north-western tile of chip 0 to the south-eastern tile of chip 1, beside it: east, east, east, south."""
    p = placement([0, 1], [0, 6], 2)
    found = route(flows([0], [1], [[0, 5]]), p, mesh_of(TINY, None))
    assert found.hops_ew.tolist() == [5 * 2, 0]  # within chips: one on chip 0, one on chip 1
    assert found.hops_ns.tolist() == [5, 0]
    assert found.crossings.tolist() == [5, 0]
    links = found.links
    np.testing.assert_array_equal(links.east, [[5, 5, 5, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(links.south, [[0, 0, 0, 5], [0, 0, 0, 0]])
    assert links.west.sum() == links.north.sum() == 0
    assert links.crossings == {(0, 1): 5}
    assert [links.most_ew.tolist(), links.most_ns.tolist(), links.most_crossing.tolist()] == [
        [0, 5]
    ] * 3


def test_messages_of_a_tile_to_itself_take_no_link():
    found = route(flows([0], [1], [[7]]), placement([0, 0], [0, 1], 1), mesh_of(TINY, None))
    assert found.links.through.sum() == 0
    assert found.hops_ew.sum() == found.hops_ns.sum() == found.crossings.sum() == 0


def test_the_way_keeps_to_chips_in_use():
    """Chips 0, 1 and 2 of a square of four: from 2 (south) to 1 (east) over 0, not over the missing chip 3."""
    p = placement([2, 1, 0], [0, 0, 0], 2)
    found = route(flows([0, 1], [1, 0], [[1], [1]]), p, mesh_of(TINY, None))
    assert found.links.crossings == {(0, 1): 1, (0, 2): 1, (1, 0): 1, (2, 0): 1}


def test_all_tiles_of_an_edge_share_one_link():
    p = placement([0, 0, 1], [4, 6, 0], 2)
    found = route(flows([0, 1], [2, 2], [[3], [4]]), p, mesh_of(TINY, None))
    assert found.links.crossings == {(0, 1): 7}
    assert found.links.most_crossing.tolist() == [7]


def walk(p, mesh, a, b, in_use):
    """The tiles of one message's way, step by step."""

    def tile(k):
        column, row = (
            p.core[k] // mesh.tile_cores // mesh.rows,
            p.core[k] // mesh.tile_cores % mesh.rows,
        )
        return [
            int(p.chip[k] % p.chip_columns * mesh.columns + column),
            int(p.chip[k] // p.chip_columns * mesh.rows + row),
        ]

    here, end = tile(a), tile(b)
    corner = (end[0] // mesh.columns, here[1] // mesh.rows)
    order = (0, 1) if corner[1] * p.chip_columns + corner[0] in in_use else (1, 0)
    for axis in order:
        while here[axis] != end[axis]:
            before = tuple(here)
            here[axis] += 1 if end[axis] > here[axis] else -1
            yield before, tuple(here)


@settings(max_examples=40, deadline=None)
@given(cores=st.integers(2, 40), seed=st.integers(0, 10**6))
def test_against_walking_every_message(cores, seed):
    rng = np.random.default_rng(seed)
    mesh = mesh_of(TINY, None)
    grid = grid_of(mesh, cores)
    assert grid is not None
    places = rng.permutation(len(grid.chip))[:cores]
    p = placement(grid.chip[places], grid.core[places], grid.chip_columns)
    in_use = set(p.chip.tolist())
    a, b = rng.integers(0, cores, (2, 25))
    messages = rng.integers(0, 5, (25, 3))
    found = route(flows(a, b, messages), p, mesh)
    loads, ew, ns, crossings = {}, np.zeros(cores), np.zeros(cores), np.zeros(cores)
    for s, t, m in zip(a.tolist(), b.tolist(), messages, strict=True):
        for here, there in walk(p, mesh, s, t, in_use):
            loads[here, there] = loads.get((here, there), 0) + m
            apart = [(x // mesh.columns, y // mesh.rows) for x, y in (here, there)]
            if apart[0] != apart[1]:
                crossings[s] += m.sum()
            elif here[0] != there[0]:
                ew[s] += m.sum()
            else:
                ns[s] += m.sum()
    np.testing.assert_array_equal(found.hops_ew, ew)
    np.testing.assert_array_equal(found.hops_ns, ns)
    np.testing.assert_array_equal(found.crossings, crossings)
    ways = {(1, 0): "east", (-1, 0): "west", (0, 1): "south", (0, -1): "north"}
    kinds = {"ew": np.zeros((1, 3)), "ns": np.zeros((1, 3))}
    between, total = {}, {name: np.zeros_like(found.links.east) for name in ways.values()}
    for ((x, y), (x2, y2)), m in loads.items():
        total[ways[x2 - x, y2 - y]][y, x] += m.sum()
        pair = [v // mesh.rows * p.chip_columns + u // mesh.columns for u, v in ((x, y), (x2, y2))]
        if pair[0] != pair[1]:
            between[tuple(pair)] = between.get(tuple(pair), 0) + m
        else:
            kind = "ew" if x != x2 else "ns"
            kinds[kind] = np.concatenate([kinds[kind], m[None]])
    for name, loads_ in total.items():
        np.testing.assert_array_equal(getattr(found.links, name), loads_)
    np.testing.assert_array_equal(found.links.most_ew, kinds["ew"].max(0))
    np.testing.assert_array_equal(found.links.most_ns, kinds["ns"].max(0))
    assert found.links.crossings == {k: int(m.sum()) for k, m in between.items() if m.sum()}
    most = np.array(list(between.values()) or [[0, 0, 0]]).max(0)
    np.testing.assert_array_equal(found.links.most_crossing, most)
    # Priced as the placement prices it.
    east, south = mesh.position(p.chip, p.core, p.chip_columns)
    hops = (messages.sum(1) * (abs(east[a] - east[b]) + abs(south[a] - south[b]))).sum()
    k = mesh.crossing_hops
    assert (found.hops_ew + found.hops_ns + k * found.crossings).sum() == hops


def test_nothing_is_sent():
    found = route(flows([], [], np.zeros((0, 4))), placement([0], [0], 1), mesh_of(TINY, None))
    assert found.links.through.tolist() == [[0]]
    assert found.links.most_ew.tolist() == [0] * 4
    assert found.links.crossings == {}


@pytest.mark.parametrize("board", ["pair", "square"])
def test_boards(board):
    mesh = mesh_of(TINY, board)
    grid = grid_of(mesh, 10)
    assert grid is not None
    p = placement(grid.chip[:10], grid.core[:10], grid.chip_columns)
    found = route(flows([0], [9], [[1]]), p, mesh)
    assert found.crossings.sum() == 1
