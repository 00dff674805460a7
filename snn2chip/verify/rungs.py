"""The rungs that compare integers: twin, code, engines, program. And the one that measures what rounding cost."""

from collections.abc import Mapping, Sequence

import numpy as np

from snn2chip.chip.validate import Validation
from snn2chip.errors import Finding, errors_of
from snn2chip.recording import Outputs
from snn2chip.verify.compare import Tally
from snn2chip.verify.types import Rung


def exact(
    rung: str,
    title: str,
    sides: tuple[str, ...],
    tally: Tally,
    notes: Sequence[str] = (),
    executors: Mapping[str, Tally] | None = None,
) -> Rung:
    """A rung that holds only if something was compared and nothing differs."""
    return Rung(
        rung=rung,
        title=title,
        sides=sides,
        passed=tally.compared > 0 and tally.differing == 0,
        compared=tally.compared,
        differing=tally.differing,
        first=tally.first,
        layers=tuple(tally.layers.values()),
        executors={name: tuple(t.layers.values()) for name, t in (executors or {}).items()},
        notes=tuple(notes),
    )


def loss(tally: Tally, measures: Mapping[str, float], allow: tuple[str, ...], clipped: int) -> Rung:
    """Rung 2b: what quantization changed.

    False only if a layer that fired is silent now (unless `dead-layer` is allowed). `clipped`: values of the input.
    """
    dead = silenced(tally)
    notes = [f"{layer} fired in the original and is silent on the chip" for layer in dead]
    if clipped:
        notes.append(f"{clipped:,} values of the input lie outside its grid and were clipped")
    return Rung(
        rung="2b",
        title="what rounding changed",
        sides=("original circuit, original input", "quantized circuit, input on its grid"),
        passed=tally.compared > 0 and (not dead or "dead-layer" in allow),
        compared=tally.compared,
        differing=tally.differing,
        first=tally.first,
        layers=tuple(tally.layers.values()),
        measures=measures,
        notes=tuple(notes),
    )


def silenced(tally: Tally) -> tuple[str, ...]:
    """Layers that fire on the left side and nowhere on the right."""
    return tuple(c.layer for c in tally.layers.values() if c.left_rate > 0 and c.right_rate == 0)


LIVE = "the user's module, float32"
"""A side of rungs 0 and 2c where the source is a module in memory."""

LIVE_CODE = ("twin of the module in its own framework", LIVE)
PLAIN_CODE = (
    "twin checkpoint in our plain PyTorch",
    "plain PyTorch that computes as the source does, float32",
)
"""Title of rung 2c, and what runs there."""


def code(tally: Tally, proved: bool, reasons: tuple[str, ...], live: bool) -> Rung:
    """Rung 2c: the twin in float code (see chunk.Code). Must be equal where that is proved, else counted."""
    passed = tally.compared > 0 and (tally.differing == 0 or not proved)
    title, side = LIVE_CODE if live else PLAIN_CODE
    return Rung(
        rung="2c",
        title=title,
        sides=(side, "spec"),
        passed=passed,
        compared=tally.compared,
        differing=tally.differing,
        first=tally.first,
        layers=tuple(tally.layers.values()),
        measures={"proved": float(proved)},
        notes=reasons,
    )


def program(validation: Validation, audited: Sequence[Finding]) -> Rung:
    """Rung 4: the network rebuilt from the packed tables, for all inputs; and no limit broken."""
    errors = errors_of((*audited, *validation.findings))
    return Rung(
        rung="4",
        title="packed tables",
        sides=("tables of the cores, rebuilt", "quantized circuit"),
        passed=validation.compared > 0 and validation.differing == 0 and not errors,
        compared=validation.compared,
        differing=validation.differing,
        notes=tuple(str(e) for e in errors),
    )


def silent_layers(outputs: Mapping[str, Outputs]) -> set[str]:
    """Layers without a single spike."""
    return {name for name, values in outputs.items() if not np.any(values)}
