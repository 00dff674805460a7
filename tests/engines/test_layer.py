"""The layer engine equals the spec engine, value for value, on whatever processor."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.engines import layer, spec
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.inputs import InputData
from tests.engines.random_circuits import FAMILIES, added_spikes, every_neuron
from tests.engines.same import same


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_equals_spec(family, seed):
    qc, inputs = family(seed)
    expected = spec.run(qc, inputs)
    same(layer.run(qc, inputs, threads=1), expected)


def test_chunks_and_threads_change_nothing(monkeypatch):
    qc, inputs = every_neuron(1)
    monkeypatch.setattr(layer, "CHUNK_VALUES", 1)
    seen: list[float] = []
    same(layer.run(qc, inputs, threads=2, progress=seen.append), spec.run(qc, inputs))
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_nothing_is_recorded_that_was_not_asked_for():
    qc, inputs = added_spikes(1)
    expected = spec.run(qc, inputs)
    got = layer.run(qc, inputs, record=False, threads=1)
    assert not got.outputs
    np.testing.assert_array_equal(got.decision, expected.decision)
    np.testing.assert_array_equal(got.potentials["answer"], expected.potentials["answer"])


def test_sums_beyond_32_bits_use_64():
    qc, inputs = added_spikes(0)
    large = tuple(replace(p, exponent=24) for p in qc.projections)
    qc = replace(qc, projections=large, v_limit=1 << 50)
    same(layer.run(qc, inputs, threads=1), spec.run(qc, inputs))


def test_spikes_of_neurons_with_large_sums_are_bytes_too():
    """The kernels behind them look for events in bytes."""
    qc, inputs = added_spikes(0)
    large = tuple(replace(p, exponent=24) if p.target == "stem" else p for p in qc.projections)
    qc = replace(qc, projections=large)
    same(layer.run(qc, inputs, threads=1), spec.run(qc, inputs))


def test_sums_beyond_64_bits_are_refused():
    qc, inputs = added_spikes(0)
    large = tuple(replace(p, exponent=60) for p in qc.projections)
    with pytest.raises(StatementError, match="64 bits"):
        layer.run(replace(qc, projections=large), inputs)


def test_most_events_with_the_lowest_weights_stay_in_16_bits():
    qc, inputs = added_spikes(0)
    projections = tuple(
        replace(p, weight=ints(np.full(p.weight.shape, -128))) for p in qc.projections
    )
    silent = [replace(p.neuron, levels=(ints([[[-(1 << 40)]]]),)) for p in qc.populations]
    populations = tuple(replace(p, neuron=n) for p, n in zip(qc.populations, silent, strict=True))
    qc = replace(qc, projections=projections, populations=populations)
    expected = spec.run(qc, inputs)
    assert expected.outputs["b2"].all()
    same(layer.run(qc, inputs, threads=1), expected)


def test_an_input_that_does_not_fit_is_refused():
    qc, inputs = added_spikes(0)
    with pytest.raises(Snn2ChipError, match="cannot hold"):
        layer.run(qc, InputData(kind=inputs.kind, values=inputs.values + 200))
    with pytest.raises(Snn2ChipError, match="not what the circuit takes"):
        layer.run(qc, InputData(kind=inputs.kind, values=inputs.values[..., 1:]))


def test_equals_spec_on_a_processor_without_wide_vectors(tmp_path):
    code = """
from snn2chip.engines import layer, spec
from tests.engines.random_circuits import FAMILIES
from tests.engines.same import same
for family in FAMILIES:
    qc, inputs = family(1)
    same(layer.run(qc, inputs, threads=1), spec.run(qc, inputs))
"""
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=Path.cwd())
