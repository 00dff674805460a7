"""What a command is: its name, its arguments, and the function of the API that it calls."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from snn2chip.cli.show import progress
from snn2chip.progress import Progress


class Result(Protocol):
    """What a command returns: lines for people, a tree for machines."""

    def lines(self) -> list[str]:
        """Lines of text."""
        ...

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        ...


Add = Callable[[argparse.ArgumentParser], None]
Run = Callable[[argparse.Namespace], tuple[Result, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One command. `run` returns the result and the exit status.

    `keeps`: what a run has finished stays where it is stopped; else nothing does.
    """

    name: str
    help: str
    example: str
    add: Add
    run: Run
    details: str = ""
    keeps: bool = False


def show(a: argparse.Namespace) -> Progress:
    """Where a command's progress goes: only notes where stdout is for machines."""
    return progress(quiet=getattr(a, "json", False))


def verb(
    name: str,
    help: str,
    example: str,
    add: Add,
    run: Run,
    details: str = "",
    *,
    keeps: bool = False,
) -> Verb:
    """A command in one line."""
    return Verb(
        name=name,
        help=help,
        example=f"snn2chip {example}",
        add=add,
        run=run,
        details=details,
        keeps=keeps,
    )
