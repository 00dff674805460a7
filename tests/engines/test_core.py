from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.chip.audit import audit
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import AxonIn, Coding
from snn2chip.chip.target import load_target
from snn2chip.chip.validate import validate
from snn2chip.circuit.types import INPUT, InputKind
from snn2chip.engines import core, spec
from snn2chip.errors import StatementError
from snn2chip.neuron import Emits
from tests.chip import small


def same(left, right):
    assert list(left.outputs) == list(right.outputs)
    for name, values in left.outputs.items():
        np.testing.assert_array_equal(values, right.outputs[name], err_msg=name)
        assert values.dtype == right.outputs[name].dtype
    assert left.potentials.keys() == right.potentials.keys()
    for name, values in left.potentials.items():
        np.testing.assert_array_equal(values, right.potentials[name], err_msg=name)
    np.testing.assert_array_equal(left.decision, right.decision)


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 7])
@pytest.mark.parametrize("coding", list(Coding))
def test_equals_spec(seed, coding):
    qc = small.residual(seed, InputKind.FRAMES if seed % 2 else InputKind.STATIC)
    inputs = small.samples(qc, seed)
    on_host = ("stem", "a") if coding is Coding.HOST else ()
    program, unpacked = small.lay_out(qc, seed, coding, on_host)
    expected = spec.run(qc, inputs)
    got, _ = core.run_unpacked(program, unpacked, inputs, qc=qc)
    same(expected, got)
    assert all(values.any() for name, values in got.outputs.items() if name != "answer")
    on_chip = [p.name for p in qc.populations if p.name not in on_host]
    assert got.highest == {name: expected.highest[name] for name in on_chip}
    assert got.lowest == {name: expected.lowest[name] for name in on_chip}


@pytest.mark.parametrize("coding", list(Coding))
def test_what_the_mapper_packs_equals_spec(coding):
    qc = small.residual(2)
    target = load_target("loihi2")
    program = map_circuit(qc, target, coding=coding).program
    assert audit(program, target) == ()
    assert not validate(program, target, qc).differing
    inputs = small.samples(qc, 2)
    done: list[float] = []
    got = core.run(program, target, inputs, qc=qc, progress=done.append)
    same(spec.run(qc, inputs), got)
    assert done[-1] == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("coding", list(Coding))
def test_gains_and_biases_of_each_step_and_numbers_on_shortcuts(seed, coding):
    qc = small.stepwise(seed, InputKind.FRAMES if seed % 2 else InputKind.STATIC)
    if coding is Coding.BIAS:
        first, *rest = qc.populations
        plain = replace(first, neuron=replace(first.neuron, gain=None, gain_shift=0))
        qc = replace(qc, populations=(plain, *rest))
    inputs = small.samples(qc, seed)
    on_host = ("one",) if coding is Coding.HOST else ()
    program, unpacked = small.lay_out(qc, seed, coding, on_host)
    expected = spec.run(qc, inputs)
    got, _ = core.run_unpacked(program, unpacked, inputs, qc=qc)
    same(expected, got)
    for name in ("one", "two", "sum", "copy", "four"):
        assert got.outputs[name].any(), name
    assert got.outputs["sum"].min() < 0 < got.outputs["sum"].max()
    target = load_target("loihi2")
    same(got, core.run(small.packed(program, unpacked, target), target, inputs, qc=qc))


def test_without_recording_keeps_the_decision():
    qc = small.residual(0)
    inputs = small.samples(qc, 0)
    program, unpacked = small.lay_out(qc, 0)
    got, _ = core.run_unpacked(program, unpacked, inputs, qc=qc, record=False)
    expected = spec.run(qc, inputs)
    assert got.outputs == {}
    np.testing.assert_array_equal(got.decision, expected.decision)
    np.testing.assert_array_equal(got.potentials["answer"], expected.potentials["answer"])


def test_sums_of_31_bits():
    qc = small.chain(3)
    projections = (replace(qc.projections[0], exponent=18), qc.projections[1])
    qc = replace(qc, projections=projections, v_limit=(1 << 31) - 1)
    inputs = small.samples(qc, 3)
    program, unpacked = small.lay_out(qc, 3)
    got, _ = core.run_unpacked(program, unpacked, inputs, qc=qc)
    assert 1 << 27 < max(got.highest["one"], -got.lowest["one"]) < 1 << 31
    same(spec.run(qc, inputs), got)


@pytest.mark.parametrize("coding", [Coding.GRADED, Coding.EVENTS])
def test_counts_are_those_of_single_edges(coding):
    qc = small.chain(1)
    inputs = small.samples(qc, 1)
    program, unpacked = small.lay_out(qc, 1, coding)
    recording, counts = core.run_unpacked(program, unpacked, inputs, qc=qc)
    frames = np.broadcast_to(inputs.values, (qc.steps, *inputs.values.shape))
    sent = {INPUT: frames if coding is Coding.EVENTS else frames > 0, **recording.outputs}
    synops = sum(
        sent[p.sources[0]][:, :, *i].sum() for p in qc.projections for i, _, _ in small.edges(qc, p)
    )
    assert counts.synops.sum() == synops
    assert counts.spikes.sum() == sum(np.count_nonzero(v) for v in recording.outputs.values())
    messages = 0
    for core_number, contents in enumerate(unpacked.cores):
        expected = sent_by(contents, recording)
        assert counts.messages[counts.links[:, 0] == core_number].sum() == expected
        messages += expected
    assert messages > 0
    assert counts.steps == 3 * qc.steps + 2


def sent_by(contents, recording):
    """Messages of one core, entry by entry."""
    entry = total = 0
    for t in contents.tiles:
        values = recording.outputs[("", "one", "two")[t.population]]
        box = np.count_nonzero(values, axis=(0, 1))[
            tuple(slice(*r) for r in (t.channels, t.rows, t.columns))
        ]
        per_entry = (box if contents.axons.per_neuron else box.sum(0)).ravel()
        fan = np.diff(contents.axons.first)[entry : entry + per_entry.size]
        entry, total = entry + per_entry.size, total + int((per_entry * fan).sum())
    return total


def broken(unpacked, change, core_number=0):
    cores = list(unpacked.cores)
    cores[core_number] = change(cores[core_number])
    return replace(unpacked, cores=tuple(cores))


def with_axons(**new):
    return lambda c: replace(
        c, axons=replace(c.axons, **{k: f(getattr(c.axons, k)) for k, f in new.items()})
    )


def with_tile(**new):
    return lambda c: replace(c, tiles=(replace(c.tiles[0], **new), *c.tiles[1:]))


def with_connection(**new):
    def change(c):
        tile = c.tiles[0]
        connection = replace(tile.connections[0], **new)
        return replace(
            c, tiles=(replace(tile, connections=(connection, *tile.connections[1:])), *c.tiles[1:])
        )

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (with_axons(core=lambda a: ints(a + 1000)), "core 10"),
        (with_axons(core=lambda a: ints(a * 0 - 1)), "does not exist"),
        (with_axons(axon=lambda a: ints(a + 77)), "does not exist"),
        (with_axons(core=lambda a: ints(a * 0)), "expects another population"),
        (with_axons(first=lambda a: a[:-1]), "axon table does not fit"),
        (with_tile(channels=(0, 99)), "outside its map"),
        (with_tile(rows=(3, 3)), "outside its map"),
        (with_tile(population=88), "not one of the program's"),
        (with_tile(steps=9), "counts other steps"),
        (with_tile(fraction_bits=99), "a shift is out"),
        (with_tile(emits=Emits.NOTHING), "disagree"),
        (with_connection(axons=(AxonIn(sources=(2,), delay=0),)), "does not fit a source"),
        (with_connection(axons=(AxonIn(sources=(0,), delay=-1),)), "does not fit a source"),
        (with_connection(axons=(AxonIn(sources=(), delay=0),)), "does not fit a source"),
        (with_connection(axons=(AxonIn(sources=(0, 0), delay=0),)), "the input shares an axon"),
        (with_connection(weight=ints(np.zeros((2, 3, 3, 9)))), "do not fit a tile"),
        (with_connection(first_axon=5), "not numbered"),
        (with_connection(weight=ints(np.full((2, 3, 3, 1), 128))), "8 bits"),
    ],
)
def test_tables_that_contradict_each_other_are_refused(change, words):
    qc = small.chain(2)
    program, unpacked = small.lay_out(qc, 2, two_in_one=False)
    assert len(unpacked.cores) > 2
    with pytest.raises(StatementError, match=words):
        core.run_unpacked(program, broken(unpacked, change), small.samples(qc, 2), qc=qc)


@pytest.mark.parametrize(
    ("make", "emits"), [(small.residual, Emits.SPIKE), (small.chain, Emits.NOTHING)]
)
def test_a_readout_that_sends_other_things_is_refused(make, emits):
    qc = make(2)
    program, unpacked = small.lay_out(qc, 2, two_in_one=False)
    number = program.populations.index(qc.readout.population)
    for core_number, contents in enumerate(unpacked.cores):
        if contents.tiles[0].population == number:
            unpacked = broken(unpacked, with_tile(emits=emits), core_number)
    with pytest.raises(StatementError, match="other things than the host reads"):
        core.run_unpacked(program, unpacked, small.samples(qc, 2), qc=qc)


def test_a_neuron_that_no_core_holds_is_refused():
    qc = small.chain(2)
    program, unpacked = small.lay_out(qc, 2, two_in_one=False)
    with pytest.raises(StatementError, match="is held by 0 cores"):
        core.run_unpacked(
            program, replace(unpacked, cores=unpacked.cores[:-1]), small.samples(qc, 2), qc=qc
        )


def test_a_sender_without_cores_to_reach_runs():
    qc = small.chain(2)
    program, unpacked = small.lay_out(qc, 2, two_in_one=False)
    silent = with_axons(first=lambda a: ints(a * 0), core=lambda a: a[:0], axon=lambda a: a[:0])
    for number in range(len(unpacked.cores)):
        unpacked = broken(unpacked, silent, number)
    got, counts = core.run_unpacked(program, unpacked, small.samples(qc, 2), qc=qc)
    assert got.outputs["one"].any()
    assert set(counts.links[:, 0]) == {-1}


def test_negative_values_cannot_be_events():
    qc = small.chain(2)
    program, unpacked = small.lay_out(qc, 2, Coding.EVENTS)
    inputs = replace(small.samples(qc, 2), values=small.samples(qc, 2).values - 9)
    with pytest.raises(StatementError, match="core-events"):
        core.run_unpacked(program, unpacked, inputs, qc=qc)


def test_the_host_must_run_the_sources_of_what_it_runs():
    qc = small.residual(0)
    program, unpacked = small.lay_out(qc, 0, Coding.HOST, ("stem", "a"))
    with pytest.raises(StatementError, match="core-host"):
        core.run_unpacked(replace(program, on_host=("a",)), unpacked, small.samples(qc, 0), qc=qc)
