"""Engines by their names."""

import pytest

from snn2chip.engines.registry import ENGINES, Level, engine
from snn2chip.errors import Snn2ChipError


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_is_found(name):
    assert engine(name) is ENGINES[name]
    assert engine(name, ENGINES[name].levels).name == name


@pytest.mark.parametrize(
    ("name", "levels", "need", "help"),
    [
        ("float", (Level.QUANTIZED, Level.PROGRAM), "", ""),
        ("lyer", tuple(Level), "float | ", " - did you mean 'layer'?"),
    ],
)
def test_a_name_that_is_none_here_lists_those_that_are(name, levels, need, help):
    with pytest.raises(Snn2ChipError) as refused:
        engine(name, levels)
    said = str(refused.value)
    assert said.startswith(f"error[engine-unknown] --engine: no engine {name!r} here (need {need}")
    assert said.endswith(f"){help}")
    asked = [e.name for e in ENGINES.values() if set(e.levels) & set(levels)]
    assert refused.value.finding.need == " | ".join(asked)
