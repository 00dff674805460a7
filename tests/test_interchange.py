"""docs/interchange.md: the cells of our own files are what the libraries fire today."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from snn2chip.errors import StatementError
from tests.readers.test_nir_cases import CASES

DOCS = Path(__file__).parents[1] / "docs"


def command() -> Any:
    spec = importlib.util.spec_from_file_location("make_interchange", DOCS / "make_interchange.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = command()
OURS = (DOCS / "interchange.md").read_text(encoding="utf-8").split("\n## ")[2]
REASONS = dict(
    re.findall(r"^- (\w): (.*)$", (DOCS / "interchange.md").read_text(encoding="utf-8"), re.M)
)


@pytest.mark.parametrize("folder", CASES, ids=lambda f: f.name)
def test_the_row_of_our_file_is_true(tmp_path, folder):
    line = next(row for row in OURS.splitlines() if row.startswith(f"| {folder.name} |"))
    cells = [cell.strip() for cell in line.strip("|").split("|")[1:]]
    for reader, cell in zip(MAKE.READERS, cells, strict=True):
        if cell in REASONS:
            with pytest.raises(StatementError) as e:
                MAKE.our_cell(folder, reader, tmp_path)
            assert MAKE.reason(e.value) == REASONS[cell]
        else:
            assert MAKE.our_cell(folder, reader, tmp_path) == cell
            assert cell.startswith("0 of ")
