import pickle

import pytest

from snn2chip.errors import Finding, Severity, Snn2ChipError, StatementError

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
