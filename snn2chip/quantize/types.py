"""The QuantizedCircuit: the Circuit in integers. Its meaning is the arithmetic of docs/arithmetic.md and nothing else.

Units: a *weight unit* of channel c is worth `scale[c]` in the float circuit; a *membrane unit* is 2^-f of a
weight unit. Weights are in weight units; thresholds, reset amounts, biases and membranes in membrane units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from snn2chip.arrays import FloatArray, IntArray
from snn2chip.circuit.types import InputKind, Join, Kernel, Origin, Provenance, Shape
from snn2chip.neuron import Emits, Reset


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """What the target can hold. Bits count the sign where there is one; features are the target's flags.

    weight, threshold, bias, membrane, gain: signed. payload: bits of a graded output, 0 where spikes are binary.
    exponent_max: largest e of a projection. fraction_bits: the target's f; `fraction_fixed`: it is the only one.
    threshold_step: thresholds are multiples of it, in membrane units (64 on Loihi 1).
    bias_mantissa: bias = mantissa << exponent, exponent <= bias_exponent_max (0: a plain field).
    """

    weight_bits: int
    threshold_bits: int
    threshold_step: int
    bias_bits: int
    bias_exponent_max: int
    membrane_bits: int
    gain_bits: int
    payload_bits: int
    exponent_max: int
    fraction_bits: int
    fraction_fixed: bool
    subtract_reset: bool
    graded: bool
    per_neuron_bias: bool
    per_step: bool
    levels: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedInput:
    """Value = integer · scale; the integer has `bits` bits, with sign if `signed`."""

    shape: Shape
    kind: InputKind
    scale: float
    bits: int
    signed: bool

    @property
    def low(self) -> int:
        """Smallest integer."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest integer."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntegerNeuron:
    """v = clip(decay(v) + (c << f) + b); s = v > θ; then the reset.

    Arrays are [C,1,1] or [C,H,W]; bias and gain may lead with T.

    `levels`: strict thresholds θ, one for each membrane. `amounts`: what SUBTRACT takes off, per level.
    `delta`: decay(v) = sign(v)·((|v|·(4096-δ)) >> 12). `gain`, `gain_shift` k: c = (gain·a) >> k toward zero.
    `multispike_shift`: θ_amount = 2^k, s = max(0, v + [>=]) >> k with `multispike_ge` the bracket.
    `graded_shift` p: emits
    round_half_even(v / 2^p). `late_reset`: the amount is taken in the next step, after the decay. `v_min`:
    floor, or None.
    """

    levels: tuple[IntArray, ...]
    amounts: tuple[IntArray, ...]
    delta: IntArray
    reset: Reset
    late_reset: bool
    emits: Emits
    v_min: int | None = None
    gain: IntArray | None = None
    gain_shift: int = 0
    multispike_shift: int = 0
    multispike_ge: bool = True
    graded_shift: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedPopulation:
    """`scale` [C].

    Worth of one weight unit; `fraction_bits` f; `unit`: worth of one unit of its output (1 for
    spikes).
    """

    name: str
    shape: Shape
    neuron: IntegerNeuron
    bias: IntArray
    fraction_bits: int
    scale: FloatArray
    unit: float
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedProjection:
    """a += (W · Σ sources) << exponent. `bits`: the fewest signed bits that hold every weight."""

    name: str
    sources: tuple[str, ...]
    target: str
    kernel: Kernel
    weight: IntArray
    exponent: int
    bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedReadOut:
    """The answer is the population's potentials (or summed spikes) times `scale` of its channel, / T if `mean`."""

    population: str
    mean: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedCircuit:
    """Populations in an order in which sources come first. `v_limit`: every membrane is clipped to ±v_limit.

    `loss`: what rounding did, as lines of text by population (empty where the network was on the grid).
    """

    input: QuantizedInput
    steps: int
    populations: tuple[QuantizedPopulation, ...]
    projections: tuple[QuantizedProjection, ...]
    joins: tuple[Join, ...]
    readout: QuantizedReadOut
    v_limit: int
    target: str
    provenance: Provenance
    loss: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def population(self, name: str) -> QuantizedPopulation:
        """The population called `name`."""
        return next(p for p in self.populations if p.name == name)

    def into(self, target: str) -> tuple[QuantizedProjection, ...]:
        """The projections into one population, in order."""
        return tuple(p for p in self.projections if p.target == target)
