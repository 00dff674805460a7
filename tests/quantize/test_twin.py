"""The twin in float64 equals the spec, in every kind of neuron the arithmetic has."""

import numpy as np
import pytest

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.engines.spec import run as run_spec
from snn2chip.neuron import Emits
from snn2chip.quantize.input import dequantize_input
from snn2chip.quantize.twin import membrane_unit, twin
from tests.engines.random_circuits import FAMILIES


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("family", FAMILIES)
def test_twin_equals_spec(family, seed):
    qc, inputs = family(seed)
    theirs = twin(qc)
    spec = run_spec(qc, inputs)
    found = run_circuit(theirs, dequantize_input(qc.input, inputs))
    for p in qc.populations:
        assert np.array_equal(spec.outputs[p.name], found.outputs[p.name]), p.name
        if p.neuron.emits is Emits.SPIKE:
            assert 0 < spec.outputs[p.name].mean() < 3
    for name, v in spec.potentials.items():
        assert np.array_equal(found.potentials[name] / membrane_unit(qc.population(name)), v)
    assert np.array_equal(spec.decision, found.decision)
    assert min(spec.lowest.values()) < 0
