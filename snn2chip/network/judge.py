"""How verification looks into a run of floats: it sees every neuron before it fires, and may force what it sends.

Both float engines (of Network and of Circuit) call a Judge. A reference in float32 may differ from us where a
membrane is within the rounding error of its threshold, a *tie*; there the reference's spike is forced and the run goes
on, so that every later difference must be a tie of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.neuron import Emits, NeuronModel, Reset, level_spikes

FLOAT32 = 2.0**-24
FLOAT64 = 2.0**-53
"""Unit roundoffs: the largest relative error of one operation."""

_OPERATIONS = 8
"""Operations per sum beside its K products and additions: batch norm (4), input gain, bias, decay, join."""
_MEMBRANE_OPERATIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Firing:
    """What one layer of neurons is about to send in one step. Arrays are [N, C, H, W]; a vector is (n, 1, 1).

    `membranes`: one array for each level, after input and before firing. `outputs`: what will be sent.
    `error_bound(unit)`: by how much a membrane can differ between two orders of summation in a float type of this unit
    roundoff; costs a convolution, so call it only at a difference.
    """

    name: str
    step: int
    model: NeuronModel
    membranes: tuple[FloatArray, ...]
    outputs: FloatArray
    error_bound: Callable[[float], FloatArray]

    def margin(self) -> FloatArray:
        """|v - θ| of the level that is nearest to its threshold, [N, C, H, W].

        For multispikes: the distance to the nearest multiple of the threshold.
        """
        pairs = zip(self.membranes, self.model.levels, strict=True)
        if self.model.emits is Emits.MULTISPIKE:
            return np.min(
                [np.abs(v - np.maximum(np.round(v / th), 1.0) * th) for v, th in pairs], axis=0
            )
        return np.min([np.abs(v - threshold) for v, threshold in pairs], axis=0)


class Judge(Protocol):
    """Called once for every layer of neurons and step, in the order of the run."""

    def __call__(self, firing: Firing) -> FloatArray | None:
        """Outputs [N, C, H, W] to send in place of the layer's own, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Magnitudes:
    """Σ|w||x| of the sums that feed a layer: `values` [T or 1, N, C, H, W]; K, the most summands of one: `terms`."""

    values: FloatArray
    terms: int


def error_bound(
    model: NeuronModel, magnitudes: Magnitudes, bias: FloatArray, sent: FloatArray, unit: float
) -> FloatArray:
    """Bound [N, C, H, W] of the rounding error of membranes in the step after those of `sent` [t, N, C, H, W].

    With M = |gain|·Σ|w||x| + |bias|, and A the same sums accumulated like the membrane:
    E = |decay|·E + (K + 8)·u·M + 4·u·A, and E = 0 after a reset to a value.
    """
    shape = magnitudes.values.shape[1:]
    absolute = np.full(shape, abs(model.v_init))
    error = np.zeros(shape)
    decay = np.abs(model.decay)
    for t in range(len(sent) + 1):
        drive = _drive(model, magnitudes.values, bias, t)
        absolute = decay * absolute + drive
        error = decay * error + unit * (
            (magnitudes.terms + _OPERATIONS) * drive + _MEMBRANE_OPERATIONS * absolute
        )
        if t < len(sent):
            absolute, error = _after_reset(model, absolute, error, sent[t])
    return error


def forced_levels(
    model: NeuronModel, membranes: tuple[FloatArray, ...], outputs: FloatArray
) -> tuple[FloatArray, ...]:
    """Spikes of each level that add up to `outputs`: the levels nearest to their threshold change first."""
    if len(membranes) == 1:
        return (outputs,)
    own = np.stack(
        [level_spikes(model, v, th) for v, th in zip(membranes, model.levels, strict=True)]
    )
    above = np.stack([v - th for v, th in zip(membranes, model.levels, strict=True)])
    missing = outputs - own.sum(0)
    silent = np.where(own == 0, -above, np.inf).argsort(0).argsort(0)
    firing = np.where(own == 1, above, np.inf).argsort(0).argsort(0)
    switched_on = (own == 0) & (silent < missing)
    switched_off = (own == 1) & (firing < -missing)
    return tuple(np.where(switched_on, 1.0, np.where(switched_off, 0.0, own)))


def _drive(model: NeuronModel, magnitudes: FloatArray, bias: FloatArray, t: int) -> FloatArray:
    values = magnitudes[t if len(magnitudes) > 1 else 0]
    if model.gain is not None:
        values = np.abs(model.gain[t] if model.gain.ndim == 4 else model.gain) * values
    constant = np.abs(bias[t] if bias.ndim == 4 else bias) + np.abs(
        (1.0 - model.decay) * model.leak
    )
    return np.abs(model.input_gain) * values + constant


def _after_reset(
    model: NeuronModel, absolute: FloatArray, error: FloatArray, sent: FloatArray
) -> tuple[FloatArray, FloatArray]:
    if model.emits is Emits.GRADED:
        return np.zeros_like(absolute), np.zeros_like(error)
    if model.reset is Reset.SUBTRACT:
        return absolute + np.abs(sent * model.threshold), error
    if model.reset is Reset.NONE or len(model.levels) > 1:
        return absolute, error
    return np.where(sent > 0, abs(model.v_reset), absolute), np.where(sent > 0, 0.0, error)
