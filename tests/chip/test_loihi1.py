"""The packed format of Loihi 1: words and back, borders, delays in synapses, and spikes equal to those of Loihi 2."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.chip import joins
from snn2chip.chip.audit import audit
from snn2chip.chip.formats import loihi1
from snn2chip.chip.formats.bits import FieldError
from snn2chip.chip.formats.loihi1_layout import BORDER, HEAD, SYNAPSES, THRESHOLD
from snn2chip.chip.formats.loihi1_pack import BORDERS, packed_tile, place_of, size_of
from snn2chip.chip.map import map_circuit, plan_cores
from snn2chip.chip.program import Coding, CoreContents
from snn2chip.chip.target import load_target
from snn2chip.chip.unpack import unpack, unpack_cores, unpack_hosts
from snn2chip.chip.use import use_table
from snn2chip.chip.validate import validate, validate_contents
from snn2chip.circuit.types import INPUT
from snn2chip.engines import core as core_engine
from snn2chip.engines import spec
from snn2chip.errors import StatementError, errors_of
from snn2chip.inputs import InputData
from snn2chip.neuron import Reset
from tests.chip import fuzz_places_loihi1, tiny
from tests.chip.circuits import Builder, for_loihi1, random_circuit, small_sew

LOIHI1, LOIHI2 = load_target("loihi1"), load_target("loihi2")
NOTES = {"place-cut", "map-join", "map-relay"}
TINY = tiny.target("loihi1", neurons=60, synapse_words=400, axons_out=300)


def border(way, target=TINY):
    quantities = dict(target.quantities)
    quantities["core.border"] = replace(quantities["core.border"], value=way)
    return replace(target, quantities=quantities)


def mapped(qc, target, coding):
    result = map_circuit(qc, target, coding=coding)
    assert {f.code for f in result.findings} <= NOTES
    return result.program


def samples(qc, seed=0, high=16):
    values = np.random.default_rng(seed).integers(0, high, (2, *qc.input.shape))
    return InputData(kind=qc.input.kind, values=values)


def pad_bits(core):
    thresholds, formats = (loihi1.count(core).counts[k] for k in ("thresholds", "synapse_formats"))
    at = HEAD.words + thresholds * THRESHOLD.words + formats * SYNAPSES.words
    fields = BORDER.unpack(core.groups[at : at + BORDER.words])
    return int(fields["pad_rows"][0]), int(fields["pad_columns"][0])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("way", ["mask", "pad", "best"])
def test_random_circuits_say_the_same_in_bytes(seed, way):
    qc, target = for_loihi1(random_circuit(seed)), border(way)
    result = map_circuit(qc, target, coding=Coding.EVENTS)
    if {f.code for f in result.findings} - NOTES:
        target = border(way, LOIHI1)
        result = map_circuit(qc, target, coding=Coding.EVENTS)
    program = result.program
    checked = validate(program, target, qc)
    assert (checked.findings, checked.differing) == ((), 0)
    assert checked.compared > 0
    assert audit(program, target) == ()
    used = use_table(program, target)
    assert all(have <= most for row in used for have, most in row.most.values())


@pytest.mark.parametrize("seed", range(6))
def test_spikes_are_the_same_on_both_targets(seed):
    qc = for_loihi1(random_circuit(seed))
    x = samples(qc, seed)
    expected = spec.run(qc, x)
    assert sum(int(v.sum()) for v in expected.outputs.values()) > 0
    for target in (LOIHI1, LOIHI2):
        got = core_engine.run(mapped(qc, target, Coding.EVENTS), target, x, qc=qc)
        assert all(np.array_equal(v, expected.outputs[k]) for k, v in got.outputs.items())
        assert np.array_equal(got.decision, expected.decision)


@pytest.fixture(scope="module")
def sew():
    """(a residual network, its program on small cores of Loihi 1)."""
    qc = for_loihi1(small_sew(1))
    return qc, mapped(qc, TINY, Coding.HOST)


def test_shortcuts_wait_in_synapses(sew):
    """Summands of a join that come at different times have weight sets of their own."""
    qc, program = sew
    x = samples(qc, high=256)
    expected = spec.run(qc, x)
    got = core_engine.run(program, TINY, x, qc=qc)
    assert all(np.array_equal(v, expected.outputs[k]) for k, v in got.outputs.items())
    held = {}
    for c in program.cores:
        (tile,) = loihi1.unpack_core(c, TINY).tiles
        for connection in tile.connections:
            delays = tuple(a.delay for a in connection.axons)
            held[c.tiles[0].population, connection.projection] = delays
            formats = loihi1.count(c).counts["synapse_formats"]
            assert formats == sum(len({a.delay for a in k.axons}) for k in tile.connections)
    assert held["fc", 0] == (3, 2, 0)
    assert held["layer2.1.conv1", 0] == (1, 0)


@pytest.mark.parametrize("way", ["mask", "pad"])
def test_offsets_beyond_a_base_of_8_bits(way):
    """A map of 20x20 neurons on one core: what the base of an axon cannot say stands in the indices of more sets."""
    b = Builder((1, 20, 20), bits=4)
    b.conv("one", INPUT, 1)
    b.conv("two", "one", 2, stride=2)
    qc, target = for_loihi1(b.done("two")), border(way, LOIHI1)
    program = mapped(qc, target, Coding.EVENTS)
    assert [c.tiles[0].shape for c in program.cores] == [(1, 20, 20), (2, 10, 10)]
    assert validate(program, target, qc).differing == 0
    x = samples(qc)
    expected = spec.run(qc, x)
    got = core_engine.run(program, target, x, qc=qc)
    assert all(np.array_equal(got.outputs[k], expected.outputs[k]) for k in got.outputs)
    assert int(expected.outputs["two"].sum()) > 0


def test_borders_are_stored_in_several_ways():
    qc = for_loihi1(small_sew(1))
    ways = {w: mapped(qc, border(w), Coding.HOST) for w in ("mask", "pad", "best")}
    assert {pad_bits(c) for c in ways["mask"].cores} == {(0, 0)}
    assert (1, 1) in {pad_bits(c) for c in ways["pad"].cores}
    assert len({pad_bits(c) for c in ways["best"].cores}) > 1
    assert len(ways["best"].cores) <= min(len(ways["mask"].cores), len(ways["pad"].cores))


def test_what_is_counted_before_packing_is_what_is_packed(sew):
    for core in sew[1].cores:
        (tile,) = loihi1.unpack_core(core, TINY).tiles
        if all(place_of(tile, c).shared for c in tile.connections):
            for pad in BORDERS["best"]:
                packed = packed_tile(tile, pad)
                assert size_of(tile, pad) == (len(packed.neurons), len(packed.synapses))


def test_a_rim_holds_silent_neurons():
    b = Builder((1, 6, 6), bits=4)
    b.conv("one", INPUT, 1)
    b.conv("two", "one", 1)
    qc = for_loihi1(b.done("two"))
    program = mapped(qc, border("pad", tiny.target("loihi1", neurons=25)), Coding.EVENTS)
    first = next(c for c in program.cores if c.tiles[0].population == "two")
    height, width = (b - a for a, b in (first.tiles[0].rows, first.tiles[0].columns))
    assert len(first.neurons) > height * width
    assert np.count_nonzero(first.neurons >> np.uint64(44) & np.uint64(1)) == (
        len(first.neurons) - height * width
    )


def test_positions_that_see_padding_alone_are_not_stored():
    b = Builder((1, 1, 3), bits=4)
    qc = for_loihi1(b.done(b.conv("one", INPUT, 2)))
    program = mapped(qc, LOIHI1, Coding.EVENTS)
    (tile,) = loihi1.unpack_core(program.cores[0], LOIHI1).tiles
    weight = qc.projections[0].weight.transpose(1, 2, 3, 0)
    assert (weight[:, [0, 2]] != 0).any()
    assert (tile.connections[0].weight[:, [0, 2]] == 0).all()
    assert np.array_equal(tile.connections[0].weight[:, 1], weight[:, 1])
    assert validate(program, LOIHI1, qc).differing == 0


def waits(result):
    """What the notes of a mapping say about its joins."""
    return {f.where: f.why.partition(": ")[2] for f in result.findings if f.code == "map-join"}


SOON = {
    "layer2.0.conv1, layer2.0.down": ["maxpool"],
    "layer2.1.conv1": ["layer2.0.down"],
}
"""What comes early to each join that relays may carry."""


@pytest.mark.parametrize(
    ("words", "ways"),
    [
        (400, ("1 in synapses", "1 in synapses", "2 in synapses")),
        (60, ("1 in synapses", "1 in relays", "2 in synapses")),
        (40, ("1 in relays", "1 in relays", "2 in synapses")),
    ],
)
def test_joins_wait_where_it_takes_fewer_cores(words, ways):
    """Where synapses are scarce a second weight set is dear, and relays carry what waits."""
    qc = for_loihi1(small_sew(1))
    target = tiny.target("loihi1", neurons=200, synapse_words=words)
    result = map_circuit(qc, target, coding=Coding.HOST)
    joins = ("layer2.0.conv1, layer2.0.down", "layer2.1.conv1", "fc")
    assert waits(result) == dict(zip(joins, ways, strict=True))
    relays = result.program.schedule.relays
    carried = [
        s for join, way in zip(joins, ways, strict=True) if "relays" in way for s in SOON[join]
    ]
    assert [s for (s,) in relays.values()] == carried
    assert validate(result.program, target, qc).differing == 0
    assert audit(result.program, target) == ()
    x = samples(qc, high=256)
    expected = spec.run(qc, x)
    got = core_engine.run(result.program, target, x, qc=qc)
    assert all(np.array_equal(got.outputs[k], expected.outputs[k]) for k in got.outputs)


MEMORIES = ("groups", "neurons", "synapses", "axons_in", "axon_map", "axon_memory")


@pytest.mark.parametrize("memory", MEMORIES)
def test_no_flipped_bit_passes(sew, memory):
    """Every flip is refused, or differs from the circuit: nothing of a core is without meaning."""
    qc, program = sew
    rng = np.random.default_rng(MEMORIES.index(memory))
    unpacked, hosts = list(unpack_cores(program, TINY)), unpack_hosts(program)
    sized = [i for i, c in enumerate(program.cores) if len(getattr(c, memory))]
    for _ in range(40):
        number = int(rng.choice(sized))
        core = program.cores[number]
        words = getattr(core, memory).copy()
        at, bit = int(rng.integers(len(words))), int(rng.integers(64))
        words[at] ^= np.uint64(1) << np.uint64(bit)
        try:
            contents = loihi1.unpack_core(replace(core, **{memory: words}), TINY)
        except StatementError:
            continue
        cores = [contents if i == number else c for i, c in enumerate(unpacked)]
        checked = validate_contents(program, cores, hosts, qc)
        assert checked.differing > 0, (number, memory, at, bit)


def test_words_that_are_cut_short_are_refused(sew):
    _, program = sew
    core = next(c for c in program.cores if len(c.axon_memory))
    for memory in MEMORIES:
        cut = replace(core, **{memory: getattr(core, memory)[:-1]})
        with pytest.raises(StatementError, match="program-bytes"):
            loihi1.unpack_core(cut, TINY)
    with pytest.raises(StatementError, match="program-bytes"):
        loihi1.count(replace(core, groups=core.groups[:0]))
    extra = replace(core, parameters=np.zeros(1, np.uint64))
    with pytest.raises(StatementError, match="has parameters"):
        loihi1.unpack_core(extra, TINY)


@pytest.mark.parametrize("field", ["groups", "stride_x", "stride_y"])
def test_a_convolution_without_groups_or_stride_is_refused(sew, field):
    _, program = sew
    found = fuzz_places_loihi1.places_of(program, unpack(program, TINY))
    place = next(p for table, f, p in found if (table, f) == ("connection header", field))
    core = program.cores[place.core]
    words = core.groups.copy()
    for at in range(place.first, place.first + place.bits):
        words[at // 64] &= ~np.uint64(1 << at % 64)
    with pytest.raises(StatementError, match="a stride or groups of 0"):
        loihi1.unpack_core(replace(core, groups=words), TINY)


def test_a_bias_that_no_exponent_holds_names_its_layer():
    qc = for_loihi1(small_sew(0))
    wide = replace(qc.populations[2], bias=ints([[[4097]]]))
    qc = replace(qc, populations=(*qc.populations[:2], wide, *qc.populations[3:]))
    with pytest.raises(StatementError, match=r"map-range.*layer1\.0\.conv1.*bias"):
        map_circuit(qc, LOIHI1, coding=Coding.HOST)


def test_a_core_holds_one_tile(sew):
    _, program = sew
    contents = loihi1.unpack_core(program.cores[0], TINY)
    twice = CoreContents(tiles=contents.tiles * 2, axons=contents.axons)
    with pytest.raises(FieldError):
        loihi1.pack_core(twice, TINY, chip=0, tiles=program.cores[0].tiles * 2)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"axons_out": 8}, "map-axons-out"),
        ({"thresholds": 1}, "map-thresholds"),
        ({"synapse_formats": 1}, "map-synapse-formats"),
        ({"neurons": 10}, "map-neurons"),
        ({"axons_in": 10}, "map-axons-in"),
        ({"synapse_words": 10}, "map-synapse-words"),
    ],
)
def test_the_audit_counts_again(sew, limits, code):
    _, program = sew
    found = audit(program, tiny.target("loihi1", **limits))
    assert {f.code for f in found} == {code}


def test_what_loihi1_lacks_names_layer_and_feature():
    qc = for_loihi1(small_sew(0))
    first, second, *rest = qc.populations
    n = second.neuron
    changed = replace(second, neuron=replace(n, reset=Reset.SUBTRACT, gain=ints([[[3]]])))
    result = map_circuit(replace(qc, populations=(first, changed, *rest)), LOIHI1)
    errors = errors_of(result.findings)
    assert {(f.where, f.code) for f in errors} == {("maxpool", "map-feature")}
    said = " ".join(f.why for f in errors)
    assert "subtracts" in said
    assert "gains" in said
    helps = {f.help for f in errors}
    assert helps == {"loihi1 does not have it; targets that do: loihi2, tiny"}
    assert result.program.cores == ()


def test_few_thresholds_cut_channels():
    b = Builder((1, 4, 4), bits=4)
    b.conv("one", INPUT, 12)
    qc = for_loihi1(b.done("one"))
    theta = ints(np.arange(12).reshape(12, 1, 1) * 64)
    p = qc.populations[0]
    p = replace(p, neuron=replace(p.neuron, levels=(theta,), amounts=(ints(theta + 1),)))
    program = mapped(replace(qc, populations=(p,)), LOIHI1, Coding.EVENTS)
    assert [loihi1.count(c).counts["thresholds"] for c in program.cores] == [6, 6]


def test_joins_wait_where_their_producers_need_no_more_cores():
    """By themselves the readers of the join would hold its summand back: their tiles cost its producer two cores."""
    target = tiny.target("loihi1", neurons=200, synapse_words=120, axons_out=100)
    plan, findings = plan_cores(for_loihi1(small_sew(1)), target, Coding.HOST)
    assert plan.cores == 15
    (note,) = (f for f in findings if f.where == "layer2.0.conv1, layer2.0.down")
    assert note.why.endswith("1 in relays")
    cores = (
        "15",
        "all in synapses 17",
        "all in relays 15",
        "as its readers alone would have it 17",
    )
    first, *others = (f"{text} of the network" for text in cores)
    assert note.have == f"cores: {first}; {', '.join(others)}"


def test_joins_of_very_deep_networks_are_chosen_by_their_readers_alone(monkeypatch):
    monkeypatch.setattr(joins, "MOST_JOINS", 2)
    target = tiny.target("loihi1", neurons=200, synapse_words=120, axons_out=100)
    plan, findings = plan_cores(for_loihi1(small_sew(1)), target, Coding.HOST)
    assert plan.cores == 17
    (note,) = (f for f in findings if f.where == "layer2.0.conv1, layer2.0.down")
    assert note.why.endswith("1 in synapses")
    assert note.have.count("of its readers and relays alone") == 3


@pytest.mark.parametrize(
    ("limits", "layer", "what", "need"),
    [
        ({"synapse_words": 2}, "one", "synapse words", "5"),
        ({"axons_in": 4}, "two", "axons in", "9"),
        ({"axons_out": 1}, "one", "axons out", "144"),
    ],
)
def test_a_layer_that_no_core_holds_says_what_binds(limits, layer, what, need):
    b = Builder((2, 6, 6), bits=4)
    b.conv("one", INPUT, 8)
    b.conv("two", "one", 8)
    qc = for_loihi1(b.done(b.answer("answer", "two", 3, pooled=False)))
    target = tiny.target("loihi1", **limits)
    result = map_circuit(qc, target, coding=Coding.EVENTS)
    (found,) = (f for f in result.findings if f.code == "map-fit" and f.where == layer)
    assert what in found.why
    assert (found.need, found.have) == (need, str(*limits.values()))
    assert result.program.cores == ()
