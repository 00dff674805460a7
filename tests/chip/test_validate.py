from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.chip.program import AxonTable, Coding
from snn2chip.chip.target import load_target
from snn2chip.chip.unpack import entries_of
from snn2chip.chip.validate import validate, validate_contents
from snn2chip.neuron import Emits, Reset
from tests.chip import small

CODINGS = [(c, ("stem", "a") if c is Coding.HOST else ()) for c in Coding]


def other_codings():
    """Circuits with gains and numbers on shortcuts; the host runs `one`."""
    return [(small.stepwise, s, c, ("one",) * (c is Coding.HOST)) for s in range(4) for c in Coding]


@pytest.mark.parametrize(
    ("make", "seed", "coding", "on_host"),
    [(small.residual, s, c, host) for s in range(4) for c, host in CODINGS] + other_codings(),
)
def test_what_was_laid_out_is_equal(make, seed, coding, on_host):
    qc = make(seed)
    program, unpacked = small.lay_out(qc, seed, coding, on_host)
    result = validate_contents(program, unpacked.cores, unpacked.hosts, qc)
    assert (result.differing, result.findings) == (0, ())
    target = load_target("loihi2")
    from_words = validate(small.packed(program, unpacked, target), target, qc)
    assert from_words == result
    weights = sum(c.weight.size for k in unpacked.cores for t in k.tiles for c in t.connections)
    neurons = sum(t.delta.size for k in unpacked.cores for t in k.tiles)
    assert result.compared > weights + 4 * neurons


# --- against edges that are enumerated one by one --------------------------------------------------------------------


def damaged(rng, table):
    """A copy of an axon table with a few pairs dropped, doubled or sent elsewhere."""
    pairs = [
        list(zip(table.core[a:b], table.axon[a:b], strict=True))
        for a, b in zip(table.first[:-1], table.first[1:], strict=True)
    ]
    for _ in range(rng.integers(0, 4)):
        entry = pairs[rng.integers(len(pairs))]
        kind = rng.integers(3)
        if entry and kind == 0:
            entry.pop(rng.integers(len(entry)))
        elif entry and kind == 1:
            entry.append(entry[0])
        else:
            entry.append((rng.integers(0, 5), rng.integers(0, 3)))
    flat = [p for e in pairs for p in e]
    return AxonTable(
        per_neuron=table.per_neuron,
        first=ints(np.cumsum([0, *map(len, pairs)])),
        core=ints(np.array([c for c, _ in flat], np.int64)),
        axon=ints(np.array([a for _, a in flat], np.int64)),
    )


def wrong_edges(sound, broken):
    """Per entry and axon that the sender has business with, one where the number is wrong; all other pairs."""
    known = set(zip(sound.core, sound.axon, strict=True))
    wrong = 0
    for i in range(len(sound.first) - 1):
        need = Counter(pairs_of(sound, i))
        have = Counter(pairs_of(broken, i))
        wrong += sum(have[p] != need[p] if p in known else have[p] for p in have | need)
    return wrong


def pairs_of(table, i):
    part = slice(table.first[i], table.first[i + 1])
    return list(zip(table.core[part], table.axon[part], strict=True))


@pytest.mark.parametrize("seed", range(12))
def test_edges_are_those_of_single_synapses(seed):
    rng = np.random.default_rng(seed)
    qc = small.residual(seed)
    program, unpacked = small.lay_out(qc, seed, two_in_one=False)
    tables = [damaged(rng, c.axons) for c in unpacked.cores]
    expected = sum(wrong_edges(c.axons, t) for c, t in zip(unpacked.cores, tables, strict=True))
    host = damaged(rng, unpacked.hosts[0])
    expected += wrong_edges(unpacked.hosts[0], host)
    cores = [replace(c, axons=t) for c, t in zip(unpacked.cores, tables, strict=True)]
    result = validate_contents(program, cores, {0: host}, qc)
    assert result.differing == expected
    assert {f.code for f in result.findings} == ({"program-edge"} if expected else set())


# --- every kind of damage --------------------------------------------------------------------------------------------


def changed_tile(unpacked, core, **new):
    cores = list(unpacked.cores)
    first, *rest = cores[core].tiles
    cores[core] = replace(cores[core], tiles=(replace(first, **new), *rest))
    return cores


def changed_connection(unpacked, core, **new):
    first, *rest = unpacked.cores[core].tiles[0].connections
    return changed_tile(unpacked, core, connections=(replace(first, **new), *rest))


def plus_one(array):
    array = array.copy()
    array.flat[array.size // 2] += 1
    return ints(array)


@pytest.mark.parametrize(
    ("new", "code", "what"),
    [
        ({"levels": plus_one}, "program-neuron", "a threshold"),
        ({"amounts": plus_one}, "program-neuron", "a reset amount"),
        ({"delta": plus_one}, "program-neuron", "a decay"),
        ({"bias": plus_one}, "program-neuron", "a bias"),
        ({"fraction_bits": 3}, "program-neuron", "the number of fraction bits"),
        ({"v_limit": 99}, "program-neuron", "the membrane's limit"),
        ({"reset": Reset.NONE}, "program-neuron", "the reset"),
        ({"late_reset": True}, "program-neuron", "the late reset"),
        ({"emits": Emits.GRADED}, "program-neuron", "what it emits"),
        ({"v_min": -7}, "program-neuron", "the floor"),
        ({"multispike_shift": 9}, "program-neuron", "the multispike shift"),
        ({"multispike_ge": False}, "program-neuron", "the multispike comparison"),
        ({"graded_shift": 9}, "program-neuron", "the graded shift"),
        ({"depth": 9}, "program-time", "the depth"),
        ({"steps": 9}, "program-time", "the number of steps"),
        ({"rows": (0, 99)}, "program-tile", "the tile's box"),
        ({"rows": (0, 1)}, "program-cover", "how many cores hold a neuron"),
        ({"population": 99}, "program-tile", "a population's number"),
        ({"connections": ()}, "program-weight", "the connections of projection input->one"),
    ],
)
def test_a_changed_tile_is_named(new, code, what):
    qc = small.chain(2)
    program, unpacked = small.lay_out(qc, 2, two_in_one=False)
    tile = unpacked.cores[0].tiles[0]
    new = {k: v(getattr(tile, k)) if callable(v) else v for k, v in new.items()}
    result = validate_contents(program, changed_tile(unpacked, 0, **new), unpacked.hosts, qc)
    assert result.differing
    finding = next(f for f in result.findings if f.code == code and f.why.startswith(what))
    assert finding.where in ("one, core 0", "one", "program, core 0")


@pytest.mark.parametrize(
    ("new", "code", "what"),
    [
        ({"weight": plus_one}, "program-weight", "a weight of input->one"),
        ({"exponent": 3}, "program-weight", "the exponent of input->one"),
        ({"channel_base": 1}, "program-weight", "the first channel of input->one"),
        ({"projection": 5}, "program-weight", "connections of no projection"),
        ({"source_shape": (2, 5, 6)}, "program-weight", "the source's shape of input->one"),
        ({"axons": ()}, "program-edge", "the summands of input->one"),
        ({"first_axon": 3}, "program-edge", "the number of a first axon"),
    ],
)
def test_a_changed_connection_is_named(new, code, what):
    qc = small.chain(2)
    program, unpacked = small.lay_out(qc, 2, two_in_one=False)
    connection = unpacked.cores[0].tiles[0].connections[0]
    new = {k: v(getattr(connection, k)) if callable(v) else v for k, v in new.items()}
    result = validate_contents(program, changed_connection(unpacked, 0, **new), unpacked.hosts, qc)
    assert any(f.code == code and f.why.startswith(what) for f in result.findings)


def stepwise_change(kind, tile):
    """A tile in which one thing that may change from step to step is another."""
    t = tile
    match kind:
        case "a gain" | "a bias":
            name = kind.removeprefix("a ")
            return replace(t, **{name: plus_one(getattr(t, name))})
        case "whether it has a gain":
            return replace(t, gain=None)
        case "the gain's shift":
            return replace(t, gain_shift=t.gain_shift + 1)
        case "the shape of a bias":
            return replace(t, bias=ints(t.bias[:-1]))
        case _:
            return replace(t, bias=ints(t.bias[0]))


@pytest.mark.parametrize(
    "kind",
    [
        "a gain",
        "a bias",
        "whether it has a gain",
        "the gain's shift",
        "the shape of a bias",
        "a bias, one for all steps",
    ],
)
def test_a_change_of_one_step_is_named(kind):
    qc = small.stepwise(2)
    program, unpacked = small.lay_out(qc, 2, two_in_one=False)
    core = next(i for i, c in enumerate(unpacked.cores) if c.tiles[0].population == 1)
    cores = list(unpacked.cores)
    cores[core] = replace(cores[core], tiles=(stepwise_change(kind, cores[core].tiles[0]),))
    result = validate_contents(program, cores, unpacked.hosts, qc)
    assert [(f.code, f.where) for f in result.findings] == [("program-neuron", f"one, core {core}")]
    assert result.findings[0].why.startswith(kind.partition(",")[0])


def test_a_gain_or_a_bias_of_its_own_that_no_word_holds_is_missed_by_none():
    qc = small.chain(2)
    program, unpacked = small.lay_out(qc, 2)
    first = qc.populations[0]
    steps = np.arange(3)[:, None, None, None]
    changed = [
        replace(first, bias=ints(first.bias + steps)),
        replace(first, neuron=replace(first.neuron, gain=ints(np.ones((3, 1, 1))))),
    ]
    for p in changed:
        other = replace(qc, populations=(p, *qc.populations[1:]))
        result = validate_contents(program, unpacked.cores, unpacked.hosts, other)
        assert {f.code for f in result.findings} == {"program-neuron"}
    same = replace(first, bias=ints(np.broadcast_to(first.bias, (3, *first.bias.shape))))
    other = replace(qc, populations=(same, *qc.populations[1:]))
    assert not validate_contents(program, unpacked.cores, unpacked.hosts, other).differing


def test_a_late_spike_is_named():
    qc = small.residual(1)
    program, unpacked = small.lay_out(qc, 1)
    core = next(i for i, c in enumerate(unpacked.cores) if c.tiles[0].population == 3)
    c = unpacked.cores[core].tiles[0].connections[0]
    late = replace(c.axons[0], delay=c.axons[0].delay + 1)
    cores = changed_connection(unpacked, core, axons=(late, *c.axons[1:]))
    result = validate_contents(program, cores, unpacked.hosts, qc)
    assert result.differing == 1
    assert str(result.findings[0]).startswith("error[program-time] b, core")


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ({"steps": 4}, "program-head"),
        ({"populations": ("input", "two", "one")}, "program-head"),
        ({"coding": Coding.BIAS}, "program-host"),
        ({"coding": Coding.HOST}, "program-host"),
        ({"on_host": ("one",)}, "program-host"),
        ({"host_biases": ("one",)}, "program-host"),
        ({"input_axons": {}}, "program-edge"),
    ],
)
def test_a_changed_head_is_found(new, code):
    qc = small.chain(2)
    target = load_target("loihi2")
    program = small.packed(*small.lay_out(qc, 2), target)
    assert not validate(program, target, qc).differing
    assert code in {f.code for f in validate(replace(program, **new), target, qc).findings}


def test_a_core_that_the_format_refuses_is_a_finding():
    qc = small.chain(2)
    target = load_target("loihi2")
    program = small.packed(*small.lay_out(qc, 2), target)
    cut = replace(program.cores[0], neurons=program.cores[0].neurons[:-1])
    result = validate(replace(program, cores=(cut, *program.cores[1:])), target, qc)
    assert [f.code for f in result.findings] == ["program-bytes"]
    assert result.findings[0].where == "core 0"


def test_entries_follow_the_tiles():
    qc = small.residual(0)
    _, unpacked = small.lay_out(qc, 0)
    for c in unpacked.cores:
        assert sum(entries_of(t, c.axons.per_neuron) for t in c.tiles) == len(c.axons.first) - 1
