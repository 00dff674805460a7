"""The files that build and describe the package agree with each other."""

import os
import re
import tomllib
from pathlib import Path

import snn2chip
from snn2chip.stages.doctor import NEEDED, OPTIONAL
from tests.release.try_wheel import EXTRAS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_versions_agree():
    version = PROJECT["project"]["version"]
    assert snn2chip.__version__ == version
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {version}" in citation
    (day,) = re.findall(r"^date-released: (.+)$", citation, re.MULTILINE)
    assert f"\n## {version} - {day}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_everything_that_is_installed_is_pinned():
    text = (ROOT / "constraints.txt").read_text()
    pinned = set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))
    project = PROJECT["project"]
    wanted = [
        *project["dependencies"],
        *(x for e in project["optional-dependencies"].values() for x in e),
    ]
    assert {re.split(r"[\[><=]", w)[0] for w in wanted} <= {*pinned, "snn2chip"}


def test_the_oldest_releases_are_those_that_the_package_names():
    text = (ROOT / "tests" / "release" / "oldest.txt").read_text()
    tried = dict(re.findall(r"^([\w.-]+)==(.+)$", text, re.MULTILINE))
    named = dict(re.findall(r"([\w-]+)>=([\d.]+)", " ".join(PROJECT["project"]["dependencies"])))
    assert tried.keys() == named.keys()
    assert all(f"{tried[name]}.".startswith(f"{oldest}.") for name, oldest in named.items())


def test_doctor_asks_for_what_the_package_needs():
    needed = {re.split(r"[\[><=]", d)[0] for d in PROJECT["project"]["dependencies"]}
    assert set(NEEDED) == needed


def test_doctor_knows_what_the_extras_bring():
    extras = PROJECT["project"]["optional-dependencies"]
    users = {
        re.split(r"[\[><=]", d)[0]
        for e in extras.keys() - {"all", "dev", "docs"}
        for d in extras[e]
    }
    assert users - {"requests"} <= set(OPTIONAL)  # which tonic needs


def test_ci_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_hooks_look_at_what_make_lint_looks_at():
    (code,) = re.findall(r"^CODE := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text().split("- id: ")[1:]
    ruff = [h for h in hooks if h.startswith("ruff-")]
    assert len(ruff) == 2
    assert all(f"files: ^({'|'.join(code.split())})/" in h for h in ruff)


def test_make_help_lists_every_part_of_make_test():
    text = (ROOT / "Makefile").read_text()
    (parts,) = re.findall(r"^test: (.+?) ##", text, re.MULTILINE)
    listed = re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE)
    assert {"test", *parts.split()} <= set(listed)


def test_all_is_every_extra_but_the_developers():
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert everything == f"snn2chip[{','.join(sorted(extras.keys() - {'all', 'dev'}))}]"


def test_every_extra_is_tried():
    assert EXTRAS.keys() == PROJECT["project"]["optional-dependencies"].keys()
