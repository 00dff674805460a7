"""The page of results says what failed and what did not run; a command that fails is not taken for one that works."""

import sys
from pathlib import Path

from tests.release.try_wheel import Environment, Tried, page


def test_page_has_a_cell_for_every_python():
    tried = [
        Tried("3.11.7", "", "pip install snn2chip.whl", ""),
        Tried("3.11.7", "", "snn2chip demo", ""),
        Tried("3.12.1", "", "snn2chip demo", "Traceback"),
        Tried("3.11.7", "train", "snn2chip train", ""),
    ]
    assert page(tried).splitlines()[4:] == [
        "| extra | command | 3.11.7 | 3.12.1 |",
        "|---|---|---|---|",
        "|  | `snn2chip demo` | ok | failed |",
        "| train | `snn2chip train` | ok | not run |",
    ]


def test_what_is_not_installed_fails(tmp_path: Path):
    trials = Environment(sys.executable, tmp_path).trials(Path("no.whl"), extras=False)
    assert "no.whl" in next(trials).failure
    assert "snn2chip" in next(trials).failure
