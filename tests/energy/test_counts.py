from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.circuit.types import INPUT, Conv, InputKind
from snn2chip.energy.cores import folded
from snn2chip.energy.counts import Operation, active_neurons, count
from snn2chip.engines import core, spec
from tests.chip import small

LOIHI2 = load_target("loihi2")


WAYS = ("messages", "hops_ew", "hops_ns", "crossings")


def run(qc, seed=0):
    inputs = small.samples(qc, seed)
    recording = spec.run(qc, inputs)
    frames = inputs.values if inputs.kind is InputKind.FRAMES else inputs.values[None]
    frames = np.broadcast_to(frames, (qc.steps, *frames.shape[1:]))
    return inputs, recording, {**recording.outputs, INPUT: frames}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", list(InputKind))
def test_operations_are_those_of_single_edges(seed, kind):
    qc = small.residual(seed, kind)
    inputs, recording, outputs = run(qc, seed)
    counts = count(qc, recording, inputs=inputs)
    assert [p.name for p in counts.projections] == [p.name for p in qc.projections]
    for p, found in zip(qc.projections, counts.projections, strict=True):
        values = [outputs[s].astype(np.int64) for s in p.sources]
        joined = np.sum(values, axis=0)
        expected = dict.fromkeys(("sop_events", "sop_units", "synops", "edges"), 0)
        for i, _, weight in small.edges(qc, p):
            fired = joined[:, :, i[0], i[1], i[2]]
            expected["sop_events"] += int((fired != 0).sum()) * (weight != 0)
            expected["sop_units"] += int(np.abs(fired).sum()) * (weight != 0)
            expected["synops"] += sum(int((v[:, :, i[0], i[1], i[2]] != 0).sum()) for v in values)
            expected["edges"] += 1
        assert found.events == np.count_nonzero(joined), p.name
        assert found.sop_events == expected["sop_events"], p.name
        assert found.sop_units == expected["sop_units"], p.name
        assert found.synops == expected["synops"], p.name
        pooled = p.name == "deep->answer"
        assert found.mac_dense == (p.weight.size if pooled else expected["edges"]), p.name


def test_active_neurons_are_those_that_an_edge_reaches():
    qc = small.residual(1)
    _, _, outputs = run(qc, 1)
    for population in qc.populations:
        expected = np.zeros((qc.steps, 3, *population.shape), bool)
        for p in qc.into(population.name):
            fired = np.any([outputs[s] != 0 for s in p.sources], axis=0)
            for i, o, _ in small.edges(qc, p):
                expected[:, :, o[0], o[1], o[2]] |= fired[:, :, i[0], i[1], i[2]]
        found = active_neurons(qc, population, outputs, skip_input=False)
        np.testing.assert_array_equal(found, expected, err_msg=population.name)


def test_populations():
    qc = small.residual(0)
    inputs, recording, _ = run(qc)
    counts = count(qc, recording, inputs=inputs)
    by_name = {p.name: p for p in counts.populations}
    assert by_name["down"].updates == 3 * 72 * qc.steps * 3
    assert by_name["stem"].neurons == 168
    assert by_name["stem"].spikes == recording.outputs["stem"].sum()
    assert by_name["answer"].spikes == 0
    assert all(0 < p.active <= p.updates for p in counts.populations)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("coding", list(Coding))
def test_cores_do_what_the_core_engine_does(seed, coding):
    qc = small.residual(seed, InputKind.FRAMES if seed % 2 else InputKind.STATIC)
    inputs, recording, _ = run(qc, seed)
    on_host = ("stem", "a") if coding is Coding.HOST else ()
    program = small.packed(*small.lay_out(qc, seed, coding, on_host), LOIHI2)
    chips = [i % 2 for i in range(len(program.cores))]
    program = replace(
        program,
        cores=tuple(replace(c, chip=i) for c, i in zip(program.cores, chips, strict=True)),
        placement=small.in_order(chips),
    )
    _, chip = core.run_counted(program, LOIHI2, inputs, qc=qc)
    counts = count(qc, recording, program, LOIHI2, inputs=inputs)
    assert counts.cores is not None
    np.testing.assert_array_equal(counts.cores.synops.sum(1), chip.synops)
    np.testing.assert_array_equal(counts.cores.spikes.sum(1), chip.spikes)
    sender, receiver = chip.links.T
    sent = np.bincount(sender[sender >= 0], chip.messages[sender >= 0], len(program.cores))
    np.testing.assert_array_equal(counts.cores.messages.sum(1), sent)
    assert counts.cores.host_messages == chip.messages[sender < 0].sum()
    crossing = (sender >= 0) & (sender % 2 != receiver % 2)
    assert counts.cores.chip_messages == chip.messages[crossing].sum() > 0
    routed = counts.cores.routed
    assert routed is not None
    assert routed.crossings.sum() == counts.cores.chip_messages  # chips 0 and 1 are neighbours
    tile = program.placement.core // 4
    far = np.abs(tile[sender] // 4 + 8 * (sender % 2) - tile[receiver] // 4 - 8 * (receiver % 2))
    ew = (far - (sender % 2 != receiver % 2)) * chip.messages
    assert routed.hops_ew.sum() == ew[sender >= 0].sum()
    sums = {key: sum(way[key] for way in counts.cores.layers.values()) for key in WAYS}
    assert sums["messages"] == sent.sum()
    assert sums["hops_ew"] == routed.hops_ew.sum()
    assert sums["hops_ns"] == routed.hops_ns.sum()
    assert sums["crossings"] == routed.crossings.sum()
    on_chip = [p for p in counts.populations if p.on_chip]
    assert set(counts.cores.layers) == {p.name for p in on_chip}
    assert counts.cores.active.sum() == sum(p.active for p in on_chip)
    assert counts.cores.neurons.sum() * qc.steps * 3 == sum(p.updates for p in on_chip)
    assert {p.name for p in counts.populations if not p.on_chip} == set(on_host)
    host = {p.target for p in counts.projections if not p.on_chip}
    assert host == {Coding.BIAS: {"stem"}, Coding.HOST: {"stem", "a"}}.get(coding, set())


def test_what_layers_send_is_what_their_own_cores_send():
    """Where each layer has cores of its own."""
    qc = small.residual(1)
    inputs, recording, _ = run(qc)
    program = small.packed(*small.lay_out(qc, 1, two_in_one=False), LOIHI2)
    cores = count(qc, recording, program, LOIHI2, inputs=inputs).cores
    assert cores is not None
    assert cores.routed is not None
    for name, sums in cores.layers.items():
        own = [i for i, core in enumerate(program.cores) if core.populations == (name,)]
        assert sums["messages"] == cores.messages[own].sum()
        assert sums["hops_ew"] == cores.routed.hops_ew[own].sum()
        assert sums["hops_ns"] == cores.routed.hops_ns[own].sum()
    assert any(sums["messages"] for sums in cores.layers.values())


def test_kinds_of_operations():
    qc = small.residual(0)
    inputs, recording, _ = run(qc)
    kinds = {p.name: p.operation for p in count(qc, recording, inputs=inputs).projections}
    assert kinds["input->stem"] is Operation.MAC
    assert kinds["stem->a"] is Operation.AC
    assert kinds["stem+a+b->down"] is Operation.AC_GRADED
    assert kinds["relay+deep->hidden"] is Operation.MAC
    papers = {p.name for p in count(qc, recording, inputs=inputs).projections if not p.paper}
    assert papers == {"stem->b", "down+deep->relay"}


def test_unknown_inputs_are_taken_as_dense():
    qc = small.chain(0)
    inputs, recording, _ = run(qc)
    guessed, exact = count(qc, recording), count(qc, recording, inputs=inputs)
    assert [p.known for p in guessed.projections] == [False, True]
    assert guessed.projections[0].events == 2 * 25 * 3 * qc.steps > exact.projections[0].events
    assert guessed.projections[1] == exact.projections[1]


def test_published_example():
    """NeuroBench 2.3.0: convolution 2 -> 3 on 8 x 8, padding 1, all weights nonzero: counts at borders are smaller."""
    rng = np.random.default_rng(0)
    one = small.population(rng, "one", (3, 8, 8))
    p = small.projection(rng, [INPUT], "one", Conv(padding=(1, 1)), (3, 2, 3, 3))
    p = replace(p, weight=ints(np.ones((3, 2, 3, 3))))
    qc = small.circuit([one], [p], shape=(2, 8, 8))
    inputs = small.samples(qc, 0)
    corner = np.zeros_like(inputs.values[:1])
    corner[0, 0, 0, 0] = corner[0, 1, 4, 4] = 1
    inputs = replace(inputs, values=corner)
    found = count(qc, spec.run(qc, inputs), inputs=inputs).projections[0]
    assert found.sop_events == (4 + 9) * 3 * qc.steps
    assert found.mac_dense == 2 * 3 * (8 * 3 - 2) ** 2


def test_to_dict_is_plain():
    import json

    qc = small.residual(0)
    inputs, recording, _ = run(qc)
    program = small.packed(*small.lay_out(qc, 0), LOIHI2)
    counts = count(qc, recording, program, LOIHI2, inputs=inputs)
    tree = counts.to_dict()
    assert json.loads(json.dumps(tree)) == tree
    assert counts.cores is not None
    assert tree["cores"] == counts.cores.to_dict()


def test_links_are_loaded_in_the_steps_in_which_spikes_are_sent():
    """`one` on chip 0, `two` on chip 1: what `one` sends in a step of the stream crosses in that step."""
    qc = small.chain(1)
    inputs, recording, _ = run(qc, 1)
    program = small.packed(*small.lay_out(qc, 1, two_in_one=False), LOIHI2)
    chips = [int(c.populations == ("two",)) for c in program.cores]
    program = replace(
        program,
        cores=tuple(replace(c, chip=i) for c, i in zip(program.cores, chips, strict=True)),
        placement=small.in_order(chips),
    )
    cores = count(qc, recording, program, LOIHI2, inputs=inputs).cores
    assert cores is not None
    assert cores.routed is not None
    sent = folded(cores.messages, 3 * qc.steps).sum(0)
    assert len(set(sent.tolist())) > 1
    np.testing.assert_array_equal(cores.routed.links.most_crossing, sent)
