"""Which library may have written a `.nir` file: a hint for the one who is asked, never an answer."""

from collections.abc import Iterator

import numpy as np

from snn2chip.circuit.nir_file import NirFile, NirNode
from snn2chip.errors import Finding, Severity
from snn2chip.neuron import Reset
from snn2chip.readers.nir_convention import Convention

_STEP = 1e-4
"""dt of the exporters of snnTorch 1.0.0 (fixed) and SpikingJelly 2.0.0 (by default)."""


def hint(file: NirFile) -> str:
    """Words for the library that writes such neurons, '' where nothing tells."""
    signs = dict(s for node in file.nodes.values() for s in _signs(node))
    if len(signs) == 1:
        library, sign = next(iter(signs.items()))
        return f"{sign}, as {library} writes; name the library that wrote the file"
    if not signs and subtracts(file):
        return (
            f"it is of nir {file.version}, as sinabs writes; name the library that wrote the file"
        )
    return "name the library that wrote the file"


def subtracts(file: NirFile) -> bool:
    """Whether firing subtracts the threshold in the NIR of the file's version: up to 1.0.5."""
    parts = file.version.split(".")
    return all(p.isdecimal() for p in parts) and tuple(int(p) for p in parts) <= (1, 0, 5)


def against_version(file: NirFile, convention: Convention) -> Iterator[Finding]:
    """A warning where a convention resets to a value and the NIR of the file subtracts."""
    if subtracts(file) and convention.reset is Reset.ZERO:
        yield Finding(
            code="nir-version",
            severity=Severity.WARNING,
            where=file.path,
            why="in the NIR of its version firing subtracts the threshold, the convention resets to a value",
            have=f"nir {file.version}",
            need="nir 1.0.6 or later",
            help="give reset=subtract, or keep the convention if the library that wrote it resets to 0",
        )


def _signs(node: NirNode) -> Iterator[tuple[str, str]]:
    tau, r = node.fields.get("tau"), node.fields.get("r")
    if isinstance(r, str) or r is None or isinstance(tau, str):
        return
    if node.type == "IF" and r.size and np.all(r == 1 / _STEP):
        yield "SpikingJelly", f"r of its IF nodes is {1 / _STEP:g}"
    if node.type != "LIF" or tau is None or tau.shape != r.shape:
        return
    if tau.ndim == 0:
        yield "norse", "its LIF nodes have single numbers"
    elif tau.dtype == np.float32 and np.allclose(r * _STEP, tau, rtol=1e-6, atol=0):
        yield "snnTorch", f"r of its LIF nodes is tau / {_STEP:g} in float32"
    elif tau.dtype == np.float64 and np.allclose(r * _STEP, tau, rtol=1e-12, atol=0):
        yield "SpikingJelly", f"r of its LIF nodes is tau / {_STEP:g} in float64"
