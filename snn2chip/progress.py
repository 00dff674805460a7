"""How long work tells that it goes on. The library only calls these; what is shown is the caller's business."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Fraction = Callable[[float], None]
"""Called with the part that is done, 0 to 1."""


class Progress(Protocol):
    """Where stages and notes go."""

    def stage(self, name: str) -> AbstractContextManager[Fraction]:
        """Begin a stage; it ends with the context."""
        ...

    def note(self, text: str) -> None:
        """Tell the user one thing: an assumption, something dropped, something clipped."""
        ...


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(self, name: str) -> Generator[Fraction]:  # noqa: ARG002
        """Do nothing."""
        yield lambda _: None

    def note(self, text: str) -> None:
        """Do nothing."""
