"""Pages that scripts write from the code are what the scripts write today."""

import importlib.util
from dataclasses import fields
from typing import Any

import pytest

from snn2chip.codes import PAGES
from snn2chip.quantize.types import Widths
from tests.docs.pages import ROOT

DOCS = ROOT / "docs"


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE, ARCHITECTURE = script("make_reference"), script("make_architecture")


@pytest.mark.parametrize("name", REFERENCE.PAGES_MADE)
def test_the_reference_is_of_today(name):
    made = REFERENCE.PAGES_MADE[name]()
    assert (DOCS / name).read_text() == made, "run: python docs/make_reference.py"


def test_every_code_is_listed():
    text = (DOCS / "errors.md").read_text()
    assert all(f"\n## {code}\n" in text for code in PAGES)


def test_every_feature_is_a_width():
    assert set(REFERENCE.FEATURES) <= {f.name for f in fields(Widths)}


def test_the_import_graph_is_of_today():
    found, why = ARCHITECTURE.imports(), "run: python docs/make_architecture.py"
    text = ARCHITECTURE.PAGE.read_text()
    assert text == ARCHITECTURE.page(text, found), why
    assert ARCHITECTURE.PICTURE.read_text() == ARCHITECTURE.picture(found), why


def test_no_import_leads_up():
    """But for inputs and network, which import each other."""
    found = ARCHITECTURE.imports()
    names = ARCHITECTURE.order(found)
    assert set(names) == found.keys()
    up = {(a, b) for a in names for b in found[a] if names.index(b) < names.index(a)}
    assert up == {("network", "inputs")}


def closure(known):
    return {name: ARCHITECTURE.reached(known, name) for name in known}


def test_the_picture_keeps_every_way():
    """Whatever a package reaches, it reaches along the lines of the picture."""
    found = ARCHITECTURE.imports()
    drawn = ARCHITECTURE.reduced(found)
    assert closure(drawn) == closure(found)
    assert sum(map(len, drawn.values())) < sum(map(len, found.values())) / 2


def test_packages_that_import_each_other_keep_their_lines():
    found = {"a": frozenset("bcd"), "b": frozenset("c"), "c": frozenset("d"), "d": frozenset("c")}
    drawn = ARCHITECTURE.reduced(found)
    assert drawn == {**found, "a": frozenset("b")}
    assert closure(drawn) == closure(found)
