"""The input of a run: arrays in the layouts of the source models, brought to one inner form."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from snn2chip.network.types import InputKind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputData:
    """`values`: STATIC [N, C, H, W], FRAMES [T, N, C, H, W]; float64 for the float levels, int64 once quantized."""

    kind: InputKind
    values: NDArray[Any]

    @property
    def samples(self) -> int:
        """N."""
        return self.values.shape[0 if self.kind is InputKind.STATIC else 1]

    def at(self, t: int) -> NDArray[Any]:
        """The frame [N, C, H, W] of step t."""
        return self.values if self.kind is InputKind.STATIC else self.values[t]
