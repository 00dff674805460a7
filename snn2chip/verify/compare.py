"""Comparing two runs value by value, with ==."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from snn2chip.recording import Outputs
from snn2chip.verify.types import Difference, LayerCount


@dataclass(slots=True)
class Tally:
    """Counts of one comparison, added up over chunks of samples. The only mutable value of the ladder."""

    compared: int = 0
    differing: int = 0
    first: Difference | None = None
    layers: dict[str, LayerCount] = field(default_factory=dict[str, LayerCount])

    def add(
        self, left: Mapping[str, Outputs], right: Mapping[str, Outputs], first_sample: int = 0
    ) -> None:
        """Compare every layer of `left` with the same layer of `right`: [T, N, ...] each.

        A layer that is missing or has another shape counts as differing everywhere.
        """
        for layer, a in left.items():
            b = right.get(layer)
            if b is None or b.shape != a.shape:
                self._count(layer, a, None, first_sample)
            else:
                self._count(layer, a, b, first_sample)

    def _count(self, layer: str, a: Outputs, b: Outputs | None, first_sample: int) -> None:
        unequal = np.ones(a.shape, bool) if b is None else a != b
        differing = int(np.count_nonzero(unequal))
        if differing and self.first is None:
            self.first = first_difference(layer, a, b, unequal, first_sample)
        right = 0.0 if b is None else float(b.mean(dtype=np.float64))
        now = LayerCount(
            layer=layer,
            compared=a.size,
            differing=differing,
            left_rate=float(a.mean(dtype=np.float64)),
            right_rate=right,
        )
        self.layers[layer] = joined(self.layers.get(layer), now)
        self.compared += a.size
        self.differing += differing

    def merge(self, later: "Tally") -> None:
        """Add the counts of the samples that follow."""
        self.compared += later.compared
        self.differing += later.differing
        self.first = self.first or later.first
        for layer, count in later.layers.items():
            self.layers[layer] = joined(self.layers.get(layer), count)


def first_difference(
    layer: str, a: Outputs, b: Outputs | None, unequal: Outputs, first_sample: int
) -> Difference:
    """The difference that comes first in time (then sample, then neuron)."""
    t, n, *neuron = (int(i) for i in np.argwhere(unequal)[0])
    at = (t, n, *neuron)
    return Difference(
        layer=layer,
        step=t,
        sample=n + first_sample,
        neuron=tuple(neuron),
        left=float(a[at]),
        right=float("nan") if b is None else float(b[at]),
    )


def joined(before: LayerCount | None, now: LayerCount) -> LayerCount:
    """Counts of a layer over the samples of both."""
    if before is None:
        return now
    total = before.compared + now.compared

    def mean(left: float, right: float) -> float:
        return (left * before.compared + right * now.compared) / total

    return LayerCount(
        layer=now.layer,
        compared=total,
        differing=before.differing + now.differing,
        left_rate=mean(before.left_rate, now.left_rate),
        right_rate=mean(before.right_rate, now.right_rate),
    )
