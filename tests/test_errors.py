import pickle
from dataclasses import replace

import pytest

from snn2chip.errors import Finding, Severity, Snn2ChipError, StatementError, lines_of

ONE = Finding(code="map-fit", severity=Severity.ERROR, where="conv1", why="is large", need="3")
TWO = Finding(code="map-axons", severity=Severity.ERROR, where="fc", why="is wide")


@pytest.mark.parametrize("error", [StatementError.of((ONE, TWO)), Snn2ChipError("a", "b", "c")])
def test_errors_reach_other_processes_whole(error):
    """A worker's error is told as if it had been raised here."""
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert (again.finding, again.others) == (error.finding, error.others)
    assert again.exit_status == error.exit_status


def test_findings_that_say_the_same_of_several_places_share_a_line():
    notes = [Finding(code="a-note", severity=Severity.NOTE, where="x", why="is so")]
    alike = [replace(TWO, where=f"layer{i}") for i in range(14)]
    other = replace(alike[0], need="3")
    lines = lines_of([*notes, *alike, ONE, other])
    named = ", ".join(f"layer{i}" for i in range(12))
    assert lines == [
        f"error[map-axons] {named} and 2 more (--json lists all): is wide",
        "error[map-fit] conv1: is large (need 3)",
        "error[map-axons] layer0: is wide (need 3)",
        "note[a-note] x: is so",
    ]
