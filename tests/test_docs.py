"""What the docs show exists: commands parse, Python compiles, links lead somewhere."""

import re
import shlex
from pathlib import Path
from textwrap import dedent

import pytest

from snn2chip.cli.main import parser
from snn2chip.cli.verbs import VERBS
from snn2chip.codes import PAGES as CODES

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(p.relative_to(ROOT)) for p in PAGES]
VERB_NAMES = {verb.name for verb in VERBS}

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}\S.*\n(?: {4}.*\n)*", re.MULTILINE)


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, text) of every code block, fenced or indented; fenced blocks may hold indented lines."""
    outside = FENCE.sub("", text)
    fenced = [(m[1], m[2]) for m in FENCE.finditer(text)]
    return [*fenced, *(("", dedent(m[0])) for m in INDENTED.finditer(outside))]


def commands(text: str) -> list[str]:
    """Command lines in blocks, without prompt and comment, and `snn2chip ...` in sentences."""
    shown = "\n".join(block for _, block in blocks(text)).replace("\\\n", " ")
    lines = re.findall(r"^(?:\$ )?(snn2chip [^#\n]*)", shown, re.MULTILINE)
    sentences = re.findall(r"`(snn2chip [^`]+)`", FENCE.sub("", text))
    return [" ".join(c.split()) for c in (*lines, *sentences)]


def all_commands() -> list[str]:
    return sorted({c for page in PAGES for c in commands(page.read_text())})


@pytest.mark.parametrize("command", all_commands())
def test_every_command_is_one(command):
    _, first, *others = shlex.split(command)
    if "--help" in (first, *others):
        assert first in VERB_NAMES | {"--help", "COMMAND"}
    elif others or first not in VERB_NAMES:  # else: the name of a command, in a sentence
        assert parser().parse_args([first, *others]).verb == first


def test_there_are_commands_to_check():
    assert {"deploy", "check", "verify", "rerun"} <= {c.split()[1] for c in all_commands()}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_compiles(page):
    for language, block in blocks(page.read_text()):
        if language == "python":
            compile(block, str(page), "exec")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text())
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        if not link.startswith("https:"):
            assert (page.parent / link).exists(), link


def test_every_decision_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {p.name for p in (ROOT / "docs" / "decisions").glob("*.md")}
    assert pages and pages == set(re.findall(r"decisions/([\w.-]+)", index))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_codes_of_findings_have_a_page(page):
    """`error[code] ...` as the tool prints it."""
    shown = re.findall(r"(?:error|warning|note)\[([a-z-]+)\]", page.read_text())
    assert set(shown) <= set(CODES)


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {
        t
        for page in PAGES
        for t in re.findall(r"(?:^|`|    )make ([a-z-]+)", page.read_text(), re.MULTILINE)
    }
    assert {"demo", "test"} <= shown <= targets
