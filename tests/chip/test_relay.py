from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from snn2chip.chip.audit import audit
from snn2chip.chip.files import load, save
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.chip.target_file import Quantity
from snn2chip.chip.target_keys import Status
from snn2chip.chip.unpack import unpack_cores, unpack_hosts
from snn2chip.chip.validate import validate, validate_contents
from snn2chip.energy.counts import count
from snn2chip.engines import core, spec
from snn2chip.errors import Severity, StatementError, errors_of
from snn2chip.inputs import InputData
from tests.chip.circuits import Builder, random_circuit, sew_resnet

DELAYS = (("axon", 1), ("axon", 2), ("none", 6))


def target(at, bits, graded=True):
    loihi2 = load_target("loihi2")
    new = {"delay.at": at, "delay.bits": bits, "widths.graded": graded}
    quantities = {
        k: Quantity(value=v, unit="", source="test", status=Status.ASSUMED) for k, v in new.items()
    }
    return replace(loihi2, quantities={**loihi2.quantities, **quantities})


def deep(seed):
    return sew_resnet((2, 24, 22), (3, 4), 4, 5, seed, 3)


def samples(qc, seed):
    values = np.random.default_rng(seed).integers(0, qc.input.high + 1, (2, *qc.input.shape))
    return InputData(kind=qc.input.kind, values=values)


def holds(qc, chip, coding=None):
    """Relays of the program, which must equal the circuit in validation and in the core engine."""
    result = map_circuit(qc, chip, coding=coding)
    assert errors_of(result.findings) == ()
    assert audit(result.program, chip) == ()
    validation = validate(result.program, chip, qc)
    assert (validation.differing, validation.findings) == (0, ())
    inputs = samples(qc, 7)
    have, need = core.run(result.program, chip, inputs, qc=qc), spec.run(qc, inputs)
    assert have.outputs.keys() == need.outputs.keys()
    assert all(np.array_equal(have.outputs[k], need.outputs[k]) for k in need.outputs)
    assert all(np.array_equal(have.potentials[k], need.potentials[k]) for k in need.potentials)
    return result


@pytest.mark.parametrize(("seed", "delay", "graded"), list(product((0, 1), DELAYS, (True, False))))
def test_deep_circuits_equal_the_spec(seed, delay, graded):
    result = holds(deep(seed), target(delay[0], delay[1], graded))
    assert result.program.schedule.relays
    notes = [f for f in result.findings if f.severity is Severity.NOTE]
    assert notes and {f.code for f in notes} == {"map-relay"}


@pytest.mark.parametrize("seed", range(12))
def test_random_circuits_equal_the_spec(seed):
    holds(random_circuit(seed), target("none", 6), Coding.GRADED)


def test_one_graded_relay_serves_later_joins():
    relays = map_circuit(deep(0), target("axon", 2)).program.schedule.relays
    assert relays == {
        "layer1.0.conv2~relay1": ("maxpool", "layer1.0.conv2"),
        "layer2.1.conv2~relay1": ("layer2.0.down", "layer2.0.conv2", "layer2.1.conv2"),
    }


def test_numbers_cannot_be_relayed_by_binary_spikes():
    b = Builder((1, 3, 3), bits=4)
    b.conv("a", "input", 1, levels=2)
    b.conv("b", "a", 1)
    b.conv("c", ("a", "b"), 1)
    findings = map_circuit(b.done("c"), target("none", 6, graded=False)).findings
    assert "map-delay" in {f.code for f in findings}


def test_a_program_with_relays_is_saved_and_loaded(tmp_path):
    chip = target("axon", 1)
    program = map_circuit(deep(0), chip).program
    save(program, tmp_path / "program.npz")
    again = load(tmp_path / "program.npz")
    assert again.schedule == program.schedule
    assert validate(again, chip, deep(0)).differing == 0


@pytest.mark.parametrize("graded", [True, False])
def test_relays_are_counted_as_the_chip_counts(graded):
    chip, qc = target("axon", 1, graded), deep(1)
    program = map_circuit(qc, chip).program
    recording, run = core.run_counted(program, chip, samples(qc, 1), qc=qc)
    counts = count(qc, recording, program, chip, inputs=samples(qc, 1))
    assert counts.cores is not None
    assert counts.cores.synops.sum(1).tolist() == run.synops.tolist()
    assert counts.cores.spikes.sum(1).tolist() == run.spikes.tolist()
    assert set(program.schedule.relays) <= {p.name for p in counts.populations}


FIRST = "layer1.0.conv2~relay1"


@pytest.mark.parametrize(
    ("sources", "where", "numbers"),
    [
        ((), FIRST, ("False", "True")),
        (("nowhere",), FIRST, ("False", "True")),
        ((FIRST,), FIRST, ("False", "True")),
        (("maxpool", "fc"), FIRST, ("False", "True")),
        (("maxpool",), f"{FIRST}, core 2", ("[2, 4]", "[2]")),
        (("maxpool", "layer1.0.conv1"), f"{FIRST}, core 2", ("[2, 4]", "[2, 3]")),
    ],
)
def test_what_a_relay_copies_is_compared(sources, where, numbers):
    """None, one that is not there, itself, two shapes; and others than those whose spikes come to it."""
    chip, qc = target("axon", 2), deep(0)
    program = map_circuit(qc, chip).program
    relays = {**program.schedule.relays, FIRST: sources}
    changed = replace(program, schedule=replace(program.schedule, relays=relays))
    (error,) = (f for f in validate(changed, chip, qc).findings if f.code == "program-relay")
    assert (error.severity, error.where) == (Severity.ERROR, where)
    assert error.why.startswith("what it copies differs") and (error.have, error.need) == numbers


def test_a_sum_that_a_relay_cannot_hold_is_found():
    """Three summands of spikes reach 3, and 3 · 2^22 is more than a membrane of 24 bits holds."""
    chip, qc = target("axon", 2), deep(0)
    program = map_circuit(qc, chip).program
    number = program.populations.index("layer2.1.conv2~relay1")
    cores = [
        replace(c, tiles=tuple(_finer(t) if t.population == number else t for t in c.tiles))
        for c in unpack_cores(program, chip)
    ]
    findings = validate_contents(program, cores, unpack_hosts(program), qc).findings
    (error,) = (f for f in findings if f.code == "program-relay")
    assert error.where == "layer2.1.conv2~relay1, core 2"
    assert error.why.startswith("a sum within the membrane's limit differs")


def _finer(tile):
    return replace(tile, fraction_bits=22)


def same_meaning(program, chip, qc):
    """A changed field that no spike notices: a relay of 0/1 trains has the same spikes with other fraction bits."""
    try:
        have = core.run(program, chip, samples(qc, 2), qc=qc)
    except StatementError:
        return False
    need = spec.run(qc, samples(qc, 2))
    return all(np.array_equal(have.outputs[k], need.outputs[k]) for k in need.outputs)


@pytest.mark.parametrize("graded", [True, False])
def test_no_flipped_bit_of_a_relay_passes(graded):
    chip, qc, rng = target("axon", 1, graded), deep(1), np.random.default_rng(5)
    program = map_circuit(qc, chip).program
    numbers = [
        i for i, c in enumerate(program.cores) if any("~relay" in name for name in c.populations)
    ]
    memories = ("groups", "neurons", "synapses", "axons_in", "axon_map", "axon_memory")
    for memory in memories * 10:
        at = int(rng.choice(numbers))
        words = getattr(program.cores[at], memory).copy()
        bit = int(rng.integers(len(words) * 64))
        words[bit // 64] ^= np.uint64(1 << (bit % 64))
        cores = list(program.cores)
        cores[at] = replace(cores[at], **{memory: words})
        changed = replace(program, cores=tuple(cores))
        assert validate(changed, chip, qc).differing or same_meaning(changed, chip, qc)
