"""Halving finds exactly what is needed, in few runs."""

from hypothesis import given
from hypothesis import strategies as st

from snn2chip.debug.bisect import needed

LAYERS = tuple(f"layer{i}" for i in range(23))


@given(st.sets(st.sampled_from(LAYERS), min_size=1, max_size=5))
def test_every_set_is_found(hidden):
    runs = []

    def score(floated):
        runs.append(floated)
        return len(hidden & floated)

    assert needed(LAYERS, score, len(hidden)) == tuple(n for n in LAYERS if n in hidden)
    assert len(runs) <= 2 * 5 * len(hidden)


def test_of_two_halves_that_are_enough_the_better_is_taken():
    worth = {"layer2": 5, "layer20": 9}
    assert needed(LAYERS, lambda s: sum(worth.get(n, 0) for n in s), 5) == ("layer20",)


def test_one_layer_needs_no_run():
    assert needed(("only",), lambda _: 0, 1) == ("only",)
