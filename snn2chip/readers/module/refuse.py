"""Where something stands in a user's module, and the error that says that it cannot be kept."""

import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

import torch

from snn2chip.errors import Snn2ChipError

PACKAGES = ("spikingjelly", "norse", "snntorch", "sinabs")
"""Packages whose modules are a framework's."""

_OURS = str(Path(__file__).parent)
_TORCH = str(Path(torch.__file__).parent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`path`: the submodule whose code runs (empty: the module itself); `source`: `file.py:line` of the user's code."""

    path: str
    source: str

    def __str__(self) -> str:
        where = self.path or "the module"
        return f"{where} ({self.source})" if self.source else where


def refused(
    code: str, place: Place, why: str, *, have: object = "", need: str = "", help: str = ""
) -> Snn2ChipError:
    """The error for one thing at one place."""
    return Snn2ChipError(code, str(place), why, have=str(have), need=need, help=help)


def calling_line() -> str:
    """`file.py:line` of the innermost frame that is neither ours, torch's nor a library's; empty if there is none."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        if _is_users(frame.f_code.co_filename):
            return _line(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return ""


def failing_line(traceback: TracebackType | None) -> str:
    """`file.py:line` of the innermost frame of a traceback that is the user's."""
    found = ""
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if _is_users(name):
            found = _line(name, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def _is_users(filename: str) -> bool:
    return "site-packages" not in filename and not filename.startswith(
        ("<", _TORCH, _OURS, *_frameworks())
    )


def _frameworks() -> list[str]:
    """Folders of the frameworks that are imported, wherever they are installed."""
    found = (getattr(sys.modules.get(name), "__file__", None) for name in PACKAGES)
    return [f"{Path(file).parent}/" for file in found if file is not None]


def _line(filename: str, number: int) -> str:
    return f"{Path(filename).name}:{number}"
