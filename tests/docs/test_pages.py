"""What the docs show exists: commands parse, Python compiles, links lead somewhere."""

import re
import shlex

import pytest

from snn2chip.cli.main import parser
from snn2chip.cli.verbs import VERBS
from snn2chip.codes import PAGES as CODES
from tests.docs.pages import FENCE, MARKER, NAMES, PAGES, ROOT, blocks, shell_lines

VERB_NAMES = {verb.name for verb in VERBS}


def all_commands() -> list[str]:
    """All but the examples of errors, which show misuse."""
    pages = [page for page in PAGES if page.name != "errors.md"]
    return sorted({c for page in pages for c in shell_lines(page.read_text())})


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
    for block in blocks(page.read_text()):
        if block.python:
            compile(block.text, str(page), "exec")


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


def test_blocks_commands_and_markers_of_a_page():
    text = (
        "<!-- prepare: digits build -->\n<!-- exit: 1 -->\n\n```\n$ snn2chip check x  # why\nno\n"
        "$ snn2chip explain \\\n  a\n```\n\n    python a.py 'b c'\n\n<!-- not run: is a sketch -->\n"
        "```python\nx\n```\n"
    )
    first, second, third = blocks(text)
    assert (first.prepare, first.exit, first.line) == (("digits", "build"), 1, 4)
    assert [(c.words, c.shown) for c in first.commands()] == [
        (("snn2chip", "check", "x"), "no"),
        (("snn2chip", "explain", "a"), ""),
    ]
    assert [c.words for c in second.commands()] == [("python", "a.py", "b c")]
    assert (second.prepare, second.exit) == ((), 0)
    assert (third.python, third.not_run, third.commands()) == (True, "is a sketch", [])


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_marker_stands_before_a_block(page):
    """One that is misspelt, or after the last block, would say nothing."""
    text = page.read_text()
    comments = [c for c in re.findall(r"<!-- (.*?) -->", FENCE.sub("", text)) if ": " in c]
    known = [c for c in comments if MARKER.fullmatch(f"<!-- {c} -->") or c.split(": ")[1] in ENDS]
    assert comments == known
    said = sum(bool(b.prepare) + bool(b.exit) + bool(b.not_run) for b in blocks(text))
    assert said == len(MARKER.findall(text))


ENDS = ("begin", "end")
"""Of parts that a script writes."""


def test_every_known_pain_has_an_answer():
    """A row for each, in order, and what it names exists."""
    text = (ROOT / "docs" / "what-users-ask.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, 33))
    for _, _, _, answer in rows:
        assert re.search(r"`[^`]+`|\]\([\w#.-]+\)", answer)
        assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", answer)) <= set(CODES)
