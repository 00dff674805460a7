"""Mixed circuits: their ends are the twin and the float circuit, spike for spike."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.circuit.engine import run
from snn2chip.engines.spec import run as run_spec
from snn2chip.neuron import Emits
from snn2chip.quantize.input import choose_input, dequantize_input, quantize_input
from snn2chip.quantize.mix import ends, rounded_populations
from snn2chip.quantize.quantize import quantize
from tests.quantize.build import MODELS, WIDTHS, random_circuit

KINDS = [(name, relay) for name in MODELS for relay in (False, True)]


def made(name, relay, *, grid, widths=WIDTHS, free=False):
    relay = relay and MODELS[name].emits is not Emits.MULTISPIKE
    circuit, inputs = random_circuit(7, MODELS[name], grid=grid, relay=relay)
    bits = choose_input(circuit.input.shape, circuit.input.kind, inputs)
    qc, _ = quantize(circuit, widths, target="test", input=bits, free_scales=free)
    integers, _ = quantize_input(bits, inputs)
    return circuit, qc, integers, dequantize_input(bits, integers)


@pytest.mark.parametrize(("name", "relay"), KINDS)
def test_the_ends_are_the_chip_and_the_source(name, relay):
    circuit, qc, integers, values = made(name, relay, grid=False)
    spec, source = run_spec(qc, integers), run(circuit, values)
    chip = run(ends(circuit, qc).mixed(()), values)
    floats = run(ends(circuit, qc).mixed([p.name for p in qc.populations]), values)
    for p in qc.populations:
        assert np.array_equal(chip.outputs[p.name], spec.outputs[p.name])
        assert np.array_equal(floats.outputs[p.name] * p.unit, source.outputs[p.name])
    assert np.array_equal(chip.decision, spec.decision)
    assert np.array_equal(floats.decision, source.decision)


@pytest.mark.parametrize(("name", "relay"), KINDS)
def test_populations_that_are_left_out_change_nothing(name, relay):
    """On the grid nothing is rounded; off it, floating all that is not named leaves the chip's spikes."""
    circuit, qc, integers, values = made(name, relay, grid=True)
    exact = {p.name for p in qc.populations} - set(rounded_populations(qc))
    found = run(ends(circuit, qc).mixed(exact), values)
    spec = run_spec(qc, integers)
    assert all(np.array_equal(found.outputs[n], spec.outputs[n]) for n in spec.outputs)
    assert np.array_equal(found.decision, spec.decision)


@pytest.mark.parametrize("name", ["if", "lif", "gain"])
def test_a_population_alone_is_rounded(name):
    """Before it every spike is the source's, and its own weights are the chip's."""
    circuit, qc, _, values = made(name, False, grid=False, widths=replace(WIDTHS, weight_bits=4))
    names = [p.name for p in qc.populations]
    assert "b" in rounded_populations(qc)
    alone = run(ends(circuit, qc).mixed(set(names) - {"b"}), values)
    source = run(circuit, values)
    assert np.array_equal(alone.outputs["a"], source.outputs["a"])
    assert not np.array_equal(alone.outputs["b"], source.outputs["b"])
    again = run(
        ends(circuit, qc).mixed(set(names) - {"b"}), values, known={"a": source.outputs["a"]}
    )
    assert all(np.array_equal(again.outputs[n], alone.outputs[n]) for n in names)


def test_free_scales_mix_in_the_twins_units():
    circuit, qc, integers, values = made("lif", True, grid=False, free=True)
    chip, spec = run(ends(circuit, qc).mixed(()), values), run_spec(qc, integers)
    assert all(np.array_equal(chip.outputs[n], spec.outputs[n]) for n in spec.outputs)
    floats = run(ends(circuit, qc).mixed([p.name for p in qc.populations]), values)
    assert (floats.decision.argmax(1) == run(circuit, values).decision.argmax(1)).all()
