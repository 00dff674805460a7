"""Float neurons: what a neuron is, and its equations, shared by the Network and the Circuit.

Arrays of one value per neuron broadcast against (C, H, W): a shape of (1, 1, 1), (C, 1, 1) or (C, H, W).
A leading axis T makes a value per time step.
"""

from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from snn2chip.arrays import FloatArray, floats


class Compare(Enum):
    """When a membrane fires."""

    GREATER = ">"
    GREATER_EQUAL = ">="


class Reset(Enum):
    """What firing does to the membrane: to v_reset, minus the threshold, or nothing."""

    ZERO = "zero"
    SUBTRACT = "subtract"
    NONE = "none"


class Emits(Enum):
    """What leaves the neuron: 0/1, the number of thresholds reached, the (rounded) membrane itself, or nothing.

    NOTHING is a read-out: it accumulates and the host reads the potential at the end of the sample.
    """

    SPIKE = "spike"
    MULTISPIKE = "multispike"
    GRADED = "graded"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChipRounding:
    """The chip's arithmetic as data, so that a twin in floats does what the chip does.

    `unit`: real value of one membrane unit. `decay_4096`: the decay is trunc(|v| * decay_4096 / 4096), sign kept.
    `v_limit`: |v| is clipped to v_limit units. `gain_divisor`: gain * a is divided by it, toward zero, in units of
    `current_unit`.
    `graded_divisor`: a graded output is round_half_even(v / graded_divisor) in units, times graded_divisor.
    `amounts`: what SUBTRACT takes off, for each level, where that is not the threshold (which is strict in integers).
    """

    unit: FloatArray
    decay_4096: FloatArray
    v_limit: int
    current_unit: FloatArray = field(default_factory=lambda: floats([[[1.0]]]))
    gain_divisor: int = 1
    graded_divisor: int = 1
    amounts: tuple[FloatArray, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronModel:
    """One neuron's parameters, v = decay·v + input_gain·gain[t]·a + (1 - decay)·leak + bias[t].

    `levels`: one threshold array for each membrane; all share the current, and the output is the sum of their spikes
    (MLF has several, every other neuron one). `gain`: per channel, or per step and channel (leading T), or None.
    `late_reset`: the reset amount is subtracted in the next step, after the decay (only with SUBTRACT).
    `v_min`: floor of the membrane after the reset. `v_init`: membrane at the start of a sample.
    In a Circuit input_gain is 1 and leak, v_reset and v_init are 0 (lowering substitutes variables).
    """

    levels: tuple[FloatArray, ...] = field(default_factory=lambda: (floats([[[1.0]]]),))
    decay: FloatArray = field(default_factory=lambda: floats([[[1.0]]]))
    compare: Compare = Compare.GREATER_EQUAL
    reset: Reset = Reset.ZERO
    late_reset: bool = False
    emits: Emits = Emits.SPIKE
    v_min: float | None = None
    gain: FloatArray | None = None
    input_gain: FloatArray = field(default_factory=lambda: floats([[[1.0]]]))
    leak: float = 0.0
    v_reset: float = 0.0
    v_init: float = 0.0
    rounding: ChipRounding | None = None

    @property
    def threshold(self) -> FloatArray:
        """The threshold of the first level; the only one but for MLF."""
        return self.levels[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronState:
    """Membranes [N, C, H, W] of each level, and what late resets still owe."""

    membranes: tuple[FloatArray, ...]
    owed: tuple[FloatArray, ...]


def initial_state(model: NeuronModel, batch: int, shape: tuple[int, int, int]) -> NeuronState:
    """State of `batch` samples of a population of `shape` (C, H, W) before the first step, in the model's dtype."""
    v = tuple(np.full((batch, *shape), model.v_init, model.decay.dtype) for _ in model.levels)
    return NeuronState(membranes=v, owed=tuple(np.zeros_like(x) for x in v))


def membranes_before_firing(
    model: NeuronModel, state: NeuronState, current: FloatArray, bias: FloatArray, t: int
) -> tuple[FloatArray, ...]:
    """Membranes of each level in step `t`, after input and before the comparison.

    current: [N, C, H, W], the sum of the projections; bias: broadcasts against (C, H, W), a leading T picks step t.
    """
    drive = _at(bias, t) + (1.0 - model.decay) * model.leak
    scaled = model.input_gain * _gained(model, current, t)
    return tuple(
        _clipped(model, _decayed(model, v) - owed + scaled + drive)
        for v, owed in zip(state.membranes, state.owed, strict=True)
    )


def fire(
    model: NeuronModel,
    membranes: tuple[FloatArray, ...],
    forced: tuple[FloatArray, ...] | None = None,
) -> tuple[NeuronState, FloatArray]:
    """(next state, output [N, C, H, W]) from the membranes after input.

    `forced` replaces the outputs of the comparison, level by level: verification uses it at ties.
    """
    if model.emits is Emits.NOTHING:
        return NeuronState(
            membranes=membranes, owed=tuple(np.zeros_like(v) for v in membranes)
        ), np.zeros_like(membranes[0])
    if model.emits is Emits.GRADED:
        zero = tuple(np.zeros_like(v) for v in membranes)
        return NeuronState(membranes=zero, owed=zero), _graded(model, membranes[0])
    after: list[FloatArray] = []
    owed: list[FloatArray] = []
    total = np.zeros_like(membranes[0])
    for level, (v, threshold) in enumerate(zip(membranes, model.levels, strict=True)):
        spikes = level_spikes(model, v, threshold) if forced is None else forced[level]
        v, debt = _reset(model, v, spikes, _amount(model, level))
        after.append(v if model.v_min is None else np.maximum(v, model.v_min))
        owed.append(debt)
        total = total + spikes
    return NeuronState(membranes=tuple(after), owed=tuple(owed)), total


def _at(values: FloatArray, t: int) -> FloatArray:
    return values[t] if values.ndim == 4 else values


def _gained(model: NeuronModel, current: FloatArray, t: int) -> FloatArray:
    if model.gain is None:
        return current
    product = _at(model.gain, t) * current
    if model.rounding is None:
        return product
    r = model.rounding
    return np.trunc(product / r.current_unit) * r.current_unit


def _decayed(model: NeuronModel, v: FloatArray) -> FloatArray:
    r = model.rounding
    if r is None:
        return model.decay * v
    return np.trunc(v / r.unit * r.decay_4096 / 4096.0) * r.unit


def _clipped(model: NeuronModel, v: FloatArray) -> FloatArray:
    r = model.rounding
    return v if r is None else np.clip(v, -r.v_limit * r.unit, r.v_limit * r.unit)


def _graded(model: NeuronModel, v: FloatArray) -> FloatArray:
    r = model.rounding
    if r is None:
        return v
    step = r.unit * r.graded_divisor
    return np.round(v / step) * step


def level_spikes(model: NeuronModel, v: FloatArray, threshold: FloatArray) -> FloatArray:
    """Output of one level from its membrane: 0/1, or how many thresholds it reached."""
    strict = model.compare is Compare.GREATER
    if model.emits is Emits.MULTISPIKE:
        reached = np.ceil(v / threshold) - 1.0 if strict else np.floor(v / threshold)
        return np.maximum(reached, 0.0)
    return (v > threshold if strict else v >= threshold).astype(v.dtype)


def _amount(model: NeuronModel, level: int) -> FloatArray:
    r = model.rounding
    return model.levels[level] if r is None or r.amounts is None else r.amounts[level]


def _reset(
    model: NeuronModel, v: FloatArray, spikes: FloatArray, amount_of_one: FloatArray
) -> tuple[FloatArray, FloatArray]:
    nothing = np.zeros_like(v)
    if model.reset is Reset.NONE:
        return v, nothing
    if model.reset is Reset.ZERO:
        return np.where(spikes > 0, model.v_reset, v), nothing
    amount = spikes * amount_of_one
    return (v, amount) if model.late_reset else (v - amount, nothing)
