"""Samples that follow each other through the packed tables, and every other engine, on random circuits."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.chip.audit import audit
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.chip.validate import validate
from snn2chip.engines import core, dense, layer, onnx, spec
from tests.chip.tiny import target
from tests.engines.random_circuits import added_spikes, real_shortcuts
from tests.engines.same import same

SMALL = target(neurons=500, parameter_words=60)
"""Cores so small that every layer takes several."""


def on_cores(qc, inputs, target, coding):
    mapped = map_circuit(qc, target, coding=coding)
    assert mapped.findings == ()
    assert audit(mapped.program, target) == ()
    assert not validate(mapped.program, target, qc).differing
    return core.run(mapped.program, target, inputs, qc=qc), mapped.program


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("coding", [Coding.HOST, Coding.GRADED])
def test_every_engine_gives_the_same_with_gains_of_each_step(seed, coding):
    qc, inputs = real_shortcuts(seed)
    assert inputs.samples == 3
    expected = spec.run(qc, inputs)
    got, program = on_cores(qc, inputs, SMALL, coding)
    assert sum(len(k.parameters) > 0 for k in program.cores) > len(qc.populations)
    same(got, expected)
    same(layer.run(qc, inputs, threads=1), expected)
    same(dense.run(qc, inputs), expected)
    same(onnx.run(qc, inputs), expected)


@pytest.mark.parametrize("seed", [0, 2, 4])
@pytest.mark.parametrize("coding", [Coding.BIAS, Coding.HOST])
def test_biases_of_each_step_beside_those_of_the_host(seed, coding):
    qc, inputs = added_spikes(seed)
    assert qc.population("a1").bias.ndim == 4
    got, _ = on_cores(qc, inputs, load_target("loihi2"), coding)
    same(got, spec.run(qc, inputs))


def test_each_sample_meets_the_first_step_of_its_own():
    qc, inputs = real_shortcuts(1)
    together, _ = on_cores(qc, inputs, SMALL, Coding.GRADED)
    for i in range(inputs.samples):
        alone, _ = on_cores(
            qc, replace(inputs, values=inputs.values[i : i + 1]), SMALL, Coding.GRADED
        )
        for name, values in alone.outputs.items():
            np.testing.assert_array_equal(values[:, 0], together.outputs[name][:, i], name)
