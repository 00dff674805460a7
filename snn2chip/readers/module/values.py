"""What a tensor of a trace stands for: sums of layers, at one step or over all of them, and states of neurons."""

import math
from dataclasses import dataclass
from enum import Enum

from snn2chip.arrays import FloatArray


class Axes(Enum):
    """What stands before (C, H, W).

    STEP [N]: one step. TIME [T, N], SECOND [N, T]. MERGED [T·N] and MERGED_SECOND [N·T]: steps and samples in one
    axis. ONE [1, N]: one step, about to be repeated. TOTAL [N]: summed over the steps.
    """

    STEP = "one step"
    TIME = "steps first"
    SECOND = "samples first"
    MERGED = "steps and samples in one axis"
    MERGED_SECOND = "samples and steps in one axis"
    ONE = "one step with an axis for the steps"
    TOTAL = "summed over the steps"

    def sizes(self, steps: int, batch: int) -> tuple[int, ...]:
        """Sizes of the axes before (C, H, W)."""
        if self in (Axes.MERGED, Axes.MERGED_SECOND):
            return (steps * batch,)
        if self is Axes.ONE:
            return (1, batch)
        sizes = {Axes.TIME: (steps, batch), Axes.SECOND: (batch, steps)}
        return sizes.get(self, (batch,))

    @property
    def whole(self) -> bool:
        """Whether all steps are in the tensor."""
        return self in (Axes.TIME, Axes.SECOND, Axes.MERGED, Axes.MERGED_SECOND)


@dataclass(frozen=True, slots=True)
class At:
    """Output of `layer` in step `step` of an unrolled loop; None where it is of no certain step."""

    layer: str
    step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sum:
    """Σ factor · layer + constant. `constant` broadcasts against (C, H, W).

    `path`: the submodule that wrote the sum.
    """

    terms: dict[At, float]
    axes: Axes
    constant: FloatArray | float = 0.0
    path: str = ""

    @property
    def single(self) -> At | None:
        """The layer that this simply is, or None."""
        plain = self.plain and len(self.terms) == 1 and next(iter(self.terms.values())) == 1.0
        return next(iter(self.terms)) if plain else None

    @property
    def plain(self) -> bool:
        """Whether nothing constant is added."""
        return isinstance(self.constant, float | int) and self.constant == 0.0


@dataclass(frozen=True, slots=True)
class State:
    """What the neurons at `path` returned beside their spikes in call number `call`."""

    path: str
    call: int


@dataclass(frozen=True, slots=True)
class Stack:
    """Tensors stacked along a new axis `dim`."""

    items: tuple[object, ...]
    dim: int


Meaning = Sum | State | Stack


def at_path(path: str, what: str) -> str:
    """The name of something that a module does itself: `path#what`, and without a path `what`."""
    return f"{path}#{what}" if path else what


def over_all_steps(terms: dict[At, float], steps: int) -> dict[At, float] | None:
    """Terms of an accumulation over the steps as terms of a total; None where it is none.

    Every layer must come once, with one factor, in each of the steps 0 … T-1.
    """
    found: dict[At, float] = {}
    for layer in dict.fromkeys(at.layer for at in terms):
        factors = {at.step: f for at, f in terms.items() if at.layer == layer}
        first = next(iter(factors.values()))
        complete = set(factors) == set(range(steps))
        if not complete or any(f != first for f in factors.values()):
            return None
        found[At(layer)] = first
    return found


def common_step(terms: dict[At, float]) -> tuple[bool, int | None]:
    """(whether all terms can be of one step, that step)."""
    steps = {at.step for at in terms} - {None}
    return len(steps) <= 1, next(iter(steps), None)


def is_one(value: float, of: float = 1.0) -> bool:
    """Value == of, but for the last bit of a division."""
    return math.isclose(value, of, rel_tol=1e-12)
