"""`explain`: every page by its code, and what is said of a code that is none."""

import pytest

from snn2chip.cli.main import main
from snn2chip.codes import PAGES


def test_a_page_and_the_list_of_all(capsys):
    assert main(["explain", "map-fit"]) == 0
    assert capsys.readouterr().out.splitlines() == ["map-fit", "", *PAGES["map-fit"].lines()]
    assert main(["explain"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [*PAGES]


@pytest.mark.parametrize(
    ("code", "help"), [("mapfit", "did you mean 'map-fit'?"), ("zzz", "see `snn2chip explain`")]
)
def test_a_code_that_is_none(code, help, capsys):
    assert main(["explain", code]) == 2
    line = f"error[code-unknown] {code}: no error or finding has this code - {help}\n"
    assert capsys.readouterr().err == line
