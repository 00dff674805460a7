"""A population as Lava's neurons: the stock LIF where it says exactly the same, else neurons of ours.

Lava's fixed-point LIF counts in units of 2^-6 of a weight unit: with F = 6 - f, ours are shifted left by F.

    u = a << 6                                      du = 4095: the current of this step alone; wraps beyond 24 bits
    v = clip(trunc0(v · (4096 - dv) / 4096) + u + (bias_mant << bias_exp))
    s = v > (vth << 6), and v = 0 where it fired
"""

from dataclasses import dataclass

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
CHIP_BITS, LAVA_BITS = 12, 15
"""Bits of the magnitude of bias_mant: on the chip, and in Lava's simulation."""

NUDGE = 32
"""A bias is moved by no more than this; steps · NUDGE is far below what clips."""

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
    decays = bool(n.delta.any())
    if not plain or finer < 0 or not _fits(reach, finer, v_limit, steps, decays):
        return ()
    memoryless = (
        bool((n.delta == FORGETS).all()) and _kept(p, reach) << finer <= FORGETS - NUDGE - ONE
    )
    keeps = not n.delta.any()
    if finer and not memoryless and not keeps:
        return ()
    bias = p.bias << finer
    levels = [level << finer for level in n.levels]
    counted = 1 if memoryless else steps if keeps else 0
    grids = [_on_grid(level, bias, counted) for level in levels]
    found = [g for g in grids if g is not None]
    if len(found) < len(grids):
        return ()
    shape = lava_shape(p.shape)
    shared: dict[str, Argument] = {
        "shape": shape,
        "du": FORGETS,
        "dv": _plain(n.delta),
    }
    if not memoryless:
        shared |= {"reset_interval": steps, "reset_offset": (depth + 1) % steps}
    kind = "LIF" if memoryless else "LIFReset"
    return tuple(Node(kind=kind, arguments={**shared, **_grid(g, shape)}) for g in found)


def _grid(g: "Grid", shape: tuple[int, ...]) -> dict[str, Argument]:
    mantissa = channels_last(g.bias >> g.exponent)
    return {
        "bias_mant": np.ascontiguousarray(np.broadcast_to(mantissa, shape)),
        "bias_exp": g.exponent,
        "vth": _plain(g.threshold),
    }


def _fits(reach: Range, finer: int, v_limit: int, steps: int, decays: bool) -> bool:
    """No current wraps; membranes are clipped at the same place, or provably never."""
    if max(-reach.current_low, reach.current_high) << BITS > LIMIT:
        return False
    if finer == 0 and v_limit == LIMIT and decays:
        return True
    return reach.proved and (max(-reach.low, reach.high) << finer) + steps * NUDGE <= LIMIT


def _kept(p: QuantizedPopulation, reach: Range) -> int:
    """Largest membrane, in magnitude, that firing leaves. A decay of 4095 forgets all of one up to 4095."""
    highest = max(int(level.max()) for level in p.neuron.levels)
    return max(-reach.low, min(reach.high, highest), 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """`threshold` in units of 64, `bias` a multiple of 2^exponent: arrays that broadcast."""

    threshold: IntArray
    bias: IntArray
    exponent: int


def _on_grid(level: IntArray, bias: IntArray, steps: int) -> Grid | None:
    """Threshold and bias on Lava's grids that fire in the same steps, or None.

    `steps`: most steps that a membrane adds up before it is 0 again; 0 where it decays in between. Without decay, k
    steps after it was 0 a membrane is 64·A + k·b, A whole, so that it fires where A > (level - k·b) >> 6. A bias b'
    close to b and a threshold h say the same where (level - k·b) >> 6 = h + (-k·b' >> 6) for k = 1..steps.
    """
    widest = int(np.abs(bias).max(initial=0)) + NUDGE
    chip, lava = (max(0, widest.bit_length() - bits) for bits in (CHIP_BITS, LAVA_BITS))
    for exponent in range(min(chip, EXPONENT_MAX), lava - 1, -1):
        found = _near(level, bias, steps, exponent) if steps else _same(level, bias, exponent)
        if found is not None:
            return found
    return None


def _same(level: IntArray, bias: IntArray, exponent: int) -> Grid | None:
    """Both as they are, where they lie on the grids."""
    if (level % ONE).any() or (bias % (1 << exponent)).any():
        return None
    return Grid(threshold=level >> BITS, bias=bias, exponent=exponent)


def _near(level: IntArray, bias: IntArray, steps: int, exponent: int) -> Grid | None:
    """The nearest bias on its grid with a threshold that fires in the same steps, neuron by neuron."""
    level, bias = np.broadcast_arrays(level, bias)
    k = np.arange(1, steps + 1).reshape(-1, 1, 1, 1)
    wanted = (level - k * bias) >> BITS
    grid = 1 << exponent
    threshold, taken = np.zeros_like(level), np.zeros_like(bias)
    open_ = np.ones(level.shape, bool)
    below = bias >> exponent << exponent
    for offset in sorted(range(-NUDGE, NUDGE + 1, grid), key=abs):
        tried = below + offset // grid * grid
        heights = wanted - ((-k * tried) >> BITS)
        fits = open_ & (heights == heights[0]).all(0)
        threshold, taken = np.where(fits, heights[0], threshold), np.where(fits, tried, taken)
        open_ &= ~fits
        if not open_.any():
            return Grid(threshold=threshold, bias=taken, exponent=exponent)
    return None


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
