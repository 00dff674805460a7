"""The ways of placing: every one of them on the same small grids, and against all placements where there are few."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2chip.arrays import ints
from snn2chip.chip.mesh import grid_of, mesh_of
from snn2chip.chip.place.place import method
from snn2chip.chip.place.placing import METHODS
from snn2chip.chip.place.traffic import summed
from snn2chip.chip.place.types import cost
from snn2chip.chip.target import load_target
from snn2chip.errors import Snn2ChipError

TINY = load_target("tiny")


def some(value):
    assert value is not None
    return value


def traffic(cores, seed, density=0.4):
    rng = np.random.default_rng(seed)
    a, b = np.nonzero(rng.random((cores, cores)) < density)
    return summed(cores, [(a, b, rng.integers(1, 100, len(a)))])


def grid(cores, board=None):
    return some(grid_of(mesh_of(TINY, board), cores))


def test_spike_hops_by_hand():
    """Cores 0 to 3 in column 0 (two to a tile), 4 to 6 in column 1; 7 on the next chip: 4 hops from column 1."""
    ones = [0, 0, 0, 2, 6]
    found = summed(8, [(ints(ones), ints([1, 2, 4, 0, 7]), ints([100, 5, 7, 1, 1]))])
    g = grid(8)
    hops = 100 * 0 + 5 * 1 + 7 * 1 + 1 * 1 + 1 * (4 + 1)
    assert cost(found, g, np.arange(8)) == hops


def test_pairs_are_summed_and_cores_that_talk_to_themselves_are_left_out():
    found = summed(3, [(ints([0, 1, 0]), ints([1, 1, 1]), ints([2, 9, 3]))])
    assert (found.source.tolist(), found.target.tolist(), found.messages.tolist()) == (
        [0],
        [1],
        [5],
    )


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=8, deadline=None)
@given(cores=st.integers(1, 13), seed=st.integers(0, 99))
def test_every_method_gives_a_place_to_each_core_and_is_never_above_columns(name, cores, seed):
    t, g = traffic(cores, seed), grid(cores, "pair")
    found = method(name)(t, g, seed, 0.05 if name == "exact" else 60.0)
    assert len(found.places) == cores == len(np.unique(found.places))
    assert 0 <= found.places.min() <= found.places.max() < len(g.chip)
    assert cost(t, g, found.places) <= cost(t, g, np.arange(cores))
    assert found.bound <= cost(t, g, found.places)


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_places(name):
    cores = 10 if name == "exact" else 60
    t, g = traffic(cores, 3, 0.1), grid(cores)
    first, again = (method(name)(t, g, 7, 0.5 if name == "exact" else 60.0) for _ in range(2))
    np.testing.assert_array_equal(first.places, again.places)
    assert first.bound == again.bound


def test_another_seed_gives_another_search():
    t, g = traffic(60, 3, 0.1), grid(60)
    found = {tuple(method("swap")(t, g, seed, 60.0).places.tolist()) for seed in range(4)}
    assert len(found) > 1


def chain(cores):
    """Each core talks to the next; they are numbered at random, so that columns are bad."""
    order = np.random.default_rng(0).permutation(cores)
    return summed(cores, [(order[:-1], order[1:], np.full(cores - 1, 10))])


@pytest.mark.parametrize("name", ["swap", "metis"])
def test_a_chain_in_disorder_is_found(name):
    t, g = chain(100), grid(100)
    bad = cost(t, g, np.arange(100))
    assert cost(t, g, method(name)(t, g, 0, 60.0).places) < bad / 3


def test_exact_is_the_best_of_all_placements():
    """Six cores on seven places: every one of the 5040 placements."""
    for seed in range(3):
        t, g = traffic(6, seed, 0.5), grid(6)
        best = min(cost(t, g, np.array(p)) for p in permutations(range(7), 6))
        found = method("exact")(t, g, 0, 10.0)
        assert cost(t, g, found.places) == found.bound == best
        assert cost(t, g, method("swap")(t, g, 0, 60.0).places) >= best


def test_exact_says_how_far_it_may_be_from_the_best():
    t, g = traffic(13, 1, 0.6), grid(13)
    found = method("exact")(t, g, 0, 0.01)
    assert found.bound < cost(t, g, found.places)


def test_exact_refuses_what_is_large():
    with pytest.raises(Snn2ChipError, match=r"place-exact.*have 33 cores; need at most 32"):
        method("exact")(traffic(33, 0), grid(33), 0, 1.0)


def test_time_that_is_up_is_said():
    t, g = traffic(40, 0), grid(40)
    found = method("swap")(t, g, 0, -1.0)
    assert found.cut
    np.testing.assert_array_equal(found.places, np.arange(40))
    assert not method("swap")(t, g, 0, 60.0).cut


def test_nobody_talks():
    t, g = summed(9, []), grid(9)
    for name in METHODS:
        assert method(name)(t, g, 0, 1.0).places.tolist() == list(range(9))


@pytest.mark.parametrize(("name", "package"), [("metis", "pymetis"), ("exact", "ortools")])
def test_packages_that_are_missing_are_named(name, package, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.sat.python", None)
    with pytest.raises(Snn2ChipError, match=rf"package-missing.*{package} is not installed"):
        method(name)(traffic(12, 0), grid(12), 0, 1.0)
