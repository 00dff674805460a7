"""Compiling with a disk cache that a change of any source of the kernels makes stale."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import config

from snn2chip import fixed

FOLDER = Path(__file__).parent

CONFIG: Any = config
"""numba's settings, whose names are made at run time."""

Compiled = Callable[..., Any]
"""A function as numba compiles it, for the types that it is called with."""


def _digest() -> str:
    """Of everything that ends up in the machine code: numba itself looks only at a function's own file."""
    sources = (Path(fixed.__file__), *sorted(FOLDER.glob("*.py")))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def _folder() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = Path(CONFIG.CACHE_DIR) if CONFIG.CACHE_DIR else home / "snn2chip"
    return root / f"kernels-{_digest()}"


CACHE = _folder()


def compiled(function: Callable[..., Any]) -> Compiled:
    """`function` for one core: compiled at its first call, or read from the disk cache."""
    return _njit(function, parallel=False)


def compiled_parallel(function: Callable[..., Any]) -> Compiled:
    """`function`, whose `prange` loops run on `numba.get_num_threads()` cores."""
    return _njit(function, parallel=True)


def _njit(function: Callable[..., Any], parallel: bool) -> Compiled:
    before = CONFIG.CACHE_DIR
    CONFIG.CACHE_DIR = str(CACHE)
    plain = numba.njit(function, parallel=parallel, nogil=True, error_model="numpy")
    try:
        # Where nothing can be written, kernels compile anew in every process.
        with suppress(OSError, RuntimeError):
            CACHE.mkdir(parents=True, exist_ok=True)
            plain.enable_caching()
    finally:
        CONFIG.CACHE_DIR = before
    return plain
