"""The page names releases and results side by side; oldest.txt is what pyproject.toml says."""

import tomllib

from packaging.requirements import Requirement
from packaging.version import Version

from tests.release.try_releases import OLDEST, ROOT, Tried, page, shown


def test_page_has_a_column_for_each_end():
    tried = [
        Tried("oldest", {"python": "3.11.7", "torch": "2.5.0"}, "9 passed in 2.00s", True),
        Tried("newest", {"python": "3.11.7", "torch": "2.14.1"}, "1 failed, 8 passed", False),
    ]
    lines = page(tried).splitlines()
    assert lines[4:7] == [
        "| package | oldest | newest |",
        "|---|---|---|",
        "| python | 3.11.7 | 3.11.7 |",
    ]
    assert "| torch | 2.5.0 | 2.14.1 |" in lines
    assert "| nir | – | – |" in lines
    assert lines[-1] == "| tests | 9 passed in 2.00s | 1 failed, 8 passed |"


def test_oldest_are_the_lower_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = map(Requirement, project["dependencies"])
    told = {r.name: min(Version(s.version) for s in r.specifier) for r in bounds}
    pins = [line.split("==") for line in OLDEST.read_text().splitlines() if "==" in line]
    assert {name: Version(pin) for name, pin in pins} == told
    assert set(told) <= set(shown())
