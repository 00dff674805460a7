"""The front, the table and the page, from rows made by hand."""

import re
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from snn2chip.errors import Finding, Severity
from snn2chip.explore.front import front
from snn2chip.explore.page import plots
from snn2chip.explore.points import Point
from snn2chip.explore.row import Row
from snn2chip.explore.table import Table

POINT = Point(
    target="loihi2",
    weight_bits=8,
    steps=4,
    split="balanced",
    share="auto",
    place="swap",
    coding="auto",
)


def row(**fields) -> Row:
    known: dict[str, Any] = {
        "point": POINT,
        "samples": 100,
        "coding": "bias",
        "top1": 0.9,
        "original": 0.95,
        "decisions": 0.98,
        "spikes": 0.97,
        "cores": 10,
        "chips": 1,
        "table": "davies2018",
        "energy_pj": 2e6,
        "latency_us": 3e3,
        "unpriced": ("messages from the host: 3",),
    }
    made: dict[str, Any] = known | fields
    return Row(**made)


MISFIT = Row(
    point=POINT,
    findings=(Finding(code="map-fit", severity=Severity.ERROR, where="fc", why="does not fit"),)
    * 2,
)


def table(*rows: Row) -> Table:
    return Table(title="a net", input="x.npy", rows=rows)


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=12))
def test_front_by_its_definition(costs):
    found = front(dict(enumerate(costs)))
    for i, mine in enumerate(costs):
        beaten = any(
            other != mine and all(x <= y for x, y in zip(other, mine, strict=True))
            for other in costs
        )
        assert (i in found) == (not beaten)
    assert bool(found) == bool(costs)


def test_the_front_weighs_accuracy_energy_time_and_cores():
    rows = (
        row(),
        row(top1=0.8),
        row(top1=0.8, energy_pj=1e6),
        row(cores=9, latency_us=4e3),
        row(energy_pj=3e6),
        MISFIT,
        row(top1=1.0, silent=("sn3",)),
    )
    found = table(*rows)
    assert found.measures == ("top1", "energy_pj", "latency_us", "cores")
    assert found.front == {0, 2, 3}


def test_each_target_has_a_front_and_chips_are_not_compared():
    other = replace(POINT, target="loihi1")
    rows = (
        row(static="0.25 W per chip [fitted: a]"),
        row(
            point=other,
            energy_pj=1e6,
            latency_us=1e3,
            cores=1,
            static="0.029 W per chip [recalled: b]",
        ),
        row(energy_pj=3e6),
    )
    both = table(*rows)
    assert both.front == {0, 1}, "the cheaper chip does not beat the other"
    notes = "\n".join(both.notes())
    assert "* on its target's Pareto front" in notes
    assert "do not compare chips by these energies" in notes
    assert "loihi2: static power 0.25 W per chip [fitted: a]" in notes
    assert "loihi1: static power 0.029 W per chip [recalled: b]" in notes
    alone = "\n".join(table(rows[0], rows[2]).notes())
    assert "do not compare" not in alone
    assert "* on the Pareto front" in alone
    third = row(top1=0.95, energy_pj=9e6)
    assert len(plots(table(*rows, third))[0].lines) == 1, "one point of loihi1 makes no line"
    fourth = row(point=other, top1=0.95, energy_pj=9e6)
    assert len(plots(table(*rows, third, fourth))[0].lines) == 2


def test_a_front_of_few_samples_is_said_to_be_noise():
    (said,) = (n for n in table(row(samples=36)).notes() if n.startswith("36 samples"))
    assert "one decision is 2.8 %" in said
    assert not any("noise" in n for n in table(row(samples=100)).notes())


def test_measures_that_some_point_lacks_are_not_weighed():
    assert table(row(), row(top1=None)).measures == (
        "decisions",
        "energy_pj",
        "latency_us",
        "cores",
    )
    assert table(row(energy_pj=None, latency_us=None)).measures == ("top1", "cores")
    assert table(MISFIT).front == frozenset()
    assert not table(MISFIT).possible


def test_lines():
    lines = table(row(), MISFIT, row(cores=11, silent=("sn3",))).lines()
    assert lines[0] == "3 what-if points of a net on x.npy"
    assert re.fullmatch(
        r"1 \* loihi2 +8 +4 +balanced +auto +swap +bias \(auto\) +90.00 % +98.00 % +97.00 % +10 +1 +2 µJ +3 ms",
        lines[3],
    )
    assert re.search(r"auto +error\[map-fit\] fc: does not fit \(and 1 more\)$", lines[4])
    assert lines[5].startswith("3   loihi2")
    notes = "\n".join(lines[7:])
    assert "point 3: silent on the chip, and not in floats: sn3; it does not verify" in notes
    assert "points 1, 3: not priced: messages from the host: 3" in notes
    assert "top-1 of the float network: 95.00 % with T = 4" in notes


def test_plots_have_a_mark_for_every_point_that_can_be():
    rows = (row(), row(top1=0.95, energy_pj=9e6), MISFIT, row(top1=0.5, energy_pj=99e6, cores=99))
    energy, time, cores = plots(table(*rows))
    for plot in (energy, time, cores):
        assert [m.kind for m in plot.marks].count("plain") == 2
        assert len(plot.marks) == 3
    assert energy.x.log and not time.x.log
    assert {(m.x, m.y) for m in energy.marks} == {(2.0, 90.0), (9.0, 95.0), (99.0, 50.0)}
    (stairs,) = energy.lines
    assert stairs.points == ((2.0, 90.0), (9.0, 90.0), (9.0, 95.0))
    assert plots(table(MISFIT)) == ()


def test_rows_are_kept_whole():
    for made in (row(silent=("sn3",)), MISFIT):
        assert Row.from_dict(made.to_dict()) == made
