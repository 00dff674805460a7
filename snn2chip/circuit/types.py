"""The Circuit: what a chip can do, in floats. Populations of neurons, projections of synapses, nothing else."""

from dataclasses import dataclass
from enum import Enum

from snn2chip.arrays import FloatArray
from snn2chip.network.types import INPUT, InputKind, Pair, Provenance, Shape
from snn2chip.neuron import NeuronModel

__all__ = ["INPUT", "InputKind", "Pair", "Provenance", "Shape"]


class Role(Enum):
    """NEURON.

    A neuron layer of the paper. GATE: memoryless logic. RELAY: carries a sum on. READOUT:
    accumulates the answer.
    """

    NEURON = "neuron"
    GATE = "gate"
    RELAY = "relay"
    READOUT = "readout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which layer of the source a population came from: the only place where names are matched to the paper's.

    `call` counts from 1 where one module is called several times (0: once); `level` where one layer became
    several populations.
    """

    layer: str
    role: Role
    call: int = 0
    level: int = 0

    @property
    def key(self) -> str:
        """The layer's name in recordings: its module path, with `@call` for a module called several times."""
        return f"{self.layer}@{self.call}" if self.call else self.layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """The input.

    `scale`, `bits`, `signed` are known once quantized: a value is an integer of `bits` bits times
    `scale`.
    """

    shape: Shape
    kind: InputKind
    scale: float | None = None
    bits: int | None = None
    signed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Population:
    """Neurons of one kind. `bias` broadcasts against (C, H, W); a leading axis T makes it one per step."""

    name: str
    shape: Shape
    neuron: NeuronModel
    bias: FloatArray
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv:
    """Convolution kernel; the weight is [O, I/groups, kh, kw]."""

    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """Every source neuron to every target neuron: weight [O, C·H·W] in C order of the source.

    `pooled`: weight [O, C], one value for all positions of a channel (a sum pool over the whole map, then dense).
    """

    pooled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Source neuron i to target neuron i, weight [C]."""


Kernel = Conv | Dense | Identity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projection:
    """Synapses. The outputs of `sources` (populations, or INPUT) are summed before the weights: a residual join."""

    name: str
    sources: tuple[str, ...]
    target: str
    kernel: Kernel
    weight: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A sum that the paper draws as a node.

    Its name (`block#out`) and its summands. No neurons; for traces and reports.
    """

    name: str
    summands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitReadOut:
    """The answer.

    Potentials of a READOUT population, or summed spikes of another, over T steps; divided by T if
    `mean`.
    """

    population: str
    mean: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Populations in an order in which every source comes before its targets."""

    input: Input
    steps: int
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    joins: tuple[Join, ...]
    readout: CircuitReadOut
    provenance: Provenance

    def population(self, name: str) -> Population:
        """The population called `name`."""
        return next(p for p in self.populations if p.name == name)

    def into(self, target: str) -> tuple[Projection, ...]:
        """The projections into one population, in order."""
        return tuple(p for p in self.projections if p.target == target)

    def layers(self) -> dict[str, tuple[Population, ...]]:
        """Source layer name -> its populations, for roles NEURON and GATE whose origin names a layer of the paper."""
        grouped: dict[str, tuple[Population, ...]] = {}
        for p in self.populations:
            if p.origin.role in (Role.NEURON, Role.GATE):
                grouped[p.origin.key] = (*grouped.get(p.origin.key, ()), p)
        return grouped
