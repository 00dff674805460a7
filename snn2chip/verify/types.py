"""The Verdict: what was compared with what, and what came out."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first place where two executors differ. `potential` and `threshold` where they are known."""

    layer: str
    step: int
    sample: int
    neuron: tuple[int, ...]
    left: float
    right: float
    potential: float | None = None
    threshold: float | None = None

    def __str__(self) -> str:
        at = f"{self.layer}, step {self.step}, sample {self.sample}, neuron {self.neuron}"
        margin = (
            ""
            if self.potential is None
            else f"; potential {self.potential:g}, threshold {self.threshold:g}"
        )
        return f"{at}: {self.left:g} against {self.right:g}{margin}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCount:
    """Per layer of one comparison: values compared, differing, and the mean output of both sides."""

    layer: str
    compared: int
    differing: int
    left_rate: float
    right_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One rung of the ladder.

    `rung`: "0", "1", "1b", "2", "2b", "2c", "3", "4". `passed`: the statement holds (2b and an unproved 2c are
    measurements, and hold
    unless a layer died). `compared`, `differing`: single outputs of neurons. `ties`: differences forced at potential ==
    threshold (rungs 0, 1 and 1b). `sides`: the two or more executors. `notes`: sentences for people. `measures`:
    numbers such as `agreement`, `top1_original`, `top1_twin`, `samples`. `executors`: rung 3 executor by executor, the
    counts of each population and read-out.
    """

    rung: str
    title: str
    sides: tuple[str, ...]
    passed: bool
    compared: int
    differing: int
    ties: int = 0
    first: Difference | None = None
    layers: tuple[LayerCount, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict[str, float])
    executors: Mapping[str, tuple[LayerCount, ...]] = field(
        default_factory=dict[str, tuple[LayerCount, ...]]
    )
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All rungs that were asked for.

    `not_exercised`: layers without a spike on this input; `left_out`: rungs not asked for, and why.
    """

    rungs: tuple[Rung, ...]
    not_exercised: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True only if something was asked for and every rung passed."""
        return bool(self.rungs) and all(r.passed for r in self.rungs)

    def __bool__(self) -> bool:
        return self.passed
