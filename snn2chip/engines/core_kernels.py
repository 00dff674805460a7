"""One chip step of the core engine, compiled: deliver what has arrived, update every neuron, emit.

The arithmetic is `snn2chip.fixed`, compiled. `core_checks` has seen the tables, so nothing here can leave them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.engines import core_tables
from snn2chip.engines.core_tables import EMITS, RESETS
from snn2chip.neuron import Emits, Reset

CONV, DENSE, POOLED = core_tables.CONV, core_tables.DENSE, core_tables.POOLED
SPIKE, MULTISPIKE = EMITS.index(Emits.SPIKE), EMITS.index(Emits.MULTISPIKE)
GRADED, NOTHING = EMITS.index(Emits.GRADED), EMITS.index(Emits.NOTHING)
ZERO, SUBTRACT = RESETS.index(Reset.ZERO), RESETS.index(Reset.SUBTRACT)
NO_FLOOR = -(1 << 62)

_decay: Callable[..., Any] = njit(fixed.decay, cache=True)
_saturate: Callable[..., Any] = njit(fixed.saturate, cache=True)
_shift_left: Callable[..., Any] = njit(fixed.shift_left, cache=True)
_shift_toward_zero: Callable[..., Any] = njit(fixed.shift_toward_zero, cache=True)
_round_half_even: Callable[..., Any] = njit(fixed.round_half_even, cache=True)
_thresholds_reached: Callable[..., Any] = njit(fixed.thresholds_reached, cache=True)


class State(NamedTuple):
    """What the kernels change.

    `current`: sums of one step; 32 bits hold every sum that quantization lets through (a larger one is a compile
    error), and a partial sum that wraps around comes back. `input_bias`: what the host adds to each neuron's bias.
    `output`: what every population emits, in C order.
    """

    v: IntArray
    owed: IntArray
    current: NDArray[np.int32]
    input_bias: IntArray
    fired: NDArray[np.int32]
    output: NDArray[np.int32]
    queue_code: NDArray[np.int32]
    queue_value: NDArray[np.int32]
    queue_count: IntArray
    lowest: IntArray
    highest: IntArray
    synops: IntArray
    spikes: IntArray
    sent: IntArray


@njit(cache=True)
def chip_step(step: int, last: int, units: bool, tables: Any, state: Any) -> None:
    """Run one step of every core. Counts only what belongs to one of the `last` sample steps of each population.

    `units`: a value n of the input arrived as n unit spikes (and is counted so).
    """
    for i in range(len(tables.tiles)):
        counted = 0 <= step - tables.senders[i].depth < last
        _deliver(step, i, counted, units, tables, state)
    state.output[:] = 0
    for i in range(len(tables.tiles)):
        since = step - tables.senders[i].depth
        _update(i, since % tables.tiles[i].steps, 0 <= since < last, tables, state)
        first = tables.tiles[i].neuron
        emit(
            step,
            i,
            0 <= since < last,
            False,
            state.fired[first : first + tables.tiles[i].neurons],
            tables,
            state,
        )


@njit(cache=True)
def emit(
    step: int, i: int, counted: bool, units: bool, values: Any, tables: Any, state: Any
) -> None:
    """Send what sender `i` fired (`values`, position by position) to every axon of its entries; fill `output`.

    `units`: a value n is sent as n unit spikes (and counted so).
    """
    sender = tables.senders[i]
    channels = sender.channels
    for p in range(sender.rows * sender.columns):
        y, x = sender.row + p // sender.columns, sender.column + p % sender.columns
        code = (y * sender.map_columns + x) * sender.map_channels + sender.channel
        output = sender.output + (sender.channel * sender.map_rows + y) * sender.map_columns + x
        for c in range(channels):
            value = values[p * channels + c]
            if value == 0:
                continue
            state.output[output + c * sender.map_rows * sender.map_columns] = value
            entry = sender.entry + (
                c * sender.rows * sender.columns + p if sender.per_neuron else p
            )
            if counted:
                state.sent[entry] += value if units else 1
                state.spikes[i] += value if units else 1
            _send(step, entry, code + c, value, tables, state)


@njit(cache=True)
def _send(step: int, entry: int, code: int, value: int, tables: Any, state: Any) -> None:
    """Queue a message for step + 1 + delay: the slot that has just been emptied."""
    for k in range(tables.pair_first[entry], tables.pair_first[entry + 1]):
        axon = tables.axons[tables.pair_axon[k]]
        slot = step % axon.slots
        count = state.queue_count[axon.count + slot]
        at = axon.queue + slot * axon.capacity + count
        state.queue_code[at] = code
        state.queue_value[at] = value
        state.queue_count[axon.count + slot] = count + 1


@njit(cache=True)
def _deliver(step: int, i: int, counted: bool, units: bool, tables: Any, state: Any) -> None:
    tile = tables.tiles[i]
    done = 0
    for a in range(tile.axon, tile.axon + tile.axons):
        axon = tables.axons[a]
        connection = tables.connections[axon.connection]
        slot = step % axon.slots
        begin = axon.queue + slot * axon.capacity
        end = begin + state.queue_count[axon.count + slot]
        codes, values = state.queue_code[begin:end], state.queue_value[begin:end]
        current = state.current[tile.neuron : tile.neuron + tile.neurons]
        by_value = units and axon.source == 0
        if connection.kind == CONV:
            done += _conv(
                connection, tables.senders[i], codes, values, by_value, tables.weight, current
            )
        elif connection.kind == DENSE or connection.kind == POOLED:
            done += _dense(
                connection, tile.neurons, codes, values, by_value, tables.weight, current
            )
        else:
            done += _identity(
                connection, tables.senders[i], codes, values, by_value, tables.weight, current
            )
        state.queue_count[axon.count + slot] = 0
    if counted:
        state.synops[i] += done


@njit(cache=True)
def _conv(
    connection: Any, box: Any, codes: Any, values: Any, by_value: bool, weight: Any, current: Any
) -> int:
    """Add the weights of each message to the outputs of the tile `box` that it reaches; the number of additions.

    Messages of one position come together and reach the same outputs. Neighbouring outputs of a row take weights that
    lie side by side (`core_tables.conv_runs`): one run per message and kernel row.
    """
    done = m = 0
    while m < len(codes):
        position = codes[m] // connection.map_channels
        first = position * connection.map_channels
        end = m + 1
        while end < len(codes) and first <= codes[end] < first + connection.map_channels:
            end += 1
        x = position % connection.map_columns + connection.px
        y = position // connection.map_columns + connection.py
        at, run, length, taps = _row(connection, box, x)
        for ky in range(connection.kh if length else 0):
            row = y - ky * connection.dy
            if row % connection.sy != 0:
                continue
            row = row // connection.sy - box.row
            if row < 0 or row >= box.rows:
                continue
            into = (row * box.columns + at) * box.channels
            w = connection.weight + (ky * connection.kw + run) * box.channels
            for k in range(m, end):
                channel = codes[k] - first - connection.channel_base
                if channel < 0 or channel >= connection.inputs:
                    continue
                value = _shift_left(values[k], connection.exponent)
                of_channel = w + channel * connection.kh * connection.kw * box.channels
                _add(current, into, weight, of_channel, length * box.channels, value)
                done += taps * box.channels * (values[k] if by_value else 1)
        m = end
    return done


@njit(cache=True)
def _row(connection: Any, box: Any, x: int) -> tuple[int, int, int, int]:
    """What padded column `x` reaches in a row of the tile: (first column, first weight, columns, taps among them)."""
    phase, newest = x % connection.sx, x // connection.sx - box.column
    if phase >= connection.kw:
        return 0, 0, 0, 0
    per_phase = (connection.kw - 1 - phase) // connection.sx + 1
    low, high = max(0, newest - box.columns + 1), min(per_phase - 1, newest)
    if low > high:
        return 0, 0, 0, 0
    before = 0
    for p in range(phase):
        before += (connection.kw - 1 - p) // connection.sx + 1
    taps = 0
    for j in range(low, high + 1):
        taps += (phase + j * connection.sx) % connection.dx == 0
    return newest - high, before + per_phase - 1 - high, high - low + 1, taps


@njit(cache=True)
def _dense(
    connection: Any,
    neurons: int,
    codes: Any,
    values: Any,
    by_value: bool,
    weight: Any,
    current: Any,
) -> int:
    messages = 0
    for m in range(len(codes)):
        messages += values[m] if by_value else 1
        row = codes[m] % connection.map_channels if connection.kind == POOLED else codes[m]
        value = _shift_left(values[m], connection.exponent)
        _add(current, 0, weight, connection.weight + row * neurons, neurons, value)
    return messages * neurons


@njit(cache=True)
def _identity(
    connection: Any, box: Any, codes: Any, values: Any, by_value: bool, weight: Any, current: Any
) -> int:
    done = 0
    for m in range(len(codes)):
        position, channel = divmod(codes[m], connection.map_channels)
        row, column = (
            position // connection.map_columns - box.row,
            position % connection.map_columns - box.column,
        )
        channel -= box.channel
        if not (0 <= row < box.rows and 0 <= column < box.columns and 0 <= channel < box.channels):
            continue
        value = _shift_left(values[m], connection.exponent)
        current[(row * box.columns + column) * box.channels + channel] += (
            weight[connection.weight + channel] * value
        )
        done += values[m] if by_value else 1
    return done


@njit(cache=True)
def _add(current: Any, at: int, weight: Any, w: int, count: int, value: int) -> None:
    """current[at + i] += weight[w + i] · value. Unsigned indices, or the compiler would check each one for a sign."""
    a, b = np.uint64(at), np.uint64(w)
    for i in range(np.uint64(count)):
        current[a + i] += weight[b + i] * value


@njit(cache=True)
def _update(i: int, t: int, counted: bool, tables: Any, state: Any) -> None:
    """Integrate, fire and reset every neuron and level of tile `i`; `t`: step of the sample, which begins at 0."""
    tile = tables.tiles[i]
    begin, end = tile.neuron, tile.neuron + tile.neurons
    fired, current = state.fired[begin:end], state.current[begin:end]
    bias, input_bias, delta = (
        tables.bias[begin:end],
        state.input_bias[begin:end],
        tables.delta[begin:end],
    )
    fired[:] = 0
    for level in range(tile.levels):
        first = tile.level + level * tile.neurons
        last = first + tile.neurons
        v, owed = state.v[first:last], state.owed[first:last]
        if t == 0:
            v[:] = 0
            owed[:] = 0
        if tile.parameter_rows > 0:
            columns = tile.parameter_columns
            at = tile.parameter + (t if tile.parameter_rows > 1 else 0) * columns
            gain, step_bias = tables.gain[at : at + columns], tables.step_bias[at : at + columns]
            low, high = _integrate_gained(
                v,
                owed,
                current,
                tile.fraction_bits,
                bias,
                input_bias,
                delta,
                tile.v_limit,
                gain,
                tile.gain_shift,
                step_bias,
            )
        else:
            low, high = _integrate(
                v, owed, current, tile.fraction_bits, bias, input_bias, delta, tile.v_limit
            )
        if counted:
            state.lowest[i], state.highest[i] = (
                min(state.lowest[i], low),
                max(state.highest[i], high),
            )
        if tile.emits == GRADED:
            _emit_membranes(v, tile.graded_shift, fired)
        elif tile.emits != NOTHING:
            shift = tile.shift if tile.emits == MULTISPIKE else -1
            floor = tile.floor if tile.has_floor == 1 else NO_FLOOR
            theta, amount = tables.theta[first:last], tables.amount[first:last]
            _fire(
                v,
                owed,
                theta,
                shift,
                tile.ge == 1,
                fired,
                tile.reset,
                tile.late == 1,
                amount,
                floor,
            )
    current[:] = 0


@njit(cache=True)
def _integrate(
    v: Any, owed: Any, current: Any, bits: int, bias: Any, input_bias: Any, delta: Any, limit: int
) -> tuple[int, int]:
    """Set v to clip(decay(v) - owed + (a << f) + b); return its lowest and highest value."""
    low, high = limit, -limit
    for n in range(len(v)):
        drive = _shift_left(np.int64(current[n]), bits) + bias[n] + input_bias[n]
        u = _saturate(_decay(v[n], delta[n]) - owed[n] + drive, limit)
        low, high = min(low, u), max(high, u)
        v[n] = u
    return low, high


@njit(cache=True)
def _integrate_gained(
    v: Any,
    owed: Any,
    current: Any,
    bits: int,
    bias: Any,
    input_bias: Any,
    delta: Any,
    limit: int,
    gain: Any,
    shift: int,
    step_bias: Any,
) -> tuple[int, int]:
    """As `_integrate` with c = (gain · a) >> shift for a, and a bias of the step; one of each per channel or neuron."""
    low, high = limit, -limit
    for n in range(len(v)):
        own = n % len(gain)
        c = _shift_toward_zero(np.int64(current[n]) * gain[own], shift)
        drive = _shift_left(c, bits) + bias[n] + step_bias[own] + input_bias[n]
        u = _saturate(_decay(v[n], delta[n]) - owed[n] + drive, limit)
        low, high = min(low, u), max(high, u)
        v[n] = u
    return low, high


@njit(cache=True)
def _emit_membranes(v: Any, shift: int, fired: Any) -> None:
    for n in range(len(v)):
        fired[n] += _round_half_even(v[n], shift)
        v[n] = 0


@njit(cache=True)
def _fire(
    v: Any,
    owed: Any,
    theta: Any,
    shift: int,
    ge: bool,
    fired: Any,
    reset: int,
    late: bool,
    amount: Any,
    floor: int,
) -> None:
    """Add what each membrane emits to `fired`, and reset it. `shift` < 0: single spikes."""
    for n in range(len(v)):
        u = v[n]
        s = np.int64(u > theta[n]) if shift < 0 else _thresholds_reached(u, shift, ge)
        owed[n] = 0
        if reset == ZERO:
            u = 0 if s > 0 else u
        elif reset == SUBTRACT and late:
            owed[n] = s * amount[n]
        elif reset == SUBTRACT:
            u -= s * amount[n]
        v[n] = max(u, floor)
        fired[n] += s
