"""Comparison counts what differs and names the first difference in time."""

import numpy as np

from snn2chip.verify.compare import Tally


def spikes() -> dict[str, np.ndarray]:
    return {"a": np.zeros((2, 3, 4), np.uint8), "b": np.ones((2, 3, 1, 2, 2), np.uint8)}


def test_equal_runs_have_no_difference() -> None:
    tally = Tally()
    tally.add(spikes(), spikes())
    assert (tally.compared, tally.differing, tally.first) == (24 + 24, 0, None)


def test_the_first_difference_is_named_with_its_sample_over_chunks() -> None:
    tally = Tally()
    tally.add(spikes(), spikes())
    other = spikes()
    other["b"][1, 2, 0, 1, 0] = 0
    other["b"][0, 1, 0, 0, 1] = 0
    tally.add(spikes(), other, first_sample=3)
    assert tally.differing == 2
    assert tally.first is not None
    assert (tally.first.layer, tally.first.step, tally.first.sample) == ("b", 0, 4)
    assert tally.first.neuron == (0, 0, 1)
    assert (tally.first.left, tally.first.right) == (1.0, 0.0)
    assert tally.layers["b"].compared == 48
    assert tally.layers["b"].right_rate == 46 / 48


def test_a_missing_layer_and_another_shape_differ_everywhere() -> None:
    tally = Tally()
    tally.add(spikes(), {"b": np.ones((2, 3, 2, 2), np.uint8)})
    assert tally.differing == tally.compared == 48
