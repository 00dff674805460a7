"""Tiles that share cores: limits, numbers, and the same spikes."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.chip.audit import audit
from snn2chip.chip.formats import loihi2
from snn2chip.chip.map import map_circuit, plan_cores
from snn2chip.chip.place.placing import Placing
from snn2chip.chip.program import Coding, Schedule
from snn2chip.chip.share import alone
from snn2chip.chip.target import load_target
from snn2chip.chip.unpack import unpack
from snn2chip.chip.validate import validate
from snn2chip.chip.wiring import axons_of, wire
from snn2chip.circuit.types import INPUT, Identity
from snn2chip.engines import core, spec
from tests.chip import small, tiny
from tests.chip.circuits import Builder, for_loihi1, random_circuit, small_sew

LOIHI2 = load_target("loihi2")


def tiles_of(program):
    return [[t.population for t in core.tiles] for core in program.cores]


def chain(*channels):
    """Layers of so many channels on a map of 4 x 4, and a pooled answer."""
    b = Builder((1, 4, 4), bits=4)
    source = INPUT
    for i, c in enumerate(channels):
        source = b.conv(f"l{i}", source, c, size=1)
    return b.done(b.answer("answer", source, 3))


def test_dealt_by_hand():
    """Cores of 64 neurons; tiles of 48, 32, 16, 16, 32 and 3 neurons: three cores by first fit."""
    qc = chain(3, 2, 1, 1, 2)
    program = map_circuit(qc, tiny.target(neurons=64), coding=Coding.GRADED).program
    # Work, neurons x (synapses + 1): 96, 128, 48, 32, 64 and 3 x (2 x 16 + 1). l1, answer and l0 open the cores; l4 has
    # no room beside l0 and goes to the answer, then l2 to l0 and l3 to l1.
    assert tiles_of(program) == [["l0", "l2"], ["l1", "l3"], ["l4", "answer"]]
    assert [c.populations for c in program.cores] == [("l0", "l2"), ("l1", "l3"), ("l4", "answer")]
    assert audit(program, tiny.target(neurons=64)) == ()
    assert validate(program, LOIHI2, qc).findings == ()


def test_first_fit_stands_where_dealing_finds_no_room():
    """Cores of 64 neurons; 48 + 16 and 32 + 32 fill two. Both of 32 work most: dealt, they leave no room for 48."""
    b = Builder((1, 4, 4), bits=4)
    b.conv("light", INPUT, 3, size=1)
    b.conv("heavy", "light", 2)
    b.conv("heavier", "heavy", 2)
    qc = b.done(b.conv("last", "heavier", 1, size=1))
    program = map_circuit(qc, tiny.target(neurons=64), coding=Coding.GRADED).program
    assert tiles_of(program) == [["light", "last"], ["heavy", "heavier"]]


@pytest.mark.parametrize(
    "limits",
    [
        {"neurons": 64},
        {"synapse_words": 6},
        {"axons_in": 2},
        {"axon_map_words": 40},
        {"axon_memory_words": 20},
        {"total_words": 150},
        {"header_words": 24},
        {"groups": 2},
    ],
)
def test_every_limit_ends_the_sharing(limits):
    qc = chain(3, 2, 1, 1, 2)
    target = tiny.target(**limits)
    program = map_circuit(qc, target, coding=Coding.GRADED).program
    roomy = map_circuit(qc, LOIHI2, coding=Coding.GRADED).program
    assert len(roomy.cores) == 1
    assert 1 < len(program.cores) < len(qc.populations)
    assert audit(program, target) == ()
    assert validate(program, target, qc).findings == ()


def test_thresholds_of_steps_end_the_sharing():
    qc = small.stepwise(1)
    target = tiny.target(parameter_words=40)
    tight, roomy = (map_circuit(qc, t, coding=Coding.GRADED).program for t in (target, LOIHI2))
    assert len(tight.cores) > len(roomy.cores)
    assert max(len(c.parameters) for c in roomy.cores) > 40
    assert audit(tight, target) == ()


def test_more_tiles_than_a_field_numbers_do_not_meet():
    """Nine layers with a target that allows sixteen groups: a neuron's word can tell eight apart."""
    qc = chain(*[1] * 9)
    program = map_circuit(qc, tiny.target(groups=16), coding=Coding.GRADED).program
    assert [len(c.tiles) for c in program.cores] == [5, 5]


def test_maps_by_neuron_and_by_position_do_not_meet():
    b = Builder((1, 4, 4), bits=4)
    b.conv("one", INPUT, 2)
    b.conv("two", "one", 2)
    qc = b.done(b.answer("answer", "two", 3, pooled=False))
    program = map_circuit(qc, LOIHI2, coding=Coding.GRADED).program
    assert tiles_of(program) == [["one", "answer"], ["two"]]
    said = [loihi2.unpack_core(c, LOIHI2).axons for c in program.cores]
    # Nobody hears the answer: its three neurons are one position.
    assert [(t.per_neuron, len(t.first) - 1) for t in said] == [(False, 16 + 1), (True, 2 * 16)]


def test_without_sharing_every_tile_has_a_core():
    qc = small_sew(0)
    plan, _ = plan_cores(qc, LOIHI2, Coding.BIAS, shared=False)
    assert plan.tiles == alone(plan.tilings)
    program = map_circuit(qc, LOIHI2, shared=False).program
    assert tiles_of(program) == [[p.name] for p in qc.populations]


def test_loihi1_holds_one_tile_on_a_core():
    qc, target = for_loihi1(small_sew(0)), load_target("loihi1")
    shared, apart = (map_circuit(qc, target, shared=s).program for s in (True, False))
    assert tiles_of(shared) == tiles_of(apart)
    assert all(len(core.tiles) == 1 for core in shared.cores)


@pytest.mark.parametrize("seed", range(8))
def test_never_more_cores_and_never_above_a_limit(seed):
    qc = random_circuit(seed)
    target = tiny.target(neurons=150, synapse_words=900, total_words=1200)
    shared, apart = (map_circuit(qc, target, coding=Coding.GRADED, shared=s) for s in (True, False))
    assert shared.findings == apart.findings
    assert len(shared.program.cores) <= len(apart.program.cores)
    assert audit(shared.program, target) == ()
    assert validate(shared.program, target, qc).findings == ()
    first = [c.tiles[0] for c in shared.program.cores]
    order = [t for c in apart.program.cores for t in c.tiles]
    assert [order.index(t) for t in first] == sorted(order.index(t) for t in first)
    assert sorted(map(str, order)) == sorted(str(t) for c in shared.program.cores for t in c.tiles)


@pytest.mark.parametrize("seed", range(4))
def test_the_same_spikes_whatever_is_shared(seed):
    """Split, sharing, placement, board and coding change no output and no potential."""
    qc = random_circuit(seed)
    inputs = small.samples(qc, seed)
    need = spec.run(qc, inputs)
    roomy, tight = LOIHI2, tiny.target(neurons=150, synapse_words=900, total_words=1200)
    chip = {"chip.cores": 4, "mesh.columns": 2, "mesh.rows": 1, "mesh.tile_cores": 2}
    quantities = {k: replace(tight.quantities[k], value=v) for k, v in chip.items()}
    dead = replace(tight.quantities["mesh.dead_cores"], value="")
    many = replace(
        tight, quantities={**tight.quantities, **quantities, "mesh.dead_cores": dead}, boards={}
    )
    runs = [
        (roomy, "balanced", True, "columns"),
        (roomy, "fewest", False, "columns"),
        (tight, "quiet", True, "swap"),
        (many, "balanced", True, "swap"),
        (many, "balanced", False, "columns"),
    ]
    for target, way, shared, method in runs:
        program = map_circuit(
            qc,
            target,
            coding=Coding.GRADED,
            way=way,
            shared=shared,
            placing=Placing(method=method, seconds=10.0),
        ).program
        have = core.run(program, target, inputs, qc=qc)
        assert have.outputs.keys() == need.outputs.keys()
        for name, values in need.outputs.items():
            np.testing.assert_array_equal(have.outputs[name], values)
        for name, values in need.potentials.items():
            np.testing.assert_array_equal(have.potentials[name], values)


def test_a_spike_within_a_core_arrives_in_the_next_step():
    """All layers on one core: what a tile sends to another of the same core takes a step, as any other spike."""
    qc = chain(3, 2, 1)
    program = map_circuit(qc, LOIHI2, coding=Coding.GRADED).program
    (contents,) = unpack(program, LOIHI2).cores
    assert [t.depth for t in contents.tiles] == [1, 2, 3, 4]
    assert [c.first_axon for t in contents.tiles for c in t.connections] == [0, 1, 2, 3]
    assert set(contents.axons.core.tolist()) == {0}
    inputs = small.samples(qc, 0)
    have, counts = core.run_counted(program, LOIHI2, inputs, qc=qc)
    need = spec.run(qc, inputs)
    assert all(np.array_equal(have.outputs[k], v) for k, v in need.outputs.items())
    assert counts.links.tolist() == [[-1, 0], [0, 0]]
    assert program.placement.spike_hops == 0


def link(*sources):
    b = Builder((1, 3, 3), bits=4)
    for name in "abc":
        b.conv(name, INPUT, 1, size=1)
    b.neurons("sum", (1, 3, 3))
    b.project(sources, "sum", Identity(), [1])
    return wire(b.done("sum"), Coding.GRADED).links["sum"][0]


def test_summands_that_wait_equally_long_drive_one_axon():
    def found(one, **delays):
        name = one.projection.name
        known = {(name, s): delays.get(s, 0) for s in one.sources}
        return [(a.sources, a.delay) for a in axons_of(one, Schedule(depth={}, delays=known))]

    assert found(link("a", "b", "c")) == [(("a", "b", "c"), 0)]
    assert found(link("a", "b", "c"), b=2) == [(("a", "c"), 0), (("b",), 2)]
    assert found(link("a", "b", "a")) == [(("a", "b"), 0), (("a",), 0)]
    assert found(link("a", INPUT, "b")) == [(("a", "b"), 0), ((INPUT,), 0)]
    assert [a.sources for a in axons_of(link("a", "b"), None)] == [("a", "b")]


@pytest.mark.parametrize("chip", ["loihi1", "loihi2"])
def test_a_join_of_equal_depths_takes_one_axon(chip):
    """Three branches of one depth: one axon, and every table entry and spike as the circuit says."""
    b = Builder((2, 6, 6), bits=4)
    b.conv("stem", INPUT, 3)
    for name in "abc":
        b.conv(name, "stem", 4)
    b.conv("sum", ("a", "b", "c"), 2)
    qc = b.done(b.answer("answer", ("sum", "sum"), 3))
    target = load_target(chip)
    qc = for_loihi1(qc) if chip == "loihi1" else qc
    program = map_circuit(qc, target).program
    said = {
        program.populations[t.population]: t.connections
        for c in unpack(program, target).cores
        for t in c.tiles
    }
    number = program.populations.index
    assert [a.sources for a in said["sum"][0].axons] == [tuple(map(number, "abc"))]
    assert [a.sources for a in said["answer"][0].axons] == [(number("sum"),)] * 2
    assert audit(program, target) == ()
    assert validate(program, target, qc).findings == ()
    inputs = small.samples(qc, 0)
    have, need = core.run(program, target, inputs, qc=qc), spec.run(qc, inputs)
    assert all(np.array_equal(have.outputs[k], v) for k, v in need.outputs.items())
    assert all(np.array_equal(have.potentials[k], v) for k, v in need.potentials.items())
    assert int(need.outputs["sum"].sum()) > 0
