"""The verdict in plain words, and the layer that changed most."""

from dataclasses import replace

from snn2chip.report.plain import changed, plain, profile, worst_fact, worst_layer
from tests.report.conftest import verdict


def test_the_layer_of_which_most_changed_is_the_worst(made):
    rows = made.data.layers
    assert rows[worst_layer(rows) or 0].name == "layer1.0.sn1"
    (fact,) = worst_fact(rows)
    assert (fact.value, fact.link) == ("layer1.0.sn1", "row-1")
    assert fact.note.startswith("5 % of its outputs; change adds up from all layers before it; ")
    assert "causes it: snn2chip debug MODEL" in fact.note, "the last layers change most: no cause"
    chart = profile(rows)
    assert chart is not None
    assert [(m.x, m.y, m.kind) for m in chart.marks] == [(0, 1.0, "plain"), (1, 5.0, "bad")]


def test_where_nothing_changed_no_layer_is_named(made):
    rows = tuple(replace(r, differing=None, compared=None) for r in made.data.layers)
    assert (worst_layer(rows), worst_fact(rows), profile(rows)) == (None, (), None)
    assert changed(rows[0]) == 0


def test_what_holds_is_said_in_words(made):
    said = plain(verdict(passed=True), made.data.layers)
    assert said[0].startswith("The chip's program, simulated, fires every spike")
    assert said[-1] == (
        "Rounding changed 3 % of the original network's outputs, most in layer1.0.sn1 (5 %; change adds up from all "
        "layers before it), and 0 of 3 decisions."
    )
    measured, engines = verdict(passed=True).rungs
    exact = replace(verdict(passed=True), rungs=(replace(measured, differing=0), engines))
    assert plain(exact, ())[-1].startswith("Rounding changed nothing")


def test_what_fails_is_said_first(made):
    said = plain(verdict(passed=False), made.data.layers)
    assert said[0] == ("Do not use this build: what should be equal is not, in rung 3 (engines).")
    assert not any("fires every spike" in text for text in said)
