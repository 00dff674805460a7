"""Progress on a terminal: stages with bars where they are long, notes as lines. Everything goes to stderr."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from snn2chip.progress import Progress, Silent


def progress(quiet: bool) -> Progress:
    """Bars on a terminal, plain lines elsewhere, nothing but notes if `quiet`."""
    return Shown(bars=sys.stderr.isatty() and not quiet, stages=not quiet)


class Shown(Silent):
    """Progress through rich, on stderr."""

    def __init__(self, *, bars: bool, stages: bool) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bars = bars
        self._stages = stages

    @contextmanager
    def stage(self, name: str) -> Generator[Callable[[float], None]]:
        """A bar, or a line when the stage is done."""
        from time import monotonic

        began = monotonic()
        if self._bars:
            from rich.progress import (
                BarColumn,
                Progress,
                SpinnerColumn,
                TextColumn,
                TimeElapsedColumn,
            )

            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TimeElapsedColumn(),
            )
            with Progress(*columns, console=self._console, transient=True) as bar:
                task = bar.add_task(name, total=1.0)
                yield lambda done: bar.update(task, completed=done)
        else:
            yield lambda _: None
        if self._stages:
            self._console.print(f"{name:<12} {monotonic() - began:6.1f} s", style="dim")

    def note(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False)
