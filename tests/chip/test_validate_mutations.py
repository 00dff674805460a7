"""Random bits of packed words are flipped: each must be refused by unpack, or found by validation, or mean the same."""

import sys
from collections import Counter
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from snn2chip.chip.formats import loihi2
from snn2chip.chip.formats.loihi2_layout import AXON_IN, CORE, NEURON, PARAMETER, TILE
from snn2chip.chip.target import load_target
from snn2chip.chip.validate import validate_contents
from snn2chip.errors import StatementError
from tests.chip import small

COUNT = 100
TARGET = load_target("loihi2")


def offset(record, name):
    """(first bit, bits) of a field within its record."""
    at = 0
    for f in record.fields:
        if f.name == name:
            return at, f.bits
        at += f.bits
    raise KeyError(name)


def within(record, name, base=0):
    """Chooser of a random bit of one field of a random record of the memory."""

    def choose(rng, words):
        first, bits = offset(record, name)
        at = rng.integers(len(words) // record.words) * record.words * 64 if not base else base * 64
        return int(at + first + rng.integers(bits))

    return choose


def anywhere(rng, words):
    return int(rng.integers(len(words) * 64))


KINDS = {
    "weight": ("synapses", anywhere),
    "threshold": ("neurons", within(NEURON, "level")),
    "bias": ("neurons", within(NEURON, "bias")),
    "decay": ("neurons", within(NEURON, "delta")),
    "delay": ("axons_in", within(AXON_IN, "delay")),
    "axon": ("axon_memory", anywhere),
    "axon map": ("axon_map", anywhere),
    "reset": ("groups", within(TILE, "reset", CORE.words)),
    "late reset": ("groups", within(TILE, "late_reset", CORE.words)),
    "header": ("groups", anywhere),
    "input axon": ("axons_in", anywhere),
}


@pytest.fixture(scope="module")
def program():
    qc = small.residual(3)
    head, unpacked = small.lay_out(qc, 3, two_in_one=False)
    return qc, small.packed(head, unpacked, TARGET), unpacked


@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_bit_passes(program, kind):
    qc, packed, unpacked = program
    memory, choose = KINDS[kind]
    rng = np.random.default_rng(len(kind))
    usable = [i for i, c in enumerate(packed.cores) if len(getattr(c, memory))]
    caught = Counter()
    for _ in range(COUNT):
        core = usable[rng.integers(len(usable))]
        words = getattr(packed.cores[core], memory).copy()
        bit = choose(rng, words)
        words[bit // 64] ^= np.uint64(1 << (bit % 64))
        caught[
            outcome(qc, packed, unpacked, core, replace(packed.cores[core], **{memory: words}))
        ] += 1
    sys.stdout.write(f"{kind:12} rung 4: {dict(sorted(caught.items()))}\n")
    assert caught["missed"] == 0
    assert caught["same"] == 0 or kind in ("weight", "header")


@pytest.fixture(scope="module")
def stepwise():
    qc = small.stepwise(3)
    head, unpacked = small.lay_out(qc, 3, two_in_one=False)
    return qc, small.packed(head, unpacked, TARGET), unpacked


@pytest.mark.parametrize("name", ["gain", "gain_shift", "step_gain", "step_bias", "by_neuron"])
def test_every_bit_of_what_a_tile_says_of_its_gains_is_seen(stepwise, name):
    first, bits = offset(TILE, name)
    assert set(every_bit(stepwise, "groups", CORE.words * 64 + first, bits)) <= {
        "refused",
        "differs",
    }


@pytest.mark.parametrize("name", ["gain", "bias"])
def test_every_bit_of_parameters_is_seen(stepwise, name):
    first, bits = offset(PARAMETER, name)
    seen = every_bit(stepwise, "parameters", first, bits)
    assert set(seen) <= {"refused", "differs"}
    assert seen["differs"] > bits


def every_bit(subject, memory, first, bits):
    """What happens to each bit of a field of the first record of a memory, on one core of each population."""
    qc, packed, unpacked = subject
    seen = Counter()
    cores = {
        c.tiles[0].population: i
        for i, c in enumerate(unpacked.cores)
        if len(getattr(packed.cores[i], memory))
    }
    for core in cores.values():
        for bit in range(first, first + bits):
            words = getattr(packed.cores[core], memory).copy()
            words[bit // 64] ^= np.uint64(1 << (bit % 64))
            mutant = replace(packed.cores[core], **{memory: words})
            seen[outcome(qc, packed, unpacked, core, mutant)] += 1
    return seen


def outcome(qc, packed, unpacked, core, mutant):
    try:
        contents = loihi2.unpack_core(mutant, TARGET)
    except StatementError:
        return "refused"
    cores = [*unpacked.cores[:core], contents, *unpacked.cores[core + 1 :]]
    if validate_contents(packed, cores, unpacked.hosts, qc).differing:
        return "differs"
    return "same" if equal(contents, unpacked.cores[core]) else "missed"


def equal(a, b):
    """Deep equality of two values of dataclasses and arrays."""
    if is_dataclass(a):
        return type(a) is type(b) and all(
            equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a)
        )
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return np.array_equal(a, b)
