"""What debugging the accuracy of a network counts and finds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from math import ceil


class Measure(Enum):
    """By what a loss is judged: samples that get their class, decisions as the source's, single outputs."""

    TOP1 = "top1"
    DECISIONS = "decisions"
    OUTPUTS = "outputs"


WORDS = {
    Measure.TOP1: "samples that get their class",
    Measure.DECISIONS: "decisions that are the original's",
    Measure.OUTPUTS: "outputs that are the original's",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """One run beside the original network: `samples`; `same` decisions; `right` ones (None without labels).

    `compared`, `differing`: outputs of all layers and joins.
    """

    samples: int
    same: int
    right: int | None
    compared: int
    differing: int

    def score(self, by: Measure) -> int:
        """How many are as they should be; more is better."""
        if by is Measure.TOP1:
            return self.right or 0
        return self.same if by is Measure.DECISIONS else self.compared - self.differing

    def total(self, by: Measure) -> int:
        """Of how many."""
        return self.compared if by is Measure.OUTPUTS else self.samples

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            samples=self.samples + other.samples,
            same=self.same + other.same,
            right=None if self.right is None or other.right is None else self.right + other.right,
            compared=self.compared + other.compared,
            differing=self.differing + other.differing,
        )

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """One place that rounds. `floated`: it alone is not rounded; `alone`: nothing else is.

    `rounded`: what rounding did to its numbers, in words.
    """

    name: str
    floated: Counts
    alone: Counts
    rounded: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something that could be set: `words` as they are typed, and what came of it.

    `counts` None: it could not be used, for the reason `refused`. `reachable`: a command or a target file can say it.
    """

    words: str
    counts: Counts | None
    refused: str = ""
    reachable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All that was found. `layers` in the order of the network; `culprits`: those that bisection found.

    With these in floats, at least `share` of what `rounded` lost against `original` is back (`mended`). `settings`: in
    the order in which they were tried. `by`: what loss is measured by.
    """

    by: Measure
    share: float
    original: Counts
    rounded: Counts
    layers: tuple[LayerCost, ...]
    culprits: tuple[str, ...]
    mended: Counts | None
    settings: tuple[Setting, ...]
    exact: int

    @property
    def lost(self) -> int:
        """How much of the measure rounding took."""
        return self.original.score(self.by) - self.rounded.score(self.by)

    def back(self, c: Counts) -> float:
        """The part of the loss that is back in `c`; 0 where nothing was lost."""
        return (c.score(self.by) - self.rounded.score(self.by)) / self.lost if self.lost > 0 else 0

    @property
    def enough(self) -> int:
        """The score at which `share` of the loss is back."""
        return self.rounded.score(self.by) + ceil(self.share * self.lost)

    def mends(self, c: Counts | None) -> bool:
        """Whether enough of the loss is back."""
        return c is not None and self.lost > 0 and c.score(self.by) >= self.enough

    @property
    def worst(self) -> LayerCost | None:
        """The layer that gives back most when it is not rounded; of equals the one that costs most spikes alone."""
        return max(self.layers, key=self._rank, default=None)

    @property
    def best(self) -> Setting | None:
        """Of the settings that can be said and mend, the one that gives back most; of equals, most spikes."""
        able = [s for s in self.settings if s.reachable and self.mends(s.counts)]
        return max(able, key=self._worth, default=None)

    def _worth(self, s: Setting) -> tuple[int, int]:
        return (s.counts.score(self.by), -s.counts.differing) if s.counts else (0, 0)

    def _rank(self, c: LayerCost) -> tuple[int, int]:
        return c.floated.score(self.by), c.alone.differing

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        layers: list[Mapping[str, object]] = [
            {
                "name": c.name,
                "floated": c.floated.to_dict(),
                "alone": c.alone.to_dict(),
                "rounded": list(c.rounded),
            }
            for c in self.layers
        ]
        worst, best = self.worst, self.best
        return {
            "by": self.by.value,
            "lost": self.lost,
            "original": self.original.to_dict(),
            "rounded": self.rounded.to_dict(),
            "layers": layers,
            "exact_layers": self.exact,
            "worst": None if worst is None else worst.name,
            "share": self.share,
            "culprits": list(self.culprits),
            "mended": None if self.mended is None else self.mended.to_dict(),
            "settings": [
                {
                    "words": s.words,
                    "counts": None if s.counts is None else s.counts.to_dict(),
                    "refused": s.refused,
                    "reachable": s.reachable,
                    "mends": self.mends(s.counts),
                }
                for s in self.settings
            ],
            "best": None if best is None else best.words,
        }
