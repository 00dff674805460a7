"""Every kind of neuron, in int64, one neuron at a time: the arithmetic is `snn2chip.fixed`, compiled."""

from typing import NamedTuple

import numpy as np
from numba import prange

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.engines.kernels.compiled import compiled, compiled_parallel
from snn2chip.neuron import Emits, Reset

EMITS, RESETS = tuple(Emits), tuple(Reset)
SPIKE, MULTISPIKE = EMITS.index(Emits.SPIKE), EMITS.index(Emits.MULTISPIKE)
GRADED, NOTHING = EMITS.index(Emits.GRADED), EMITS.index(Emits.NOTHING)
ZERO, SUBTRACT = RESETS.index(Reset.ZERO), RESETS.index(Reset.SUBTRACT)

decay, saturate, shift_left = (
    compiled(fixed.decay),
    compiled(fixed.saturate),
    compiled(fixed.shift_left),
)
shift_toward_zero = compiled(fixed.shift_toward_zero)
round_half_even, thresholds_reached = (
    compiled(fixed.round_half_even),
    compiled(fixed.thresholds_reached),
)


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
    steps, batch, rows, columns, channels = out.shape
    m = neurons
    levels = len(m.theta)
    constant = currents.shape[0] == 1
    for line in prange(batch * rows):
        n, y = line // rows, line % rows
        v = np.zeros((levels, channels), np.int64)
        owed = np.zeros((levels, channels), np.int64)
        for x in range(columns):
            v[:] = 0
            owed[:] = 0
            bias = m.bias[:, y if m.bias.shape[1] > 1 else 0, x if m.bias.shape[2] > 1 else 0]
            theta = m.theta[:, y if m.theta.shape[1] > 1 else 0, x if m.theta.shape[2] > 1 else 0]
            amount = m.amount[
                :, y if m.amount.shape[1] > 1 else 0, x if m.amount.shape[2] > 1 else 0
            ]
            delta = m.delta[y if m.delta.shape[0] > 1 else 0, x if m.delta.shape[1] > 1 else 0]
            gain = m.gain[:, y if m.gain.shape[1] > 1 else 0, x if m.gain.shape[2] > 1 else 0]
            for t in range(steps):
                current = currents[0 if constant else t, n, y, x]
                b = bias[t if len(bias) > 1 else 0]
                for c in range(channels):
                    a = np.int64(current[c])
                    if gain.size:
                        a = shift_toward_zero(gain[t if len(gain) > 1 else 0, c] * a, m.gain_shift)
                    drive = shift_left(a, m.fraction_bits) + b[c]
                    total = 0
                    for k in range(levels):
                        u = decay(v[k, c], delta[c]) - owed[k, c] + drive
                        u = saturate(u, m.limit)
                        spikes, v[k, c], owed[k, c] = fire_one(m, u, theta[k, c], amount[k, c])
                        total += spikes
                    out[t, n, y, x, c] = total
            if membranes.size:
                membranes[n, y, x] = v[0]


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
