"""The scale of every channel and the fraction bits of one population.

A weight unit of channel c is worth 2^x. x is the finest at which weights, θ, bias and currents fit the target,
or the coarsest
at which all of them are exact. f is 0 where nothing decays and nothing is added to the membrane but whole
weight units; else the
largest value at which no channel loses weight bits and the membrane is proved not to clip.
"""

from dataclasses import dataclass

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.neuron import Emits, NeuronModel
from snn2chip.quantize.exponents import Choice, Flags, Limits, choose_exponents
from snn2chip.quantize.facts import Facts
from snn2chip.quantize.grid import log2_up
from snn2chip.quantize.neurons import Built, build
from snn2chip.quantize.ranges import reach_of
from snn2chip.quantize.sums import Sums
from snn2chip.quantize.types import QuantizedPopulation, Widths

MEMORYLESS = 4096
"""A decay of 0 is δ = 4095, which forgets membranes below this."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scales:
    """`weight_x` [C].

    Exponent of the weights' unit; `x` [C]: of the unit that reaches the membrane (another one where
    there is a gain between them); `exponents`: e per projection; `gain_shift`: k.

    `exact` [C], `lost` [C] and `broken` as in a Choice; `proved`: the membrane is proved not to clip; `fits`:
    so are the currents.
    """

    x: FloatArray
    weight_x: FloatArray
    exponents: tuple[int, ...]
    fraction_bits: int
    exact: Flags
    lost: FloatArray
    broken: int
    proved: bool
    fits: bool
    gain_shift: int = 0


def choose_scales(f: Facts, widths: Widths, free: bool) -> Scales:
    """Scales and fraction bits of a population without gain."""
    tried = {bits: _at_fraction(f, widths, bits, free) for bits in fractions(widths)}
    ranks = {bits: _rank(f, choice) for bits, choice in tried.items()}
    best = min(ranks.values())
    good = _ordered(f, {bits: c for bits, c in tried.items() if ranks[bits] == best})
    proofs = ((bits, _proved(f, tried[bits], widths, bits)) for bits in good)
    bits, proved = next(((b, True) for b, p in proofs if p), (_unproved(f, tried, good), False))
    return _scales(f, tried[bits], bits, proved)


def _ordered(f: Facts, good: dict[int, Choice]) -> list[int]:
    """Fraction bits in the order of preference.

    Where all is exact: the coarsest weights, with as few fraction bits as they allow. Where fraction bits
    would say nothing
    (no decay, and bias, amounts and floor whole in weight units): none. Else as many as there are.
    """
    if all(c.exact.all() for c in good.values()):
        return sorted(good, key=lambda bits: (-float(good[bits].x.sum()), bits))
    few = good[min(good)]
    whole = not f.decays and bool((few.x <= f.fixed_grid).all())
    return sorted(good, reverse=not whole)


def limits_at(f: Facts, widths: Widths, bits: int, free: bool) -> Limits:
    """What scales must respect where the membrane has `bits` fraction bits."""
    one = 2.0**bits
    v_limit = float(limit_of(widths))
    fixed = np.maximum(
        log2_of(f.theta * one / threshold_max(widths), free),
        log2_of(f.bias * one / bias_max(widths), free),
    )

    def floor(exponents: tuple[int, ...]) -> FloatArray:
        slack = sum(s.slack * 2.0**e for s, e in zip(f.synapses, exponents, strict=True))
        room = v_limit - slack * one
        if room <= 0:
            return np.where(f.current > 0, np.inf, fixed)
        return np.maximum(fixed, log2_of(f.current * one / room, free))

    steps = f.decay_bits * (f.steps - 1) if f.steps > 1 else np.zeros_like(f.decay_bits)
    ceiling = np.minimum(f.weight_grid, f.fixed_grid) - steps + bits
    offset = offset_of(f, free)
    if f.population.neuron.emits is Emits.MULTISPIKE and offset is not None:
        ceiling = np.minimum(ceiling, offset + bits)
    return Limits(
        floor=floor,
        floor_exact=np.maximum(fixed, log2_of(f.current * one / v_limit, free)),
        ceiling=ceiling,
        offset=offset,
        whole=not free or f.population.neuron.emits is Emits.MULTISPIKE,
    )


def offset_of(f: Facts, free: bool) -> FloatArray | None:
    """[C] where all scales of a population must be the same but for 2^offset, else None.

    A graded output has one unit, a floor one value, and so have the potentials of a read-out: the host
    compares them as they are. Thresholds of a multispike neuron are 2^k membrane units, with one k for all.
    """
    n = f.population.neuron
    if n.emits is Emits.MULTISPIKE:
        octaves = np.log2(np.maximum(f.theta, 1e-300))
        return octaves if free else np.rint(octaves)
    if n.emits in (Emits.NOTHING, Emits.GRADED) or n.v_min:
        return np.zeros(f.population.shape[0])
    return None


def limit_of(widths: Widths) -> int:
    """Membranes are clipped to ± this."""
    return (1 << (widths.membrane_bits - 1)) - 1


def threshold_max(widths: Widths) -> int:
    """Largest threshold, in membrane units."""
    return (1 << (widths.threshold_bits - 1)) - 1


def bias_max(widths: Widths) -> int:
    """Largest bias, in membrane units."""
    return ((1 << (widths.bias_bits - 1)) - 1) << widths.bias_exponent_max


def log2_of(values: FloatArray, free: bool) -> FloatArray:
    """log2, rounded up to whole numbers unless scales are free; -inf for 0."""
    if not free:
        return log2_up(values)
    with np.errstate(divide="ignore"):
        return np.log2(values)


def fractions(widths: Widths) -> tuple[int, ...]:
    """The values that f can have."""
    return (
        (widths.fraction_bits,) if widths.fraction_fixed else tuple(range(widths.fraction_bits + 1))
    )


def _at_fraction(f: Facts, widths: Widths, bits: int, free: bool) -> Choice:
    return choose_exponents(f, limits_at(f, widths, bits, free), widths)


def _alive(f: Facts) -> Flags:
    """Channels that could fire in floats: only their weight bits are worth fraction bits."""
    if f.population.neuron.emits not in (Emits.SPIKE, Emits.MULTISPIKE):
        return np.ones(len(f.theta), bool)
    return (f.high + f.bias) * f.steps >= f.theta


def _rank(f: Facts, c: Choice) -> tuple[float, ...]:
    impossible = float(np.isinf(c.x).sum())
    return (impossible, float((~c.exact).sum()), c.broken, float(c.lost[_alive(f)].sum()))


def _unproved(f: Facts, tried: dict[int, Choice], good: list[int]) -> int:
    """Where no f has a proof: as preferred if exact, the largest if something decays, else the smallest membranes."""
    if tried[good[0]].exact.all():
        return good[0]
    return max(good) if f.decays else min(good)


def _scales(f: Facts, c: Choice, bits: int, proved: bool) -> Scales:
    possible = np.isfinite(c.x)
    fallback = np.max(
        [s.fit - e for s, e in zip(f.synapses, c.exponents, strict=True)], axis=0, initial=-np.inf
    )
    x = (
        c.x
        if possible.all()
        else np.where(possible, c.x, np.where(np.isfinite(fallback), fallback, 0.0))
    )
    return Scales(
        x=x,
        weight_x=x,
        exponents=c.exponents,
        fraction_bits=bits,
        exact=c.exact,
        lost=c.lost,
        broken=c.broken,
        proved=proved,
        fits=bool(possible.all()),
    )


def _proved(f: Facts, c: Choice, widths: Widths, bits: int) -> bool:
    """Whether the membrane cannot clip in T steps (nor reach 4096 where all is forgotten)."""
    if np.isinf(c.x).any():
        return False
    current = current_bounds(f, c.x, c.exponents, c.exact)
    built = build(f.population, c.x, bits, widths)
    return not may_clip(f, built, current, bits, limit_of(widths)).any()


def current_bounds(f: Facts, x: FloatArray, exponents: tuple[int, ...], exact: Flags) -> Sums:
    """Bounds [C] of the currents in units of 2^x, whichever way weights are rounded."""
    slack = sum(s.slack * 2.0**e for s, e in zip(f.synapses, exponents, strict=True))
    margin = np.where(exact, 0.0, slack)
    low = np.floor(f.low / np.exp2(x) - margin).astype(np.int64)
    high = np.ceil(f.high / np.exp2(x) + margin).astype(np.int64)
    return Sums(low=low, high=high, partial=np.maximum(high, -low))


def may_clip(f: Facts, built: Built, current: Sums, bits: int, v_limit: int) -> Flags:
    """[C]: membranes that could leave ±v_limit (or reach 4096, where all is forgotten)."""
    p = f.population
    trial = QuantizedPopulation(
        name=p.name,
        shape=p.shape,
        neuron=built.neuron,
        bias=built.bias,
        fraction_bits=bits,
        scale=np.ones(p.shape[0]),
        unit=1.0,
        origin=p.origin,
    )
    reach = reach_of(trial, current, f.steps, v_limit)
    limit = min(v_limit, MEMORYLESS - 1) if forgets(p.neuron) else v_limit
    return reach.membrane.magnitude > limit


def forgets(n: NeuronModel) -> bool:
    """Whether the neuron has no memory: δ = 4095 does that only below 4096."""
    return n.emits is not Emits.GRADED and bool((n.decay == 0).any())
