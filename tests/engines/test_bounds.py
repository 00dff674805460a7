"""What numbers can reach, by hand and against runs."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.circuit.types import Dense
from snn2chip.engines import spec
from snn2chip.engines.bounds import bounds
from snn2chip.errors import StatementError
from snn2chip.neuron import Emits
from tests.engines.one_population import RELAY, one_population
from tests.engines.random_circuits import FAMILIES


def test_a_sum_is_at_most_its_weights_times_the_largest_value():
    frames = ints(np.zeros((1, 1, 3, 1, 1)))
    qc = one_population(RELAY, frames, Dense(), np.array([[1, -2, 3]]), shape=(1, 1, 1), exponent=2)
    known = bounds(qc)
    assert known.outputs["input"] == (-(1 << 24), (1 << 24) - 1)
    assert known.sums["w"] == 6 << 24
    assert known.currents["n"] == known.drives["n"] == 6 << 26
    assert known.outputs["n"] == (-qc.v_limit, qc.v_limit)


def test_currents_beyond_64_bits_are_refused():
    frames = ints(np.zeros((1, 1, 3, 1, 1)))
    qc = one_population(
        RELAY, frames, Dense(), np.array([[1, -2, 3]]), shape=(1, 1, 1), exponent=40
    )
    with pytest.raises(StatementError, match="64 bits"):
        bounds(qc)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_runs_stay_within(family):
    qc, inputs = family(0)
    known = bounds(qc)
    recording = spec.run(qc, inputs)
    for p in qc.populations:
        low, high = known.outputs[p.name]
        values = recording.outputs[p.name]
        assert low <= values.min()
        assert values.max() <= high
        if p.neuron.emits is Emits.GRADED:
            assert recording.highest[p.name] <= known.drives[p.name]


def test_levels_add_up():
    qc, _ = FAMILIES[2](0)
    three = qc.population("levels")
    assert bounds(qc).outputs["levels"] == (0, 3)
    one = replace(three, neuron=replace(three.neuron, levels=three.neuron.levels[:1]))
    qc = replace(qc, populations=tuple(one if p is three else p for p in qc.populations))
    assert bounds(qc).outputs["levels"] == (0, 1)
