"""Every block of commands and of Python in the docs is run, page by page, in a folder of its own.

A command must end with the status that the page says (0 unless marked), and print what the page shows below it. With
LONG_DOCS=1 in the environment (`make docs-long`), pages with blocks that take minutes are run, those blocks, too.
"""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from snn2chip.cli.main import main
from tests.docs.pages import LONG, NAMES, NOT_RUN, PAGES, PRINTED, Block, Shell, blocks
from tests.docs.prepare import PREPARE

BLOCKS = {name: blocks(page.read_text()) for name, page in zip(NAMES, PAGES, strict=True)}
WITH_LONG = os.environ.get("LONG_DOCS") == "1"


def is_run(block: Block) -> bool:
    """Whether a block is run this time."""
    return not block.not_run or (WITH_LONG and block.not_run == LONG)


def is_asked(found: list[Block]) -> bool:
    """Whether a page has blocks to run, this time."""
    if WITH_LONG:
        return any(b.not_run == LONG for b in found)
    return any((b.python or b.commands()) and is_run(b) for b in found)


RUN = [name for name, found in BLOCKS.items() if name not in PRINTED and is_asked(found)]
LEFT_OUT = [(n, b.line, b.not_run) for n, found in BLOCKS.items() for b in found if b.not_run]


@pytest.mark.parametrize("page", RUN)
def test_every_block_of(page, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "docs"}
    for block in BLOCKS[page]:
        for name in block.prepare:
            PREPARE[name](tmp_path)
        if not is_run(block):
            continue
        if block.python:
            execute(block, page, names)
        commands = block.commands()
        for command in commands:
            status = block.exit if command is commands[-1] else 0
            capfd.readouterr()
            got = run(command, tmp_path)
            out, err = capfd.readouterr()
            assert got == status, f"{page}:{block.line}: {command}: ended with {got}\n{err or out}"
            assert holds(command.shown, out + err), f"{command} printed\n{out}{err}"


def execute(block: Block, page: str, names: dict[str, Any]) -> None:
    """A block of Python, with the names of the blocks before it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the frameworks, where they are imported
        exec(compile(block.text, f"{page}:{block.line}", "exec"), names)


def run(command: Shell, folder: Path) -> int:
    """The exit status; snn2chip runs in this process, which has imported what it needs."""
    first, *others = command.words
    if first == "snn2chip":
        try:
            return main(others)
        except SystemExit as e:  # --help
            return int(e.code or 0)
    program = sys.executable if first == "python" else first
    done = subprocess.run([program, *others], cwd=folder, env=os.environ, timeout=300, check=False)
    return done.returncode


def holds(shown: str, printed: str) -> bool:
    """Whether the lines that a page shows were printed one below the other; `…` stands for anything, also for lines."""
    parts = [re.escape(line.rstrip()) for line in shown.splitlines()]
    pattern = r"\s*\n".join("(?:.*\n)*?.*" if p == "…" else p.replace("…", ".*") for p in parts)
    return not shown or re.search(rf"^{pattern}\s*$", printed, re.MULTILINE) is not None


def test_output_is_compared():
    printed = "a 1\nb 2 ms\nc\nd 4\n"
    assert holds("", printed) and holds("a 1\nb … ms\nc", printed) and holds("a 1\n…\nd 4", printed)
    assert not holds("a 1\nc", printed)
    assert not holds("a", printed)


def test_what_is_not_run_is_little_and_has_a_reason():
    assert all(reason in NOT_RUN for _, _, reason in LEFT_OUT), LEFT_OUT
    assert len(LEFT_OUT) <= 20, LEFT_OUT
