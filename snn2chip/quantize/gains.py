"""Scales of a population with a gain between its weights and its membrane: c = (gain · a) >> k.

The weights have a unit 2^w of their own, and the membrane's unit 2^x may be finer: the integer gain carries
2^(w - x) of it, so
that no precision of a product is thrown away before the threshold sees it. k is 0 where the gains are exact.
"""

from dataclasses import replace

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.quantize.exponents import Choice, Flags, Limits, choose_exponents
from snn2chip.quantize.facts import Facts, per_channel
from snn2chip.quantize.grid import finest_bit
from snn2chip.quantize.neurons import GainUnits, build
from snn2chip.quantize.scales import (
    Scales,
    bias_max,
    current_bounds,
    fractions,
    limit_of,
    log2_of,
    may_clip,
    offset_of,
    threshold_max,
)
from snn2chip.quantize.types import Widths

_ROOM = 1.0 + 2.0**-6
"""Currents are held to this much less than the target's limit, for the rounding of gains."""

_SHIFT_MAX = 24
"""Largest k: products have at most twice as many bits as a membrane."""

_TRIES = 40
"""Octaves that the search for a membrane that cannot clip goes up."""


def choose_gained_scales(f: Facts, widths: Widths, free: bool) -> Scales:
    """Scales, fraction bits and k of a population with gain."""
    weights = choose_exponents(f, _weight_limits(f, widths, free), widths)
    tried = [_at_fraction(f, widths, bits, weights, free) for bits in fractions(widths)]
    return min(tried, key=_rank)


def gain_units(s: Scales) -> GainUnits:
    """What one unit of the integer gain is worth."""
    return GainUnits(octaves=s.weight_x - s.x + s.gain_shift, shift=s.gain_shift)


def _rank(s: Scales) -> tuple[float, ...]:
    """Exact first, then proved, then the finest membrane unless all is exact; of equals the fewest fraction bits."""
    inexact = float((~s.exact).sum())
    finest = float(s.x.max()) - s.fraction_bits if inexact else 0.0
    return (inexact, float(not s.proved), finest, s.fraction_bits)


def _weight_limits(f: Facts, widths: Widths, free: bool) -> Limits:
    """The weights' sum has to fit; θ and bias are compared in the membrane's unit, later."""
    v_limit = float(limit_of(widths))

    def floor(exponents: tuple[int, ...]) -> FloatArray:
        room = v_limit - sum(s.slack * 2.0**e for s, e in zip(f.synapses, exponents, strict=True))
        if room <= 0:
            return np.where(f.current > 0, np.inf, -np.inf)
        return log2_of(f.current / room, free)

    anything = np.full(len(f.theta), np.inf)
    return Limits(
        floor=floor,
        floor_exact=log2_of(f.current / v_limit, free),
        ceiling=anything,
        offset=None,
        whole=not free,
    )


def _at_fraction(f: Facts, widths: Widths, bits: int, weights: Choice, free: bool) -> Scales:
    fits = np.isfinite(weights.x)
    w = np.where(fits, weights.x, 0.0)
    octaves = _octaves(f, widths)
    floor = np.maximum(_floor(f, widths, bits, free), w - octaves)
    gain_grid = finest_bit(per_channel(_gain(f), f.population.shape)).min(1)
    steps = f.decay_bits * (f.steps - 1) if f.steps > 1 else np.zeros_like(f.decay_bits)
    membrane = np.minimum(f.weight_grid + gain_grid, f.fixed_grid) - steps
    ceiling = np.minimum(w + gain_grid, membrane + bits)
    exact = weights.exact & (floor <= ceiling)
    offset = offset_of(f, free)
    if offset is not None:
        floor = offset + np.ceil((floor - offset).max())
        ceiling = offset + (ceiling - offset).min()
        exact = np.full(len(w), bool(weights.exact.all() and (floor <= ceiling).all()))
    start = Scales(
        x=np.where(exact & np.isfinite(ceiling), ceiling, floor),
        weight_x=w,
        exponents=weights.exponents,
        fraction_bits=bits,
        exact=exact,
        lost=weights.lost,
        broken=weights.broken,
        proved=False,
        fits=bool(fits.all()),
    )
    return _raised(f, widths, start, octaves, together=offset is not None)


def _raised(f: Facts, widths: Widths, s: Scales, octaves: FloatArray, together: bool) -> Scales:
    """Coarser membranes, which lose no weight bits, until they cannot clip; exact ones stay."""
    now = _shifted(s, s.x, octaves)
    for _ in range(_TRIES):
        over = _over(f, widths, now)
        if not over.any():
            return replace(now, proved=True)
        if not (over & ~s.exact).any():
            return now
        now = _shifted(s, np.where((over | together) & ~s.exact, now.x + 1, now.x), octaves)
    return now


def _shifted(s: Scales, x: FloatArray, octaves: FloatArray) -> Scales:
    """`s` with these membranes, and the k that leaves the gains their bits."""
    shift = 0 if s.exact.all() else int(np.clip((octaves - (s.weight_x - x)).min(), 0, _SHIFT_MAX))
    return replace(s, x=x, gain_shift=shift)


def _over(f: Facts, widths: Widths, s: Scales) -> Flags:
    current = current_bounds(f, s.weight_x, s.exponents, s.exact)
    built = build(f.population, s.x, s.fraction_bits, widths, gain=gain_units(s))
    return may_clip(f, built, current, s.fraction_bits, limit_of(widths))


def _floor(f: Facts, widths: Widths, bits: int, free: bool) -> FloatArray:
    """[C]: finest x at which θ, bias and c << f fit."""
    one = 2.0**bits
    most = per_channel(_gain(f), f.population.shape).max(1)
    limits = (
        f.theta * one / threshold_max(widths),
        f.bias * one / bias_max(widths),
        most * f.current * one * _ROOM / limit_of(widths),
    )
    return np.max([log2_of(x, free) for x in limits], axis=0)


def _octaves(f: Facts, widths: Widths) -> FloatArray:
    """[C]: by how many octaves the gains can be multiplied in their bits."""
    largest = (1 << (max(widths.gain_bits, 2) - 1)) - 1
    most = per_channel(_gain(f), f.population.shape).max(1)
    return np.floor(np.log2(largest / np.where(most > 0, most, 1.0)))


def _gain(f: Facts) -> FloatArray:
    gain = f.population.neuron.gain
    if gain is None:
        raise ValueError(f"{f.population.name} has no gain")
    return gain
