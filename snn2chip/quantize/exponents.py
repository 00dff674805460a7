"""The exponents e of the projections into one population, and with them the scale of every channel at a given f.

Channel c has the scale 2^x. Projection p fits where x + e_p >= need_p, and is exact where x + e_p <= grid_p
too. So for given
exponents every channel has an interval of scales: the coarsest exact one is taken where there is one, else the
finest that fits.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray
from snn2chip.quantize.facts import Facts, Synapses
from snn2chip.quantize.grid import log2_up
from snn2chip.quantize.types import Widths

Flags = NDArray[np.bool_]
"""[C]."""

_EXPONENT_MAX = 15
"""Larger exponents are not looked at: no weight is shifted further."""

_COMBINATIONS = 4096
"""Up to so many choices of exponents are all tried; beyond, one projection at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limits:
    """What the scales must respect beside the weights, as exponents [C].

    `floor`: x >= floor, from θ, bias and current; `floor_exact`: the same where no weight is rounded.
    `ceiling`: beyond it
    the membrane's grid is too coarse to be exact. `offset`: None, or all x - offset must be equal. `whole`: x is whole.
    """

    floor: Callable[[tuple[int, ...]], FloatArray]
    floor_exact: FloatArray
    ceiling: FloatArray
    offset: FloatArray | None
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """`x` [C] and the exponents.

    `exact` [C]: nothing is rounded. `lost` [C]: octaves that x lies above what weights need.

    `broken`: copies (Identity of powers of two) that are not exact; `cost`: squared error of the currents
    relative to θ.
    """

    x: FloatArray
    exponents: tuple[int, ...]
    exact: Flags
    lost: FloatArray
    broken: int
    cost: float

    @property
    def rank(self) -> tuple[float, ...]:
        """Less is better."""
        return (float(np.isinf(self.x).sum()), self.broken, self.cost, sum(self.exponents))


def choose_exponents(f: Facts, limits: Limits, widths: Widths) -> Choice:
    """The exponents with the least error: all combinations where they are few, else one projection at a time."""
    count = len(f.synapses)
    top = min(widths.exponent_max, _EXPONENT_MAX) if count > 1 else 0
    if (top + 1) ** count <= _COMBINATIONS:
        every = product(range(top + 1), repeat=count)
        return _best(choose(f, limits, e) for e in every if not e or min(e) == 0)
    best = choose(f, limits, (0,) * count)
    while True:
        start = best
        for i in range(count):
            e = best.exponents
            best = _best(choose(f, limits, (*e[:i], n, *e[i + 1 :])) for n in range(top + 1))
        if best.rank >= start.rank:
            return best


def choose(f: Facts, limits: Limits, exponents: tuple[int, ...]) -> Choice:
    """The scales that go with these exponents."""
    pairs = tuple(zip(f.synapses, exponents, strict=True))
    channels = f.population.shape[0]
    fit = _most([s.fit - e for s, e in pairs], channels)
    low = np.maximum(fit, limits.floor_exact)
    high = np.minimum(_least([s.grid - e for s, e in pairs], channels), limits.ceiling)
    need = _most([_useful(s) - e for s, e in pairs if not s.copies], channels)
    rough = np.maximum(_most([s.need - e for s, e in pairs], channels), limits.floor(exponents))
    if limits.offset is not None:
        o, w = limits.offset, limits.whole
        low, rough, need = _level(low, o, w), _level(rough, o, w), _level(need, o, w)
        high = np.full(channels, (high - o).min()) + o
    exact = low <= high
    x = _settled(np.where(exact, np.where(np.isinf(high), low, high), rough), f, limits)
    broken = sum(int((~exact & (x + e > s.grid)).sum()) for s, e in pairs if s.copies)
    weight = np.where(exact | np.isinf(x), 0.0, 1.0) / _measure(f.theta) ** 2
    errors = [
        s.count * np.exp2(2 * np.where(np.isinf(x), 0.0, x + e)) * weight
        for s, e in pairs
        if not s.copies
    ]
    return Choice(
        x=x,
        exponents=exponents,
        exact=exact,
        lost=np.where(exact | np.isinf(need) | np.isinf(x), 0.0, np.maximum(x - need, 0.0)),
        broken=broken,
        cost=float(np.sum(errors)) if errors else 0.0,
    )


def _useful(s: Synapses) -> FloatArray:
    """[C]: the exponent below which finer weights would say no more."""
    return np.where(np.isinf(s.need), s.need, np.maximum(s.need, s.grid))


def _settled(x: FloatArray, f: Facts, limits: Limits) -> FloatArray:
    """Channels whose weights are all 0: any scale if threshold and bias are 0 too, else any coarse one."""
    coarse = np.where(f.theta > 0, log2_up(np.maximum(f.theta, 1e-300)) - 1, 0.0)
    if limits.offset is not None:
        return (
            x
            if np.isfinite(x).any()
            else np.full_like(x, _whole((coarse - limits.offset).max())) + limits.offset
        )
    unused = (
        ~np.any([np.isfinite(s.fit) for s in f.synapses], axis=0)
        if f.synapses
        else np.ones(len(x), bool)
    )
    settled = np.where(unused & (limits.ceiling == np.inf), np.maximum(x, coarse), x)
    return np.where(np.isneginf(settled), coarse, settled)


def _measure(theta: FloatArray) -> FloatArray:
    """What an error is compared with: θ; where that is 0 the population's largest, and 1 where nothing fires."""
    return np.where(theta > 0, theta, theta.max() or 1.0)


def _best(choices: Iterable[Choice]) -> Choice:
    return min(choices, key=lambda c: c.rank)


def _level(x: FloatArray, offset: FloatArray, whole: bool) -> FloatArray:
    top = (x - offset).max()
    return np.full(len(x), _whole(top) if whole else top) + offset


def _whole(x: float) -> float:
    return float(np.ceil(x)) if np.isfinite(x) else x


def _most(rows: list[FloatArray], channels: int) -> FloatArray:
    return np.max(rows, axis=0) if rows else np.full(channels, -np.inf)


def _least(rows: list[FloatArray], channels: int) -> FloatArray:
    return np.min(rows, axis=0) if rows else np.full(channels, np.inf)
