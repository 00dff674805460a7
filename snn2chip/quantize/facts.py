"""What quantizing one population must respect, in real units.

Its weights, currents, thresholds and the grids they lie on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import Circuit, Identity, Population, Projection, Shape
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.grid import finest_bit, grid_of, is_power_of_two
from snn2chip.quantize.sums import Bounds, joined, sums
from snn2chip.quantize.weights import finest_fit, least_squares_fit, tight_fit


class Method(Enum):
    """How a channel's weights choose their scale. MAX: all fit. MSE: least squared error, clipping allowed.

    AGREE: of these two, the one whose spikes agree best with the float circuit on a calibration input.
    """

    MAX = "max"
    MSE = "mse"
    AGREE = "agree"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sources:
    """What the populations before send: bounds of their integers, the real worth of one, and their shapes."""

    bounds: Mapping[str, Bounds]
    units: Mapping[str, float]
    shapes: Mapping[str, Shape]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Synapses:
    """One projection. `weight`: real current per integer of the source.

    Per channel [C]: `fit`, the finest exponent at which the weights fit; `need`, the one that the method
    wants; `grid`, the coarsest
    at which they are whole. `copies`: an Identity of powers of two, which must stay exact. `count`: synapses
    of a neuron; `slack`: most that rounding its weights can add to the current, in units of the weight.
    """

    projection: Projection
    weight: FloatArray
    source: Bounds
    source_shape: Shape
    fit: FloatArray
    need: FloatArray
    grid: FloatArray
    copies: bool
    count: int
    slack: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """One population; arrays [C] in real units, grids as exponents.

    `low`, `high`: bounds of the current. `theta`, `bias`: largest magnitudes. `fixed_grid`: grid of what is
    added to or taken from the
    membrane beside the currents (bias, reset amount, floor). `decay_bits`: bits that a step of decay adds; inf where it
    is not exact in 12 bits. `decays`: something is forgotten little by little.
    """

    population: Population
    steps: int
    synapses: tuple[Synapses, ...]
    low: FloatArray
    high: FloatArray
    theta: FloatArray
    bias: FloatArray
    fixed_grid: FloatArray
    decay_bits: FloatArray
    decays: bool

    @property
    def current(self) -> FloatArray:
        """[C]: largest |current|."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def weight_grid(self) -> FloatArray:
        """[C]: grid of the currents."""
        return np.min([s.grid for s in self.synapses], axis=0, initial=np.inf)


def facts(
    circuit: Circuit, p: Population, sources: Sources, bits: int, method: Method, free: bool
) -> Facts:
    """The facts of population `p`; weights have `bits` bits."""
    found = tuple(_synapses(x, sources, bits, method, free) for x in circuit.into(p.name))
    bounds = [sums(s.projection.kernel, s.weight, s.source, s.source_shape) for s in found]
    zero = np.zeros(p.shape[0])
    decay_bits = _decay_bits(p)
    return Facts(
        population=p,
        steps=circuit.steps,
        synapses=found,
        low=sum((b.low for b in bounds), zero),
        high=sum((b.high for b in bounds), zero),
        theta=_theta(p),
        bias=per_channel(p.bias, p.shape).max(1),
        fixed_grid=_fixed_grid(p),
        decay_bits=decay_bits,
        decays=bool((decay_bits > 0).any()),
    )


def per_channel(values: FloatArray, shape: Shape) -> FloatArray:
    """|values| that broadcast against (C, H, W), or with a leading T, as rows [C, everything else]."""
    full = np.abs(values.reshape((1,) * (4 - values.ndim) + values.shape))
    rows = np.moveaxis(full, 1, 0).reshape(full.shape[1], -1)
    return np.broadcast_to(rows, (shape[0], rows.shape[1]))


def _synapses(p: Projection, sources: Sources, bits: int, method: Method, free: bool) -> Synapses:
    source = joined([sources.bounds[s] for s in p.sources])
    shape = sources.shapes[p.sources[0]]
    weight = floats(p.weight * sources.units[p.sources[0]])
    used = (weight != 0).astype(np.float64)
    copies = (
        isinstance(p.kernel, Identity) and not free and is_power_of_two(np.abs(weight[weight != 0]))
    )
    fit = tight_fit(weight, bits) if free else finest_fit(weight, bits)
    squares = method is Method.MSE and not copies and not free
    return Synapses(
        projection=p,
        weight=weight,
        source=source,
        source_shape=shape,
        fit=fit,
        need=least_squares_fit(weight, bits) if squares else fit,
        grid=grid_of(weight),
        copies=copies,
        count=max(1, int(used.reshape(len(weight), -1).sum(1).max(initial=0))),
        slack=0.5 * float(sums(p.kernel, used, source, shape).partial.max(initial=0)),
    )


def _theta(p: Population) -> FloatArray:
    if p.neuron.emits in (Emits.NOTHING, Emits.GRADED):
        return np.zeros(p.shape[0])
    return np.max([per_channel(x, p.shape).max(1) for x in p.neuron.levels], axis=0)


def _fixed_grid(p: Population) -> FloatArray:
    n = p.neuron
    grid = finest_bit(per_channel(p.bias, p.shape)).min(1)
    fires = n.emits in (Emits.SPIKE, Emits.MULTISPIKE)
    if fires and n.reset is Reset.SUBTRACT:
        amounts = [finest_bit(per_channel(x, p.shape)).min(1) for x in n.levels]
        grid = np.minimum(grid, np.min(amounts, axis=0))
    if n.v_min is not None:
        grid = np.minimum(grid, finest_bit(n.v_min))
    return grid


def _decay_bits(p: Population) -> FloatArray:
    """[C].

    M where every decay is a multiple of 2^-m, m <= 12; inf where it is not; 0 where nothing or
    everything is kept.
    """
    if p.neuron.emits is Emits.GRADED:
        return np.zeros(p.shape[0])
    lowest = finest_bit(per_channel(p.neuron.decay, p.shape)).min(1)
    bits = np.maximum(-lowest, 0.0)
    return np.where(bits > 12, np.inf, bits)
