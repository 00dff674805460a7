"""Random circuits: on the grid nothing is lost; off it, the twin and the spec are equal and every bound holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2chip.circuit.check import check as check_circuit
from snn2chip.circuit.engine import run as run_circuit
from snn2chip.engines.spec import run as run_spec
from snn2chip.errors import errors_of
from snn2chip.neuron import Emits
from snn2chip.quantize.check import check
from snn2chip.quantize.input import choose_input, dequantize_input, quantize_input
from snn2chip.quantize.quantize import quantize
from snn2chip.quantize.ranges import ranges
from snn2chip.quantize.twin import membrane_unit, twin
from tests.quantize.build import MODELS, STRICT_WIDTHS, WIDTHS, random_circuit

SEEDS = st.integers(0, 10_000)
few = settings(max_examples=2, deadline=None, derandomize=True)


def quantized(circuit, inputs, widths=WIDTHS, **options):
    grid = choose_input(circuit.input.shape, circuit.input.kind, inputs)
    qc, findings = quantize(circuit, widths, target="test", input=grid, **options)
    integers, error = quantize_input(grid, inputs)
    return qc, findings, integers, error


def compare_with_twin(qc, integers):
    """The spec's recording, after it was found equal to the twin's and within every bound."""
    spec = run_spec(qc, integers)
    float_twin = twin(qc)
    check_circuit(float_twin)
    theirs = run_circuit(float_twin, dequantize_input(qc.input, integers))
    bounds = ranges(qc)
    for p in qc.populations:
        assert np.array_equal(spec.outputs[p.name], theirs.outputs[p.name]), p.name
        reach = bounds[p.name]
        assert reach.low <= spec.lowest[p.name] and spec.highest[p.name] <= reach.high, p.name
        sent = spec.outputs[p.name]
        assert reach.output_low <= sent.min() and sent.max() <= reach.output_high, p.name
    for name, v in spec.potentials.items():
        unit = membrane_unit(qc.population(name))
        assert np.array_equal(theirs.potentials[name] / unit, v)
    return spec


def rates(qc, recording):
    spiking = [p.name for p in qc.populations if p.neuron.emits in (Emits.SPIKE, Emits.MULTISPIKE)]
    return {name: float((recording.outputs[name] > 0).mean()) for name in spiking}


EXACT = [n for n in MODELS if n not in ("gain", "subtract > lif", "no memory")]
"""Neurons whose numbers stay on a grid for T steps. (A neuron without memory forgets exactly only below 4096:
gates.)"""


@pytest.mark.parametrize(
    ("name", "relay"), [(n, False) for n in EXACT] + [(n, True) for n in ("if", "lif", "subtract")]
)
@few
@given(seed=SEEDS)
def test_on_the_grid_nothing_is_lost(name, relay, seed):
    circuit, inputs = random_circuit(seed, MODELS[name], grid=True, relay=relay)
    qc, findings, integers, error = quantized(circuit, inputs)
    assert error == 0.0 and not errors_of(findings) and not check(qc, WIDTHS)
    assert not qc.loss, qc.loss
    spec = compare_with_twin(qc, integers)
    original = run_circuit(circuit, inputs)
    for p in qc.populations:
        assert np.array_equal(spec.outputs[p.name] * p.unit, original.outputs[p.name]), p.name
    assert np.array_equal(spec.decision, original.decision)
    assert all(0.02 <= rate <= 0.6 for rate in rates(qc, spec).values()), rates(qc, spec)
    assert min(spec.lowest.values()) < 0


@pytest.mark.parametrize(("free", "relay"), [(False, True), (True, False)])
@pytest.mark.parametrize("name", MODELS)
@few
@given(seed=SEEDS)
def test_twin_equals_spec_off_the_grid(name, free, relay, seed):
    circuit, inputs = random_circuit(seed, MODELS[name], grid=False, relay=relay)
    qc, findings, integers, _ = quantized(circuit, inputs, free_scales=free)
    assert not errors_of(findings) and not check(qc, WIDTHS)
    spec = compare_with_twin(qc, integers)
    assert qc.loss
    original = run_circuit(circuit, inputs)
    for k, rate in rates(qc, spec).items():
        assert 0.02 <= rate <= 0.6, rates(qc, spec)
        assert ((spec.outputs[k] > 0) != (original.outputs[k] > 0)).mean() < 0.2


@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("name", ["if", "if >", "lif", "no reset", "no memory", "floor"])
@few
@given(seed=SEEDS)
def test_a_chip_with_coarse_thresholds(name, grid, seed):
    circuit, inputs = random_circuit(seed, MODELS[name], grid=grid)
    qc, findings, integers, _ = quantized(circuit, inputs, STRICT_WIDTHS)
    assert not errors_of(findings) and not check(qc, STRICT_WIDTHS)
    assert all(p.fraction_bits == 6 for p in qc.populations)
    spec = compare_with_twin(qc, integers)
    original = run_circuit(circuit, inputs)
    moved = {f.where for f in findings if f.code == "threshold-step"}
    for p in qc.populations:
        if p.neuron.emits is not Emits.SPIKE:
            continue
        if moved or p.name in qc.loss:
            break  # what comes after sees other spikes
        assert np.array_equal(spec.outputs[p.name], original.outputs[p.name]), p.name
    assert all(0.02 <= rate <= 0.6 for rate in rates(qc, spec).values())
