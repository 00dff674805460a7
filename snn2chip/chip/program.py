"""The Program: a QuantizedCircuit laid out on cores, as packed bytes. And what a core's bytes say once unpacked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray
from snn2chip.chip.placement import NOWHERE, Placement
from snn2chip.circuit.types import Kernel, Provenance, Shape
from snn2chip.neuron import Emits, Reset

Words = NDArray[np.uint64]


class Coding(Enum):
    """How the input reaches the chip; it never changes a value.

    BIAS: the host computes the first sums and sends them as biases. HOST: the host runs the first populations and sends
    their spikes. GRADED: pixels are sent as payloads. EVENTS: a pixel of value n is sent as n unit spikes.
    """

    BIAS = "bias"
    HOST = "host"
    GRADED = "graded"
    EVENTS = "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A box of a population's neurons: [start, stop) of channels, rows, columns."""

    population: str
    channels: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def shape(self) -> Shape:
        """(channels, rows, columns) of the box."""
        c, y, x = self.channels, self.rows, self.columns
        return (c[1] - c[0], y[1] - y[0], x[1] - x[0])


def _no_names() -> dict[str, tuple[str, ...]]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Chip time. Sample step t of a population of depth d happens at chip step t + d.

    `depth`: population -> d (the input has depth 0). `delays`: (projection, source) -> steps that the axon
    holds a spike beyond the one step that every hop takes, so that summands of a join arrive together:
    d(target) - d(source) - 1.
    `relays`: relay -> what it copies, those before it only. `through`: projection -> what its axons read, with relays
    in the place of what they carry, where there are some; its own sources keep the steps of the whole way in `delays`.
    """

    depth: Mapping[str, int]
    delays: Mapping[tuple[str, str], int]
    relays: Mapping[str, tuple[str, ...]] = field(default_factory=_no_names)
    through: Mapping[str, tuple[str, ...]] = field(default_factory=_no_names)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Core:
    """One core: its tiles, and its memories as 64-bit words in the target's format.

    `tiles` are for reports; audit, validation and the core engine read the bytes alone (`Format.unpack`).
    """

    chip: int
    tiles: tuple[Tile, ...]
    groups: Words
    neurons: Words
    synapses: Words
    axons_in: Words
    axon_map: Words
    axon_memory: Words
    parameters: Words

    @property
    def populations(self) -> tuple[str, ...]:
        """Those of its tiles, each once, in their order."""
        return tuple(dict.fromkeys(t.population for t in self.tiles))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """Everything the chip needs. Core i of `cores` is the core that axons call i.

    `populations`: names in the order of the numbers that the bytes use; number 0 is the input, relays come last. A
    population
    that the host runs
    (`on_host`) has no core, but its number and shape stay. `input_axons`: what the host sends to: per input
    (or host population)
    number, an axon map and axon memory in the same words as a core's, one entry per position of the whole map.
    `host_biases`: with Coding.BIAS, the populations whose bias the host adds per sample and step. `placement`: where
    each core lies; axons know only its number.
    """

    target: str
    format: str
    steps: int
    coding: Coding
    populations: tuple[str, ...]
    shapes: tuple[Shape, ...]
    on_host: tuple[str, ...]
    host_biases: tuple[str, ...]
    cores: tuple[Core, ...]
    input_axons: Mapping[str, tuple[Words, Words]]
    schedule: Schedule
    provenance: Provenance
    placement: Placement = NOWHERE

    @property
    def chips(self) -> int:
        """How many chips hold cores."""
        return len({core.chip for core in self.cores})


# --- what the bytes say ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AxonIn:
    """One input axon: spikes of the populations with these numbers arrive here, held for `delay` further steps.

    Each source once: what counts twice in a sum takes another axon. The input (0) has an axon of its own, because its
    pixels may come as several spikes each.
    """

    sources: tuple[int, ...]
    delay: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Connection:
    """One projection's synapses into one tile. All `axons` share the weights (a join costs no synapses).

    `projection` is its number among the projections into the population, in order. `first_axon`: core-wide
    number of its first axon.
    Weights, by kernel: Conv [Cin, kh, kw, tc], Cin the input channels that the tile's channels see (all for
    groups 1; else from `channel_base`); Dense [C·H·W of the source, tc·th·tw], pooled [C, tc]; Identity [tc].
    """

    projection: int
    kernel: Kernel
    source_shape: Shape
    channel_base: int
    exponent: int
    weight: IntArray
    first_axon: int
    axons: tuple[AxonIn, ...]

    @property
    def sources(self) -> tuple[int, ...]:
        """The summands, axon after axon."""
        return tuple(s for axon in self.axons for s in axon.sources)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TileContents:
    """One tile from its bytes. Arrays are [tc, th, tw] (levels and amounts [L, tc, th, tw]).

    `bias` and `gain` lead with T where they change from step to step; `gain` None: 1.
    """

    population: int
    population_shape: Shape
    channels: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    depth: int
    steps: int
    fraction_bits: int
    v_limit: int
    levels: IntArray
    amounts: IntArray
    delta: IntArray
    bias: IntArray
    gain: IntArray | None
    gain_shift: int
    reset: Reset
    late_reset: bool
    emits: Emits
    v_min: int | None
    multispike_shift: int
    multispike_ge: bool
    graded_shift: int
    connections: tuple[Connection, ...]

    @property
    def shape(self) -> Shape:
        """(channels, rows, columns) of the tile."""
        c, y, x = self.channels, self.rows, self.columns
        return (c[1] - c[0], y[1] - y[0], x[1] - x[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AxonTable:
    """Where the spikes of a tile (or of a whole host-run map) go.

    `first`: [entries + 1], `core` and `axon`: [pairs]; the pairs of entry i are first[i]..first[i+1]. One
    entry per position
    (row-major over the tile's rows and columns), or, `per_neuron`, one per neuron (C order of the tile).
    """

    per_neuron: bool
    first: IntArray
    core: IntArray
    axon: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoreContents:
    """A core from its bytes."""

    tiles: tuple[TileContents, ...]
    axons: AxonTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a core uses of each limit, counted from its bytes: limit name -> words (or neurons, axons, groups)."""

    counts: Mapping[str, int]
