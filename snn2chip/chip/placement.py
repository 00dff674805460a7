"""Where cores lie: on which chip, in which tile of its mesh. Spikes do not depend on it, hops do."""

from dataclasses import dataclass

import numpy as np

from snn2chip.arrays import IntArray, ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placement:
    """The table from logical core (the number that axons use) to its place.

    `chip`, `core` [cores]: number of the chip, and of the core on it: core k of a chip sits in tile k div tile_cores,
    tiles are counted down the columns. `chip_columns`: chips side by side; chip c lies in column c mod chip_columns of
    row c div chip_columns. `board`: its name, "" where there are as many chips as are needed. `method`, `seed`: how
    it was found. `rates`: where the traffic came from, "measured" or "estimated". `spike_hops`: what it costs by that
    traffic; `bound`: a proved lower bound of that, 0 where there is none.
    """

    board: str
    chip_columns: int
    method: str
    seed: int
    rates: str
    spike_hops: int
    bound: int
    chip: IntArray
    core: IntArray

    @property
    def chips(self) -> int:
        """How many chips hold cores."""
        return len(np.unique(self.chip))

    def __str__(self) -> str:
        proved = f", none has fewer than {self.bound:,}" if self.bound else ""
        return (
            f"{self.method} (seed {self.seed}), {self.spike_hops:,} spike-hops of {self.rates} traffic{proved}"
            + (f", board {self.board}" if self.board else "")
        )

    def to_dict(self) -> dict[str, object]:
        """Plain values, without the table."""
        plain = ("board", "chip_columns", "method", "seed", "rates", "spike_hops", "bound")
        return {
            **{name: getattr(self, name) for name in plain},
            "chips": self.chips,
        }


NOWHERE = Placement(
    board="",
    chip_columns=1,
    method="none",
    seed=0,
    rates="estimated",
    spike_hops=0,
    bound=0,
    chip=ints(np.zeros(0)),
    core=ints(np.zeros(0)),
)
"""Of a program without cores."""
