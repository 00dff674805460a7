"""The fuzz of packed programs, a little of it; `python -m tests.chip.fuzz_flips` runs all and prints the table."""

import sys

import numpy as np
import pytest

from snn2chip.chip.formats import loihi1_layout, loihi2_layout
from tests.chip import fuzz_flips
from tests.chip.fuzz_flips import COLUMNS, flipped, fuzz, seen_by, subjects

CHIPS = ("loihi2", "loihi1")


@pytest.mark.parametrize("chip", CHIPS)
def test_no_flip_is_missed(chip):
    found, _ = fuzz(40, 1, chip)
    assert found.total() == 40
    assert {column for *_, column in found} <= set(COLUMNS) - {"MISSED"}
    columns = {column for *_, column in found}
    assert {"unpack", "audit", "validation"} <= columns


def test_every_field_of_every_record_of_loihi1_is_flipped():
    fields = {key for s in subjects("loihi1") for key in s.places}
    for table, record in (
        ("head", loihi1_layout.HEAD),
        ("thresholds", loihi1_layout.THRESHOLD),
        ("synapse formats", loihi1_layout.SYNAPSES),
        ("border", loihi1_layout.BORDER),
        ("tile header", loihi2_layout.TILE),
        ("connection header", loihi2_layout.CONNECTION),
        ("neurons", loihi1_layout.NEURON),
        ("sources", loihi2_layout.SOURCE),
        ("input axons", loihi1_layout.AXON_IN),
        ("axon map", loihi2_layout.AXON_MAP),
        ("axon memory", loihi1_layout.AXON_OUT),
        ("axon memory, 2nd slot", loihi1_layout.AXON_FROM),
        ("host's axon map", loihi2_layout.AXON_MAP),
        ("host's axon memory", loihi1_layout.AXON_OUT),
        ("host's axon memory, 2nd slot", loihi1_layout.AXON_FROM),
    ):
        assert {(table, f.name) for f in record.fields} <= fields
    assert {("synapses", f) for f in ("run", "format", "weight", "index", "delay")} <= fields


def test_every_field_of_every_record_is_flipped():
    fields = {key for s in subjects() for key in s.places}
    for table, record in (
        ("tile header", loihi2_layout.TILE),
        ("connection header", loihi2_layout.CONNECTION),
        ("neurons", loihi2_layout.NEURON),
        ("reset amounts", loihi2_layout.AMOUNT),
        ("parameters", loihi2_layout.PARAMETER),
        ("sources", loihi2_layout.SOURCE),
        ("input axons", loihi2_layout.AXON_IN),
        ("axon map", loihi2_layout.AXON_MAP),
        ("axon memory", loihi2_layout.AXON_PAIRS),
        ("host's axon map", loihi2_layout.AXON_MAP),
        ("host's axon memory", loihi2_layout.AXON_PAIRS),
    ):
        assert {(table, f.name) for f in record.fields} <= fields
    assert {("synapses", f) for f in ("block header", "index", "weight")} <= fields


@pytest.mark.parametrize("chip", CHIPS)
def test_places_cover_all_that_is_not_padding(chip):
    """Outside of the places only zeros: padding, and the second half of a last pair is a place of its own."""
    for s in subjects(chip):
        known: dict[tuple[int | str, str], set[int]] = {}
        for places in s.places.values():
            for p in places:
                known.setdefault((p.core, p.memory), set()).update(range(p.first, p.first + p.bits))
        for number, core in enumerate(s.program.cores):
            for memory in ("groups", "neurons", "synapses", "axons_in", "axon_map", "parameters"):
                words = getattr(core, memory)
                bits = np.unpackbits(words.view(np.uint8), bitorder="little")
                assert set(np.flatnonzero(bits).tolist()) <= known.get((number, memory), set())


def test_a_flip_that_nothing_looks_at_would_be_missed(monkeypatch):
    """The fuzz itself can fail: without validation and engine, a changed gain is missed."""
    s = next(s for s in subjects() if ("parameters", "gain") in s.places)
    mutant = flipped(s.program, s.places["parameters", "gain"][0], 1)
    assert seen_by(s, mutant)[0] == "validation"
    monkeypatch.setattr(fuzz_flips, "engine_sees", lambda *_: False)
    monkeypatch.setattr(fuzz_flips, "validate", lambda *_: type("None", (), {"differing": 0}))
    assert seen_by(s, mutant) == ("MISSED", False)


def test_the_table_shows_what_was_counted(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fuzz_flips", "--flips", "5", "--seed", "3"])
    assert fuzz_flips.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["table", "field", "flips"]
    assert lines[-1].split()[:2] == ["all", "5"]
