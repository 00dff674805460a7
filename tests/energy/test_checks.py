"""Our counts against what NeuroBench and SANA-FE said of the same runs (recorded by `make energy-checks`)."""

import json

import pytest

from tests.energy.checks import compare, subjects
from tests.energy.checks.page import PAGE, page, tenths

AGAIN = "what is counted has changed: `make energy-checks` runs the other tools again"


@pytest.fixture(scope="module")
def recorded():
    return json.loads(subjects.RECORDED.read_text())


@pytest.fixture(scope="module")
def program():
    run, program, levels = subjects.small_program()
    return compare.expected(run, program, levels.target)


@pytest.mark.parametrize("name", subjects.NETWORKS)
def test_operations_are_those_of_neurobench(recorded, name):
    theirs = recorded["neurobench"][name]
    layers = compare.layers(subjects.network(name))
    assert {x.name for x in layers} == set(theirs["layers"])
    for x in layers:
        found = theirs["layers"][x.name]
        want = {"macs": x.theirs * x.mac, "acs": x.theirs * (not x.mac), "dense": x.dense}
        assert found == want, f"{x.name}: {AGAIN}"
    for kind, total in theirs["total"].items():
        assert total == sum(v[kind] for v in theirs["layers"].values())
    # Only two layers are counted otherwise, each for a reason.
    assert [x.name for x in layers if x.theirs != x.ours] == ["conv1", "fc"]
    assert all(x.why for x in layers if x.theirs != x.ours)


def test_counts_are_those_of_sanafe(recorded, program):
    found = recorded["sanafe"]["conv"]
    assert {name: found[name] for name in program.counts} == program.counts, AGAIN
    assert found["synops"] == program.ours["synops"]


def test_energy_is_that_of_sanafe(recorded, program):
    joules = recorded["sanafe"]["conv"]["joules"]
    for part in ("synapse", "soma", "network"):
        assert tenths(joules[part]) == program.tenths(part), AGAIN
    assert joules["dendrite"] == 0
    assert tenths(joules["total"]) == program.tenths()


def test_dense_synapses_cost_more_in_sanafe(recorded, program):
    conv, dense = (recorded["sanafe"][kind] for kind in ("conv", "dense"))
    more = tenths(dense["joules"]["total"]) - tenths(conv["joules"]["total"])
    assert more == program.dense_synops * (355 - 240) > 0
    assert {k: dense[k] for k in program.counts} == program.counts


def test_waiting_spikes_are_lost_in_sanafe(recorded):
    """Why waiting summands are replayed: they should be heard two steps after they are sent."""
    delay = recorded["sanafe"]["delay"]
    assert delay["heard"] != [step + 2 for step in delay["sent"]]


def test_page_says_what_was_recorded(recorded):
    assert PAGE.read_text() == page(recorded), AGAIN
