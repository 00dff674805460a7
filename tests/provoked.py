"""Which codes of errors and findings the tests provoke: a run of all tests fails where one of the pages has no test.

A code counts where the package itself makes the finding, in this process or in a worker of pytest-xdist. What a
test builds by hand does not count, nor what is copied, read back from a file, or made by a program that a test starts.
"""

import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import pytest

import snn2chip
from snn2chip import errors

PACKAGE = str(Path(snn2chip.__file__).parent) + "/"
_KEY = "provoked"
_CHOICES = ("keyword", "markexpr", "deselect", "lf", "stepwise", "collectonly")
"""Options of pytest with which not all tests are run."""


class Worker(Protocol):
    """What pytest-xdist tells its controller of a worker that has ended."""

    workeroutput: dict[str, Any]


class Provoked:
    """A plugin of pytest that records codes, and asks for all that are `wanted` at the end of a run of all tests."""

    def __init__(self, wanted: Callable[[], Iterable[str]]) -> None:
        self.wanted = wanted
        self.codes: set[str] = set()
        self.missing: list[str] = []

    def record(self) -> None:
        """From now on, see every finding that is made in this process; each error makes one."""
        plain, codes = errors.Finding.__init__, self.codes

        @wraps(plain)
        def seen(self: errors.Finding, **fields: Any) -> None:
            plain(self, **fields)
            if self.code not in codes and by_the_package(sys._getframe(1)):
                codes.add(self.code)

        errors.Finding.__init__ = seen

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Worker) -> None:
        self.codes.update(getattr(node, "workeroutput", {}).get(_KEY, ()))

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        to_controller: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if to_controller is not None:
            to_controller[_KEY] = sorted(self.codes)
        elif exitstatus == pytest.ExitCode.OK and of_all(session.config):
            self.missing = sorted({*self.wanted()} - self.codes)
            if self.missing:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.missing:
            codes = ", ".join(self.missing)
            line = f"ERROR: no test provokes these codes (tests/provoked.py): {codes}"
            terminalreporter.write_line(line, red=True)


def by_the_package(frame: FrameType | None) -> bool:
    """Whether what is made at `frame` is made by a file of the package: the one that called errors.py."""
    while frame is not None and frame.f_code.co_filename == errors.__file__:
        if frame.f_code is errors.Finding.from_dict.__func__.__code__:
            return False
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(PACKAGE)


def of_all(config: pytest.Config) -> bool:
    """Whether nothing on the command line chose some of the tests."""
    return (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and not any(config.getoption(name, None) for name in _CHOICES)
        and not any(word.startswith("--ignore") for word in config.invocation_params.args)
    )
