"""What each population can reach in T steps, whatever the input: interval analysis of a QuantizedCircuit.

Per channel: a current lies between the sums of its positive and negative weights times what the sources can
send; joins add
their summands' bounds; a membrane's interval is stepped through decay, input, clip, firing and reset, T times.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.circuit.types import INPUT, Shape
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.sums import Bounds, Sums, joined, sums
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Bounds of one population, over all its neurons and T steps; int.

    `low`, `high`: membrane after input and before the clip, in membrane units: what an accumulator must hold.
    `proved`: they lie
    within ±v_limit, so that it never clips. `current_low`, `current_high`: a[t] in weight units; `partial`: no
    partial sum of a[t], in any order, is larger in magnitude. `output_low`, `output_high`: what it can send.
    """

    low: int
    high: int
    proved: bool
    current_low: int
    current_high: int
    partial: int
    output_low: int
    output_high: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reach:
    """The same per channel [C]: currents, membranes (all levels), outputs."""

    current: Sums
    membrane: Bounds
    output: Bounds


def ranges(qc: QuantizedCircuit) -> Mapping[str, Range]:
    """Population -> its bounds for any input of the circuit."""
    return {name: _range(reach, qc.v_limit) for name, reach in reaches(qc).items()}


def reaches(qc: QuantizedCircuit) -> Mapping[str, Reach]:
    """Population -> its bounds per channel."""
    shapes = {INPUT: qc.input.shape, **{p.name: p.shape for p in qc.populations}}
    outputs = {INPUT: input_bounds(qc.input)}
    found: dict[str, Reach] = {}
    for p in qc.populations:
        reach = reach_of(
            p, currents(qc.into(p.name), p.shape[0], outputs, shapes), qc.steps, qc.v_limit
        )
        found[p.name] = reach
        outputs[p.name] = reach.output
    return found


def input_bounds(q: QuantizedInput) -> Bounds:
    """Bounds of the input's integers."""
    return Bounds(low=np.full(q.shape[0], q.low), high=np.full(q.shape[0], q.high))


def currents(
    projections: tuple[QuantizedProjection, ...],
    channels: int,
    outputs: Mapping[str, Bounds],
    shapes: Mapping[str, Shape],
) -> Sums:
    """Bounds [C] of a[t], with the exponents."""
    total = Sums(low=_zeros(channels), high=_zeros(channels), partial=_zeros(channels))
    for p in projections:
        source = joined([outputs[s] for s in p.sources])
        part = sums(p.kernel, p.weight, source, shapes[p.sources[0]])
        total = Sums(
            low=total.low + fixed.shift_left(part.low, p.exponent),
            high=total.high + fixed.shift_left(part.high, p.exponent),
            partial=total.partial + fixed.shift_left(part.partial, p.exponent),
        )
    return total


def reach_of(p: QuantizedPopulation, current: Sums, steps: int, v_limit: int) -> Reach:
    """Bounds [C] of a population whose currents are bounded by `current`."""
    n = p.neuron
    channels = p.shape[0]
    low, high = _zeros(channels), _zeros(channels)
    out_low, out_high = _zeros(channels), _zeros(channels)
    for level in range(len(n.levels)):
        carry = (np.zeros((channels, 1, 1), np.int64),) * 2
        fired = (_zeros(channels), _zeros(channels))
        for t in range(steps):
            c_low, c_high = _gained(n, current, t)
            drive = [fixed.shift_left(c, p.fraction_bits) + _at(p.bias, t) for c in (c_low, c_high)]
            u = (carry[0] + drive[0], carry[1] + drive[1])
            low, high = np.minimum(low, _lowest(u[0])), np.maximum(high, _highest(u[1]))
            v = (fixed.saturate(u[0], v_limit), fixed.saturate(u[1], v_limit))
            sent = _outputs(n, v, level)
            fired = (np.minimum(fired[0], sent[0]), np.maximum(fired[1], sent[1]))
            carry = _carried(n, v, level)
        out_low, out_high = out_low + fired[0], out_high + fired[1]
    return Reach(
        current=current,
        membrane=Bounds(low=low, high=high),
        output=Bounds(low=out_low, high=out_high),
    )


def _range(reach: Reach, v_limit: int) -> Range:
    low, high = int(reach.membrane.low.min()), int(reach.membrane.high.max())
    return Range(
        low=low,
        high=high,
        proved=-v_limit <= low and high <= v_limit,
        current_low=int(reach.current.low.min()),
        current_high=int(reach.current.high.max()),
        partial=int(reach.current.partial.max()),
        output_low=int(reach.output.low.min()),
        output_high=int(reach.output.high.max()),
    )


Interval = tuple[IntArray, IntArray]


def _gained(n: IntegerNeuron, current: Sums, t: int) -> Interval:
    low, high = current.low[:, None, None], current.high[:, None, None]
    if n.gain is None:
        return low, high
    ends = [fixed.shift_toward_zero(_at(n.gain, t) * a, n.gain_shift) for a in (low, high)]
    return np.minimum(*ends), np.maximum(*ends)


def _outputs(n: IntegerNeuron, v: Interval, level: int) -> Interval:
    """Bounds [C] of what is sent from membranes in `v`."""
    if n.emits is Emits.NOTHING:
        return _zeros(len(v[0])), _zeros(len(v[0]))
    if n.emits is Emits.GRADED:
        sent = [fixed.round_half_even(x, n.graded_shift) for x in v]
        return _lowest(sent[0]), _highest(sent[1])
    if n.emits is Emits.MULTISPIKE:
        sent = [fixed.thresholds_reached(x, n.multispike_shift, n.multispike_ge) for x in v]
        return _lowest(sent[0]), _highest(sent[1])
    return _lowest((v[0] > n.levels[level]) * 1), _highest((v[1] > n.levels[level]) * 1)


def _carried(n: IntegerNeuron, v: Interval, level: int) -> Interval:
    """Bounds of decay(v after the reset and the floor) - owed: what the next step starts from."""
    low, high = v
    if n.emits is Emits.GRADED:
        return np.zeros_like(low), np.zeros_like(high)
    if n.emits is Emits.NOTHING or n.reset is Reset.NONE:
        floor = None if n.emits is Emits.NOTHING else n.v_min
        return fixed.decay(_floored(low, floor), n.delta), fixed.decay(
            _floored(high, floor), n.delta
        )
    theta = n.levels[level]
    stays, fires = low <= theta, high > theta
    quiet = (_forget(n, low), _forget(n, np.minimum(high, theta)))
    after = _after_firing(n, (np.maximum(low, theta + 1), high), level)
    lowest = np.where(
        stays & fires, np.minimum(quiet[0], after[0]), np.where(fires, after[0], quiet[0])
    )
    highest = np.where(
        stays & fires, np.maximum(quiet[1], after[1]), np.where(fires, after[1], quiet[1])
    )
    return lowest, highest


def _after_firing(n: IntegerNeuron, v: Interval, level: int) -> Interval:
    low, high = v
    if n.reset is Reset.ZERO:
        zero = _forget(n, np.zeros_like(low))
        return zero, zero
    most = _outputs_map(n, high)
    amount = n.amounts[level]
    if n.late_reset:
        return _forget(n, low) - np.maximum(most * amount, amount), _forget(n, high) - np.minimum(
            most * amount, amount
        )
    if n.emits is Emits.MULTISPIKE:
        rest = 0 if n.multispike_ge else 1
        return _forget(n, np.full_like(low, rest)), _forget(
            n, rest + amount - 1 + np.zeros_like(high)
        )
    return _forget(n, low - amount), _forget(n, high - amount)


def _outputs_map(n: IntegerNeuron, high: IntArray) -> IntArray:
    """Most thresholds taken off at once, where it fires."""
    if n.emits is not Emits.MULTISPIKE:
        return np.ones_like(high)
    return np.maximum(fixed.thresholds_reached(high, n.multispike_shift, n.multispike_ge), 1)


def _forget(n: IntegerNeuron, v: IntArray) -> IntArray:
    return fixed.decay(_floored(v, n.v_min), n.delta)


def _floored(v: IntArray, v_min: int | None) -> IntArray:
    return v if v_min is None else np.maximum(v, v_min)


def _lowest(v: IntArray) -> IntArray:
    return v.reshape(len(v), -1).min(1)


def _highest(v: IntArray) -> IntArray:
    return v.reshape(len(v), -1).max(1)


def _at(values: IntArray, t: int) -> IntArray:
    return values[t] if values.ndim == 4 else values


def _zeros(channels: int) -> IntArray:
    return np.zeros(channels, np.int64)
