"""Neurons in integers: thresholds, reset amounts, decays, biases and gains in membrane units."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray, IntArray, ints
from snn2chip.circuit.types import Population, Shape
from snn2chip.fixed import DECAY_ONE
from snn2chip.neuron import Compare, Emits, NeuronModel, Reset
from snn2chip.quantize.grid import power, round_even
from snn2chip.quantize.types import IntegerNeuron, Widths

N = TypeVar("N", np.int64, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Built:
    """Integers of one population. `coarse` [C]: thresholds that the target's step moved, in membrane units."""

    neuron: IntegerNeuron
    bias: IntArray
    coarse: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GainUnits:
    """c = (gain · a) >> k: gain in units of 2^-octaves [C], and k."""

    octaves: FloatArray
    shift: int


def build(
    p: Population,
    x: FloatArray,
    fraction_bits: int,
    widths: Widths,
    *,
    gain: GainUnits | None = None,
    granularity: IntArray | None = None,
    graded_shift: int = 0,
) -> Built:
    """The neurons of `p` where channel c has the scale 2^x: membrane units of 2^(x - f).

    `granularity` [C]: membranes are multiples of it; thresholds then move to the target's step where the same
    membranes exceed them (without it, they stay on the membrane's grid).
    """
    n = p.neuron
    unit = power(x - fraction_bits)[:, None, None]
    channels = p.shape[0]
    fine = tuple(_threshold(n, x_, unit) for x_ in _levels(n))
    levels, moved = fine, np.zeros(channels, np.int64)
    if granularity is not None and widths.threshold_step > 1:
        levels = tuple(coarse(t, widths.threshold_step, granularity[:, None, None]) for t in fine)
        moved = np.max(
            [_moved(a, b, granularity) for a, b in zip(fine, levels, strict=True)], axis=0
        )
    shift = _multispike_shift(n, unit)
    if n.emits is Emits.MULTISPIKE:
        levels = (
            ints(np.full((channels, 1, 1), (1 << shift) - (n.compare is Compare.GREATER_EQUAL))),
        )
    neuron = IntegerNeuron(
        levels=tuple(ints(t) for t in levels),
        amounts=_amounts(n, unit, shift),
        delta=ints(_full(delta(n), p.shape)),
        reset=n.reset,
        late_reset=n.late_reset,
        emits=n.emits,
        v_min=None if n.v_min is None else int(round_even(np.asarray(n.v_min / unit.flat[0]))),
        gain=None if gain is None or n.gain is None else _gain(n.gain, gain, p.shape),
        gain_shift=0 if gain is None else gain.shift,
        multispike_shift=shift,
        multispike_ge=n.compare is Compare.GREATER_EQUAL,
        graded_shift=graded_shift,
    )
    return Built(neuron=neuron, bias=bias_of(p, unit, widths), coarse=ints(moved))


def delta(n: NeuronModel) -> IntArray:
    """δ = round(4096 · (1 - decay)), at most 4095.

    12 bits. A graded neuron starts every step from 0, so nothing decays.
    """
    if n.emits is Emits.GRADED:
        return np.zeros_like(n.decay, np.int64)
    return np.clip(round_even(DECAY_ONE * (1.0 - n.decay)), 0, DECAY_ONE - 1)


def strict_threshold(threshold: FloatArray, unit: FloatArray, compare: Compare) -> IntArray:
    """θ with (v > θ) = (v · unit compared with threshold) for every integer v.

    `>=`: the smallest integer that reaches it, minus 1. `>`: the largest that does not exceed it.

    >>> strict_threshold(np.array([1.0, 1.1]), np.array([0.25]), Compare.GREATER_EQUAL)
    array([3, 4])
    >>> strict_threshold(np.array([1.0, 1.1]), np.array([0.25]), Compare.GREATER)
    array([4, 4])
    """
    ratio = threshold / unit
    reached = np.ceil(ratio) - 1 if compare is Compare.GREATER_EQUAL else np.floor(ratio)
    return reached.astype(np.int64)


def coarse(theta: IntArray, step: int, granularity: IntArray) -> IntArray:
    """A multiple of `step` that fires the same as `theta` for multiples of `granularity`, else the nearest."""
    first = np.floor_divide(theta, granularity) * granularity
    below = np.floor_divide(first + granularity - 1, step) * step
    nearest = round_even(theta / step) * step
    return np.where(below >= first, below, nearest)


def bias_of(p: Population, unit: FloatArray, widths: Widths) -> IntArray:
    """Biases in membrane units, half even.

    [C,1,1] where every neuron of a channel has the same, a leading T where steps differ.
    """
    real = p.bias / unit
    whole = round_even(real)
    if widths.bias_exponent_max:
        whole = _mantissas(real, whole, widths)
    return ints(compact(whole, p.shape))


def compact(values: NDArray[N], shape: Shape) -> NDArray[N]:
    """[C,1,1] if constant over the map, else [C,H,W]; with a leading T only where steps differ."""
    if values.ndim == 4 and (values == values[:1]).all():
        values = values[0]
    if (values == values[..., :1, :1]).all():
        return _full(values[..., :1, :1], shape)
    return np.broadcast_to(values, (*values.shape[:-3], *shape))


def _mantissas(real: FloatArray, whole: IntArray, widths: Widths) -> IntArray:
    """Biases that need more bits than the mantissa has are rounded to the next multiple of a power of two that fits."""
    most = (1 << (widths.bias_bits - 1)) - 1
    for exponent in range(1, widths.bias_exponent_max + 1):
        too_large = np.abs(whole) > most << (exponent - 1)
        whole = np.where(too_large, round_even(real / (1 << exponent)) << exponent, whole)
    return whole


def _levels(n: NeuronModel) -> tuple[FloatArray, ...]:
    silent = n.emits in (Emits.NOTHING, Emits.GRADED)
    return (np.zeros((1, 1, 1)),) if silent else n.levels


def _threshold(n: NeuronModel, threshold: FloatArray, unit: FloatArray) -> IntArray:
    if n.emits in (Emits.NOTHING, Emits.GRADED):
        return np.zeros((len(unit), 1, 1), np.int64)
    return strict_threshold(threshold, unit, n.compare)


def _moved(fine: IntArray, moved: IntArray, granularity: IntArray) -> IntArray:
    """[C]: how far a threshold went beyond what no membrane notices."""
    g = granularity[:, None, None]
    noticed = np.floor_divide(fine, g) != np.floor_divide(moved, g)
    return np.where(noticed, np.abs(fine - moved), 0).reshape(len(fine), -1).max(1)


def _multispike_shift(n: NeuronModel, unit: FloatArray) -> int:
    if n.emits is not Emits.MULTISPIKE:
        return 0
    ratio = np.log2((n.threshold / unit).max())
    return max(0, int(np.rint(ratio)))


def _amounts(n: NeuronModel, unit: FloatArray, shift: int) -> tuple[IntArray, ...]:
    nothing = ints(np.zeros((len(unit), 1, 1), np.int64))
    if n.emits is Emits.MULTISPIKE:
        return (ints(nothing + (1 << shift)),)
    if n.emits in (Emits.NOTHING, Emits.GRADED):
        return (nothing,)
    if n.reset is not Reset.SUBTRACT:
        return (nothing,) * len(n.levels)
    return tuple(ints(round_even(x / unit)) for x in n.levels)


def _gain(gain: FloatArray, units: GainUnits, shape: Shape) -> IntArray:
    integers = round_even(gain * power(units.octaves)[:, None, None])
    return ints(compact(integers, shape))


def _full(values: NDArray[N], shape: Shape) -> NDArray[N]:
    """[..., C, h, w] with all C channels."""
    return np.broadcast_to(values, (*values.shape[:-3], shape[0], *values.shape[-2:]))
