"""Float against float: every difference must be a tie of its own, and is forced so that the run goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray
from snn2chip.network.judge import Firing
from snn2chip.recording import Outputs
from snn2chip.verify.compare import joined
from snn2chip.verify.types import Difference, LayerCount, Rung

Forced = NDArray[np.bool_]
"""Where a layer [N, C, H, W] was forced in one step."""

MOST_TIES = 1e-5
"""Part of all spikes that may be ties."""


@dataclass(slots=True)
class TieJudge:
    """Compares each firing with the reference of the current chunk of samples; counts over all chunks.

    `unit`: unit roundoff of the coarser side. A difference is a tie if |v - θ| is within the error bound of that sum.
    """

    unit: float
    compared: int = 0
    differing: int = 0
    ties: int = 0
    first: Difference | None = None
    layers: dict[str, LayerCount] = field(default_factory=dict[str, LayerCount])
    forced: dict[tuple[str, int], Forced] = field(default_factory=dict[tuple[str, int], Forced])
    _reference: Mapping[str, Outputs] = field(default_factory=dict[str, Outputs])
    _inherited: Mapping[tuple[str, int], Forced] = field(
        default_factory=dict[tuple[str, int], Forced]
    )
    _first_sample: int = 0

    def expect(
        self,
        reference: Mapping[str, Outputs],
        first_sample: int,
        inherited: Mapping[tuple[str, int], Forced] | None = None,
    ) -> None:
        """The spikes [T, N, ...] to compare with from now on.

        `inherited`: the ties that were forced where the reference itself was judged; they are ties here too,
        because there the reference does not say what it would have fired.
        """
        self._reference, self._first_sample = reference, first_sample
        self._inherited = inherited or {}
        self.forced = {}

    def __call__(self, firing: Firing) -> FloatArray | None:
        """The reference's outputs where they differ, None where all are equal or the layer is not in the reference."""
        if firing.name not in self._reference:
            return None
        expected = (
            self._reference[firing.name][firing.step]
            .reshape(firing.outputs.shape)
            .astype(np.float64)
        )
        unequal = expected != firing.outputs
        self._count(firing, expected, int(np.count_nonzero(unequal)))
        if not unequal.any():
            return None
        at = (firing.name, firing.step)
        tie = unequal & (firing.margin() <= firing.error_bound(self.unit))
        tie |= unequal & self._inherited.get(at, np.False_)
        self.forced[at] = tie
        self.ties += int(np.count_nonzero(tie))
        if self.first is None and (unequal & ~tie).any():
            self.first = _difference(firing, expected, unequal & ~tie, self._first_sample)
        return expected

    def rung(self, rung: str, title: str, sides: tuple[str, ...]) -> Rung:
        """The rung: holds if every difference was a tie and ties are rare."""
        real = self.differing - self.ties
        rare = self.ties <= MOST_TIES * self.compared
        notes = (
            []
            if rare
            else [f"{self.ties} ties are more than {MOST_TIES:g} of {self.compared:,} outputs"]
        )
        return Rung(
            rung=rung,
            title=title,
            sides=sides,
            passed=self.compared > 0 and real == 0 and rare,
            compared=self.compared,
            differing=self.differing,
            ties=self.ties,
            first=self.first,
            layers=tuple(self.layers.values()),
            notes=tuple(notes),
        )

    def merge(self, later: "TieJudge") -> None:
        """Add the counts of the samples that follow."""
        self.compared += later.compared
        self.differing += later.differing
        self.ties += later.ties
        self.first = self.first or later.first
        for layer, count in later.layers.items():
            self.layers[layer] = joined(self.layers.get(layer), count)

    def forget(self) -> None:
        """Keep the counts alone."""
        self.expect({}, self._first_sample)

    def _count(self, firing: Firing, expected: FloatArray, differing: int) -> None:
        self.compared += expected.size
        self.differing += differing
        now = LayerCount(
            layer=firing.name,
            compared=expected.size,
            differing=differing,
            left_rate=float(expected.mean()),
            right_rate=float(firing.outputs.mean()),
        )
        self.layers[firing.name] = joined(self.layers.get(firing.name), now)


def _difference(
    firing: Firing, expected: FloatArray, unequal: Outputs, first_sample: int
) -> Difference:
    n, *neuron = (int(i) for i in np.argwhere(unequal)[0])
    at = (n, *neuron)
    level = firing.membranes[0]
    return Difference(
        layer=firing.name,
        step=firing.step,
        sample=n + first_sample,
        neuron=tuple(neuron),
        left=float(expected[at]),
        right=float(firing.outputs[at]),
        potential=float(level[at]),
        threshold=float(np.broadcast_to(firing.model.threshold, level.shape[1:])[tuple(neuron)]),
    )
