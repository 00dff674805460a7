"""The Recording: what an engine returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Outputs = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """Outputs of a run.

    `outputs`: population (or neuron layer, at the Network level) -> [T, N, C, H, W], uint8, int32 or float64
    (real-valued
    relays of the float levels). `potentials`: READOUT population -> membrane [N, C, H, W] at the end of the sample
    (float64, or int64 in membrane units). `decision`: [N, classes], the answer in the source's own units.
    `highest`, `lowest`: population -> largest and smallest membrane seen (engines below Circuit; empty otherwise).
    """

    engine: str
    outputs: Mapping[str, Outputs]
    potentials: Mapping[str, Outputs]
    decision: NDArray[Any]
    highest: Mapping[str, int] = field(default_factory=dict[str, int])
    lowest: Mapping[str, int] = field(default_factory=dict[str, int])


def compact(values: Outputs) -> Outputs:
    """Outputs of integers as uint8 where they fit, else int32."""
    fits = values.size == 0 or (values.min() >= 0 and values.max() <= 255)
    return values.astype(np.uint8 if fits else np.int32)


def samples_of(recording: Recording, first: int, stop: int) -> Recording:
    """Samples first..stop."""
    return replace(
        recording,
        outputs={n: v[:, first:stop] for n, v in recording.outputs.items()},
        potentials={n: v[first:stop] for n, v in recording.potentials.items()},
        decision=recording.decision[first:stop],
    )
