import ast
from pathlib import Path

import pytest

import snn2chip
from snn2chip.codes import PAGES, page_of
from snn2chip.quantize import rules

PACKAGE = Path(snn2chip.__file__).parent
ERRORS = ("Snn2ChipError", "StatementError")
MAKERS = (
    *ERRORS,
    "refuse",
    "refused",
    "same",
    "differs",
    "_array",
    "worst",
    "counted",
    "lacking",
    "rule",
)
"""Calls whose first argument is a code."""


def codes_in(path):
    """Every code that a source file can put into an error or a finding."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = node.args[:1] if name in MAKERS else []
            given += [k.value for k in node.keywords if k.arg == "code"]
            for value in given:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value
                elif isinstance(value, ast.JoinedStr):
                    yield from features(value)


def features(value):
    """The codes that quantization builds of a word: feature-subtract, feature-graded ..."""
    assert ast.unparse(value) == "f'feature-{name}'"
    tree = ast.parse(Path(rules.__file__).read_text(encoding="utf-8"))
    asked = next(
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "asked"
    )
    assert isinstance(asked, ast.Tuple)
    for row in asked.elts:
        assert isinstance(row, ast.Tuple)
        yield f"feature-{ast.literal_eval(row.elts[0])}"


def used():
    return {code for path in PACKAGE.rglob("*.py") for code in codes_in(path)}


def test_every_code_has_a_page():
    assert used() - PAGES.keys() == set()


def test_every_page_is_of_a_code_in_use():
    assert PAGES.keys() - used() == set()


@pytest.mark.parametrize("code", PAGES)
def test_page_is_whole(code):
    page = PAGES[code]
    assert page.what.endswith(".")
    assert page.help.endswith(".")
    assert all(len(line) <= 100 for line in page.lines())
    assert page.lines()[0].startswith(page.what[:40])
    assert page.to_dict()["what"] == page.what


def test_page_of_a_docstring():
    page = page_of(
        "A limit.\n\nIt is\nsmall.\n\nExample: three\n  of four.\nWhat to do: nothing\n  at all."
    )
    assert (page.what, page.why) == ("A limit.", "It is small.")
    assert (page.example, page.help) == ("three of four.", "nothing at all.")
    text = "A limit.||It is small.||Example: three of four.||What to do: nothing at all."
    assert "|".join(page.lines()) == text


def test_rules_are_pages():
    assert PAGES["map-neurons"].example.startswith("a tile of 8 x 8 positions")
    assert PAGES["map-delay"].why.startswith("The summands of a residual join must meet")
