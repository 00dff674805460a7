"""The pages of the documentation: their blocks of code, and the hidden markers that stand before some of them.

A marker is an HTML comment, which no reader sees:

    <!-- prepare: NAME ... -->     functions of tests/docs/prepare.py put files into the page's folder
    <!-- exit: N -->               the block's last command ends with N (else 0)
    <!-- not run: REASON -->       the block is only parsed; REASON is one of NOT_RUN (LONG: see `make docs-long`)
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(p.relative_to(ROOT)) for p in PAGES]

COMMANDS = ("snn2chip", "python", "make", "git", "pip", "cd", "cp")
"""What a line of a block begins with that is a command; a block with `$` prompts shows output, too."""

LONG = "takes minutes"

NOT_RUN = (
    "installs packages",
    "needs a data set that has to be fetched",
    LONG,
    "is the repository's own work",
    "is a sketch",
)
"""The reasons for which a block may be left out."""

PRINTED = ("docs/results.md",)
"""Pages that show what long runs printed, written by the script that ran them (docs/make_results.py)."""

MARKER = re.compile(r"<!-- (prepare|exit|not run): (.*?) -->")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n) {4}\S.*\n(?: {4}.*\n|\n(?= {4}))*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """One command line, and the output that the page shows below it (empty: none)."""

    words: tuple[str, ...]
    shown: str = ""

    def __str__(self) -> str:
        return shlex.join(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of code; `prepare`, `exit` and `not_run` are what its markers say."""

    line: int
    language: str
    text: str
    prepare: tuple[str, ...] = ()
    exit: int = 0
    not_run: str = ""

    @property
    def python(self) -> bool:
        """Whether it is Python to run."""
        return self.language == "python"

    def commands(self) -> list[Shell]:
        """Its command lines; a block of anything else has none."""
        if self.language not in ("", "sh", "console"):
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        prompted = [i for i, line in enumerate(lines) if line.startswith("$ ")]
        if prompted:
            ends = [*prompted[1:], len(lines)]
            return [
                Shell(words=words(lines[i][2:]), shown="\n".join(lines[i + 1 : end]).strip("\n"))
                for i, end in zip(prompted, ends, strict=True)
            ]
        split = [w for line in lines if (w := words(line))] if self._is_shell(lines) else []
        return [Shell(words=w) for w in split]

    def _is_shell(self, lines: list[str]) -> bool:
        first = next((line.split()[0] for line in lines if line.strip()), "")
        return first in COMMANDS


def words(line: str) -> tuple[str, ...]:
    """A command line without its comment, as a shell splits it; empty where it is none."""
    try:
        return tuple(shlex.split(line, comments=True))
    except ValueError:  # a quote that never ends: a picture in characters
        return ()


def blocks(text: str) -> list[Block]:
    """Every block, fenced or indented, in the order of the page."""
    return sorted(_blocks(text), key=lambda b: b.line)


def _blocks(text: str) -> Iterator[Block]:
    plain = FENCE.sub(lambda m: re.sub(r"[^\n]", "x", m[0]), text)
    found = [(m.start(), m[1], m[2]) for m in FENCE.finditer(text)]
    found += [(m.start(), "", dedent(m[0])) for m in INDENTED.finditer(plain)]
    ends = {m.end() for m in FENCE.finditer(text)} | {m.end() for m in INDENTED.finditer(plain)}
    for start, language, code in found:
        before = text[max((e for e in ends if e <= start), default=0) : start]
        marked = {key: value.strip() for key, value in MARKER.findall(before)}
        yield Block(
            line=text.count("\n", 0, start) + 1,
            language=language,
            text=code,
            prepare=tuple(marked.get("prepare", "").split()),
            exit=int(marked.get("exit", "0")),
            not_run=marked.get("not run", ""),
        )


def sentences(text: str) -> list[str]:
    """`snn2chip ...` inside sentences."""
    plain = FENCE.sub("", text)
    return [" ".join(c.split()) for c in re.findall(r"`(snn2chip [^`]+)`", plain)]


def shell_lines(text: str) -> list[str]:
    """Every `snn2chip` command line of a page, in blocks and in sentences."""
    shown = [c.words for b in blocks(text) for c in b.commands() if c.words[0] == "snn2chip"]
    return [*(shlex.join(w) for w in shown), *sentences(text)]
