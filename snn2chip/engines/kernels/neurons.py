"""Every kind of neuron, in int64, one neuron at a time: the arithmetic is `snn2chip.fixed`, compiled."""

from typing import NamedTuple

import numpy as np
from numba import prange

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.engines.kernels.compiled import Compiled, compiled, compiled_parallel
from snn2chip.neuron import Emits, Reset

EMITS, RESETS = tuple(Emits), tuple(Reset)
SPIKE, MULTISPIKE = EMITS.index(Emits.SPIKE), EMITS.index(Emits.MULTISPIKE)
GRADED, NOTHING = EMITS.index(Emits.GRADED), EMITS.index(Emits.NOTHING)
ZERO, SUBTRACT = RESETS.index(Reset.ZERO), RESETS.index(Reset.SUBTRACT)

decay: Compiled = compiled(fixed.decay)
saturate: Compiled = compiled(fixed.saturate)
shift_left: Compiled = compiled(fixed.shift_left)
shift_toward_zero: Compiled = compiled(fixed.shift_toward_zero)
round_half_even: Compiled = compiled(fixed.round_half_even)
thresholds_reached: Compiled = compiled(fixed.thresholds_reached)


class AnyNeurons(NamedTuple):
    """Parameters as in `IntegerNeuron`, int64, channels last.

    bias: [1 or T, h, w, C] where h, w are 1 or the map's; gain: the same, or empty where there is none; theta, amount:
    [levels, h, w, C]; delta: [h, w, C]. `emits`, `reset`: positions in EMITS and RESETS.
    `floor`: very low where there is none.
    """

    bias: IntArray
    gain: IntArray
    theta: IntArray
    amount: IntArray
    delta: IntArray
    emits: int
    reset: int
    late: bool
    gain_shift: int
    fraction_bits: int
    limit: int
    floor: int
    multispike_shift: int
    multispike_ge: bool
    graded_shift: int


@compiled_parallel
def integrate(currents, neurons: AnyNeurons, out, membranes):  # type: ignore[no-untyped-def]
    """Run all T steps. currents: [1 or T, N, H, W, C]; out: [T, N, H, W, C], uint8 or int32.

    membranes: int64 [N, H, W, C], the first level's membranes at the end, or empty where nobody asks.
    """
    rows = out.shape[2]
    for line in prange(out.shape[1] * rows):
        integrate_line(currents, neurons, out, membranes, line // rows, line % rows)


@compiled
def integrate_line(currents, m: AnyNeurons, out, membranes, n, y):  # type: ignore[no-untyped-def]
    """`integrate` for row y of sample n."""
    steps, columns, channels = out.shape[0], out.shape[3], out.shape[4]
    levels = len(m.theta)
    v, owed = np.empty(levels, np.int64), np.empty(levels, np.int64)
    for x in range(columns):
        for c in range(channels):
            v[:] = 0
            owed[:] = 0
            delta = m.delta[at(m.delta.shape[0], y), at(m.delta.shape[1], x), c]
            by, bx = at(m.bias.shape[1], y), at(m.bias.shape[2], x)
            gy, gx = at(m.gain.shape[1], y), at(m.gain.shape[2], x)
            py, px = at(m.theta.shape[1], y), at(m.theta.shape[2], x)
            ay, ax = at(m.amount.shape[1], y), at(m.amount.shape[2], x)
            for t in range(steps):
                a = np.int64(currents[at(currents.shape[0], t), n, y, x, c])
                if m.gain.size:
                    a = shift_toward_zero(
                        m.gain[at(m.gain.shape[0], t), gy, gx, c] * a, m.gain_shift
                    )
                drive = shift_left(a, m.fraction_bits) + m.bias[at(m.bias.shape[0], t), by, bx, c]
                total = 0
                for k in range(levels):
                    u = saturate(decay(v[k], delta) - owed[k] + drive, m.limit)
                    theta, amount = m.theta[k, py, px, c], m.amount[k, ay, ax, c]
                    spikes, v[k], owed[k] = fire_one(m, u, theta, amount)
                    total += spikes
                out[t, n, y, x, c] = total
            if membranes.size:
                membranes[n, y, x, c] = v[0]


@compiled
def at(size, index):  # type: ignore[no-untyped-def]
    """The index into an axis that may have one entry for all."""
    return index if size > 1 else 0


@compiled
def fire_one(m: AnyNeurons, v, theta, amount):  # type: ignore[no-untyped-def]
    """(output, membrane, amount owed to the next step) from the membrane after input."""
    if m.emits == NOTHING:
        return 0, v, 0
    if m.emits == GRADED:
        return round_half_even(v, m.graded_shift), 0, 0
    if m.emits == MULTISPIKE:
        spikes = thresholds_reached(v, m.multispike_shift, m.multispike_ge)
    else:
        spikes = 1 if v > theta else 0
    owed = 0
    if m.reset == ZERO:
        v = 0 if spikes > 0 else v
    elif m.reset == SUBTRACT:
        if m.late:
            owed = spikes * amount
        else:
            v -= spikes * amount
    return spikes, max(v, m.floor), owed
