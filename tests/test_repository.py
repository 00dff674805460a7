"""README, docs and build files say what is there."""

import os
import re
import shlex
import tomllib
from pathlib import Path

import pytest

import snn2chip
from snn2chip.cli.main import parser
from snn2chip.stages.doctor import NEEDED

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(pages):
    return [str(p.relative_to(ROOT)) for p in pages]


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not link.startswith("https:"):
            assert (page.parent / link).exists(), link


def commands() -> list[str]:
    found: list[str] = []
    for page in PAGES:
        text = page.read_text()
        found += re.findall(r"^snn2chip [a-z].*", text, re.MULTILINE)
        found += [c for c in re.findall(r"`(snn2chip [a-z][^`]*)`", text) if "CODE" not in c]
    return sorted({c.split("#")[0].strip() for c in found})


@pytest.mark.parametrize("command", commands())
def test_a_command_that_is_shown_is_one(command):
    words = shlex.split(command)[1:]
    verbs = {"deploy", "verify", "trace", "check", "simulate", "convert", "twin"}
    if len(words) == 1 and words[0] in verbs:
        return  # the command's name, in a sentence
    assert parser().parse_args(words).verb == words[0]


def test_make_targets_that_are_shown_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {t for page in PAGES for t in re.findall(r"^make ([a-z-]+)", page.read_text(), re.M)}
    assert {"demo", "test"} <= shown <= targets


def test_versions_agree():
    version = PROJECT["project"]["version"]
    assert snn2chip.__version__ == version
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text()


def test_everything_that_is_installed_is_pinned():
    text = (ROOT / "constraints.txt").read_text()
    pinned = set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))
    project = PROJECT["project"]
    wanted = [
        *project["dependencies"],
        *(x for e in project["optional-dependencies"].values() for x in e),
    ]
    assert {re.split(r"[\[><=]", w)[0] for w in wanted} <= pinned


def test_doctor_asks_for_what_the_package_needs():
    needed = {re.split(r"[\[><=]", d)[0] for d in PROJECT["project"]["dependencies"]}
    assert set(NEEDED) == needed


def test_ci_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
