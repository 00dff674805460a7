"""The random circuits exercise what they are made for."""

import numpy as np
import pytest

from snn2chip.engines import spec
from snn2chip.neuron import Emits
from tests.engines.random_circuits import FAMILIES


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("seed", range(6))
def test_layers_fire_now_and_then_and_have_negative_membranes(family, seed):
    qc, inputs = family(seed)
    recording = spec.run(qc, inputs)
    for p in qc.populations:
        assert recording.lowest[p.name] < 0, p.name
        if p.neuron.emits in (Emits.SPIKE, Emits.MULTISPIKE):
            rate = np.mean(recording.outputs[p.name] > 0)
            assert 0.02 <= rate <= 0.6, (p.name, rate)


def test_joins_reach_two_and_more():
    qc, inputs = FAMILIES[0](0)
    outputs = spec.run(qc, inputs).outputs
    assert (outputs["stem"] + outputs["a2"]).max() == 2
