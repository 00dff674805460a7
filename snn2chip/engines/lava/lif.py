"""A population as Lava's neurons: the stock LIF where it says exactly the same, else neurons of ours.

Lava's fixed-point LIF counts in units of 2^-6 of a weight unit: with F = 6 - f, ours are shifted left by F.

    u = a << 6                                      du = 4095: the current of this step alone; wraps beyond 24 bits
    v = clip(trunc0(v · (4096 - dv) / 4096) + u + (bias_mant << bias_exp))
    s = v > (vth << 6), and v = 0 where it fired
"""

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.circuit.types import Shape
from snn2chip.engines.lava.plan import Argument, Node
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.ranges import Range
from snn2chip.quantize.types import QuantizedPopulation

BITS = 6
ONE = 1 << BITS
LIMIT = (1 << 23) - 1
"""Lava clips membranes to ±LIMIT; currents up to it do not wrap."""

FORGETS = 4095
MANTISSA = 1 << 15
"""Lava keeps bias_mant in 16 bits; the chip has 13."""

EXPONENT_MAX = 7


def lava_shape(shape: Shape) -> tuple[int, ...]:
    """(rows, columns, channels)."""
    channels, rows, columns = shape
    return (rows, columns, channels)


def channels_last(values: IntArray) -> IntArray:
    """[..., C, H, W] to [..., H, W, C]."""
    return np.moveaxis(values, -3, -1)


def neurons(
    p: QuantizedPopulation, reach: Range, depth: int, steps: int, v_limit: int
) -> tuple[Node, ...]:
    """The processes of a population, one for each level; what they send adds up to its output."""
    stock = _stock(p, reach, depth, steps, v_limit)
    if stock:
        return stock
    relay = _relay(p, reach)
    return (relay,) if relay else tuple(_ours(p, i, depth, steps, v_limit) for i in _levels(p))


def _levels(p: QuantizedPopulation) -> range:
    return range(1 if p.neuron.emits in (Emits.NOTHING, Emits.GRADED) else len(p.neuron.levels))


def _stock(
    p: QuantizedPopulation, reach: Range, depth: int, steps: int, v_limit: int
) -> tuple[Node, ...]:
    """A LIF or LIFReset for each level; none where they cannot say this population exactly."""
    n, finer = p.neuron, BITS - p.fraction_bits
    plain = (
        n.emits is Emits.SPIKE
        and n.reset is Reset.ZERO
        and n.v_min is None
        and n.gain is None
        and p.bias.ndim == 3
    )
    if not plain or finer < 0 or not _fits(reach, finer, v_limit):
        return ()
    memoryless = bool((n.delta == FORGETS).all()) and _kept(p, reach) << finer <= FORGETS
    keeps = not n.delta.any()
    if finer and not memoryless and not keeps:
        return ()
    bias = _bias(p.bias << finer)
    whole = (memoryless or keeps) and not ((p.bias << finer) % ONE).any()
    thresholds = [_coarse(level << finer, whole) for level in n.levels]
    if bias is None or any(t is None for t in thresholds):
        return ()
    shape = lava_shape(p.shape)
    shared: dict[str, Argument] = {
        "shape": shape,
        "du": FORGETS,
        "dv": _plain(n.delta),
        "bias_mant": np.ascontiguousarray(np.broadcast_to(channels_last(bias[0]), shape)),
        "bias_exp": bias[1],
    }
    if not memoryless:
        shared |= {"reset_interval": steps, "reset_offset": (depth + 1) % steps}
    kind = "LIF" if memoryless else "LIFReset"
    return tuple(Node(kind=kind, arguments={**shared, "vth": t}) for t in thresholds)


def _fits(reach: Range, finer: int, v_limit: int) -> bool:
    """No current wraps; membranes are clipped at the same place, or provably never."""
    if max(-reach.current_low, reach.current_high) << BITS > LIMIT:
        return False
    if finer == 0 and v_limit == LIMIT:
        return True
    return reach.proved and max(-reach.low, reach.high) << finer <= LIMIT


def _kept(p: QuantizedPopulation, reach: Range) -> int:
    """Largest membrane, in magnitude, that firing leaves. A decay of 4095 forgets all of one up to 4095."""
    highest = max(int(level.max()) for level in p.neuron.levels)
    return max(-reach.low, min(reach.high, highest), 0)


def _bias(bias: IntArray) -> tuple[IntArray, int] | None:
    """(mantissa, exponent) with bias = mantissa << exponent; the largest exponent that the chip has too."""
    lowest = int(np.bitwise_or.reduce(np.abs(bias), axis=None))
    exponent = min(EXPONENT_MAX, (lowest & -lowest).bit_length() - 1) if lowest else BITS
    mantissa = bias >> exponent
    return (mantissa, exponent) if np.abs(mantissa).max(initial=0) < MANTISSA else None


def _coarse(level: IntArray, whole: bool) -> Argument:
    """Vth with v > (vth << 6) exactly where v > level; None where there is none.

    `whole`: every membrane is a multiple of 64.
    """
    return _plain(level >> BITS) if whole or not (level % ONE).any() else None


def _plain(values: IntArray) -> Argument:
    """One number where all are the same, as Lava's own processes expect; else an array that broadcasts."""
    first = int(values.flat[0])
    return first if (values == first).all() else np.ascontiguousarray(channels_last(values))


def _relay(p: QuantizedPopulation, reach: Range) -> Node | None:
    """Lava's graded relay, where a population sends exactly what arrives."""
    n = p.neuron
    whole = n.emits is Emits.GRADED and n.graded_shift == p.fraction_bits and n.gain is None
    if not whole or p.bias.any() or not reach.proved:
        return None
    return Node(kind="GradedVec", arguments={"shape": lava_shape(p.shape), "vth": 0})


def _ours(p: QuantizedPopulation, level: int, depth: int, steps: int, v_limit: int) -> Node:
    """Neurons of ours: the arithmetic as it stands."""
    n = p.neuron
    emits = "membrane" if n.emits is Emits.NOTHING else n.emits.value
    arguments: dict[str, Argument] = {
        "shape": lava_shape(p.shape),
        "steps": steps,
        "depth": depth,
        "level": channels_last(n.levels[level]),
        "amount": channels_last(n.amounts[level]),
        "delta": channels_last(n.delta),
        "bias": channels_last(p.bias),
        "fraction_bits": p.fraction_bits,
        "limit": v_limit,
        "reset": n.reset.value,
        "late": n.late_reset,
        "emits": emits,
        "floor": n.v_min,
    }
    if n.emits is Emits.MULTISPIKE:
        arguments |= {"shift": n.multispike_shift, "reached": n.multispike_ge}
    if n.emits is Emits.GRADED:
        arguments["shift"] = n.graded_shift
    if n.gain is not None:
        arguments |= {"gain": channels_last(n.gain), "gain_shift": n.gain_shift}
    return Node(kind="Neurons", arguments=arguments)
