"""Placed programs: the traffic is that of the packed tables, the audit sees wrong places, and spikes do not care."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.chip.audit import audit
from snn2chip.chip.files import load, save
from snn2chip.chip.map import map_circuit
from snn2chip.chip.place.placing import METHODS, Placing
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.chip.validate import validate
from snn2chip.engines import core, spec
from tests.chip import small
from tests.chip.circuits import small_sew

TINY = load_target("tiny")


def with_limits(**limits):
    """The chip `tiny` with even smaller cores, and a board `ten` of ten chips."""
    changed = {
        f"core.{name}": replace(TINY.quantities[f"core.{name}"], value=value)
        for name, value in limits.items()
    }
    square = TINY.boards["square"]
    ten = {**square, "chips": replace(square["chips"], value=10)}
    return replace(
        TINY,
        quantities={**TINY.quantities, **changed},
        boards={**TINY.boards, "ten": ten},
    )


BOARD = with_limits(
    neurons=60, synapse_words=200, axon_map_words=60, axon_memory_words=90, total_words=330
)


@cache
def circuit():
    return small_sew(0)


@cache
def run():
    inputs = small.samples(circuit(), 0)
    recording = spec.run(circuit(), inputs)
    return inputs, recording, {n: ints((v != 0).sum((0, 1))) for n, v in recording.outputs.items()}


@cache
def placed(method="swap", board=None, seed=0, measured=True):
    _, _, spikes = run()
    placing = Placing(method=method, board=board, seed=seed)
    found = map_circuit(
        circuit(),
        BOARD,
        coding=Coding.GRADED,
        placing=placing,
        spikes=spikes if measured else None,
    )
    assert found.findings == ()
    return found.program


def messages(program):
    """(from, to, messages) between cores as the core engine counts them."""
    inputs, _, _ = run()
    _, chip = core.run_counted(program, BOARD, inputs, qc=circuit())
    return [
        (a, b, m) for (a, b), m in zip(chip.links.tolist(), chip.messages, strict=True) if a >= 0
    ]


def test_traffic_is_what_the_packed_tables_send():
    """Σ messages · hops of the core engine's run is what the placement says of itself."""
    program = placed()
    p = program.placement
    assert p.rates == "measured"
    tile = p.core // 2
    east = tile // 2 + p.chip % p.chip_columns * (1 + 4)
    south = tile % 2 + p.chip // p.chip_columns * (1 + 4)
    hops = sum(
        int(m) * (abs(east[a] - east[b]) + abs(south[a] - south[b]))
        for a, b, m in messages(program)
    )
    assert hops == p.spike_hops > 0


def test_without_an_input_the_traffic_is_an_estimate():
    p = placed(measured=False).placement
    assert p.rates == "estimated"
    assert "estimated traffic" in str(p)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "exact"])
@pytest.mark.parametrize("board", [None, "ten"])
def test_spikes_do_not_depend_on_the_place(method, board):
    inputs, expected, _ = run()
    program = placed(method, board)
    assert program.placement.board == (board or "")
    assert audit(program, BOARD) == ()
    assert not validate(program, BOARD, circuit()).differing
    got = core.run(program, BOARD, inputs, qc=circuit())
    for name, values in expected.outputs.items():
        np.testing.assert_array_equal(got.outputs[name], values)
    np.testing.assert_array_equal(got.decision, expected.decision)


def test_words_do_not_depend_on_the_place():
    one, two = placed("columns"), placed("swap", seed=5)
    assert not np.array_equal(one.placement.core, two.placement.core)
    for a, b in zip(one.cores, two.cores, strict=True):
        assert a.axon_map.tobytes() == b.axon_map.tobytes()
        assert a.axon_memory.tobytes() == b.axon_memory.tobytes()


def test_the_placement_is_kept(tmp_path):
    program = placed()
    save(program, tmp_path / "program.npz")
    again = load(tmp_path / "program.npz").placement
    assert (again.board, again.method, again.seed) == ("", "swap", 0)
    assert again.spike_hops == program.placement.spike_hops
    np.testing.assert_array_equal(again.chip, program.placement.chip)
    np.testing.assert_array_equal(again.core, program.placement.core)


def test_a_board_that_is_too_small_says_how_many_chips_are_needed():
    found = map_circuit(circuit(), BOARD, coding=Coding.GRADED, placing=Placing(board="pair"))
    cores = len(placed().cores)
    (finding,) = found.findings
    assert finding.code == "map-board"
    assert finding.where == "board pair"
    assert finding.need == f"{cores} cores, {-(-cores // 7)} chips"
    assert finding.have == "13 cores on 2 chips of 7, 1 of them dead"
    assert "bind" in finding.why
    assert found.program.cores == ()


def test_one_chip_is_one_chip():
    """A board of one chip whose cores are dead, but for one."""
    pair = BOARD.boards["pair"]
    keys = {"chips": 1, "columns": 1, "dead_cores": "0:0-4, 0:6"}
    one = {key: replace(pair[key], value=value) for key, value in keys.items()}
    target = replace(BOARD, boards={"one": one})
    wide = {key: replace(q, value=10_000) for key, q in target.quantities.items() if "core." in key}
    target = replace(target, quantities={**target.quantities, **wide})
    found = map_circuit(circuit(), target, coding=Coding.GRADED, placing=Placing(board="one"))
    (finding,) = found.findings
    assert finding.have == "1 core on 1 chip of 7, 6 of them dead"
    assert finding.need.endswith(" cores, 1 chip")


def test_a_search_that_the_clock_ends_is_noted():
    for seconds, codes in ((0.0, ["place-cut"]), (60.0, [])):
        placing = Placing(method="swap", seconds=seconds)
        found = map_circuit(circuit(), BOARD, coding=Coding.GRADED, placing=placing)
        assert [f.code for f in found.findings] == codes
        assert len(found.program.cores) > 1
        for note in found.findings:
            assert str(note).startswith("note[place-cut] --place swap: the time limit ended")
            assert "have 0 s" in str(note)


def with_place(core=None, chip=None, at=3, **changes):
    program = placed(board="ten")
    p = program.placement
    core_, chip_ = p.core.copy(), p.chip.copy()
    if core is not None:
        core_[at] = core
    if chip is not None:
        chip_[at] = chip
    cores = tuple(replace(k, chip=int(c)) for k, c in zip(program.cores, chip_, strict=True))
    p = replace(p, **{"core": ints(core_), "chip": ints(chip_), **changes})
    return replace(program, cores=cores, placement=p)


def test_wrong_places_are_seen():
    p = placed(board="ten").placement
    taken = {"core": int(p.core[0]), "chip": int(p.chip[0])}
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"core": 5}, "core 3", "dead core"),
        ({"core": 8}, "core 3", "not on the chip"),
        ({"core": -1}, "core 3", "not on the chip"),
        ({"chip": 10}, "core 3", "not on the board"),
        ({"chip": -1}, "core 3", "not on the board"),
        (taken, "core 3", "core 0 has the same place"),
        ({"board": "eleven"}, "board eleven", "no board"),
        ({"chip_columns": 3}, "program", "other columns"),
    ]
    for change, where, words in cases:
        findings = audit(with_place(**change), BOARD)
        assert [f.code for f in findings] == ["map-place"], change
        assert findings[0].where == where
        assert words in findings[0].why
    assert audit(with_place(), BOARD) == ()
    program = placed(board="ten")
    elsewhere = replace(program.cores[3], chip=program.cores[3].chip + 1)
    cores = (*program.cores[:3], elsewhere, *program.cores[4:])
    (finding,) = audit(replace(program, cores=cores), BOARD)
    assert "on another chip" in finding.why
    short = replace(p, chip=p.chip[:-1], core=p.core[:-1])
    (finding,) = audit(replace(program, placement=short), BOARD)
    assert "not every core has a place" in finding.why


def test_broken_cores_of_a_board_are_left_out():
    broken = replace(BOARD.boards["ten"]["dead_cores"], value="0:0-3, 2:7")
    board = replace(BOARD, boards={"ten": {**BOARD.boards["ten"], "dead_cores": broken}})
    found = map_circuit(
        circuit(), board, coding=Coding.GRADED, placing=Placing(method="columns", board="ten")
    ).program
    places = set(zip(found.placement.chip.tolist(), found.placement.core.tolist(), strict=True))
    assert not places & {(0, 0), (0, 1), (0, 2), (0, 3), (2, 7)}
    assert audit(found, board) == ()
    assert {f.code for f in audit(placed("columns", "ten"), board)} == {"map-place"}
