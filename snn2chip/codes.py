"""The page of every error and finding, by code: what it says, why, an example, what to do.

Pages stand in codes.toml; those of the audit's rules are the rules' docstrings.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from snn2chip.chip.rules import RULES

WIDTH = 100
_EXAMPLE, _HELP = "Example: ", "What to do: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`what`: one sentence. The rest may be empty."""

    what: str
    why: str = ""
    example: str = ""
    help: str = ""

    def lines(self) -> list[str]:
        """The page, for people."""
        example = f"{_EXAMPLE}{self.example}" if self.example else ""
        help = f"{_HELP}{self.help}" if self.help else ""
        return [
            line
            for part in (self.what, self.why, example, help)
            if part
            for line in (*wrap(part, WIDTH), "")
        ][:-1]

    def to_dict(self) -> dict[str, str]:
        """Plain values."""
        return {"what": self.what, "why": self.why, "example": self.example, "help": self.help}


def page_of(docstring: str) -> Page:
    r"""A page from a docstring: its first line, then text, `Example: ` and `What to do: `.

    >>> page_of("A limit.\n\nIt is small.\n\nExample: 3.\nWhat to do: nothing.").help
    'nothing.'
    """
    what, _, rest = docstring.partition("\n")
    text = " ".join(rest.split())
    text, _, help = text.partition(_HELP)
    why, _, example = text.partition(_EXAMPLE)
    return Page(what=what, why=why.strip(), example=example.strip(), help=help)


def _pages() -> dict[str, Page]:
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    pages = {code: Page(**entry) for code, entry in table.items()}
    pages |= {rule.code: page_of(rule.page) for rule in RULES}
    return dict(sorted(pages.items()))


PAGES: Mapping[str, Page] = _pages()
"""Code -> page, in alphabetical order."""
