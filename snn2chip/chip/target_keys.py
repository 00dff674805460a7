"""Every key of a target file: its meaning, unit, type and range. Documentation and checks come from this one list."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Type of a value."""

    COUNT = "a whole number"
    FLAG = "true or false"
    WORD = "a word"
    CORES = "core numbers such as 3, 120-127 (of a board: chip:core, such as 0:3, 5:120-127), or nothing"
    PRICE = 'a number or "unknown"'


class Status(Enum):
    """Where a number comes from.

    PUBLISHED: read in a named source. RECALLED: published, quoted from memory. INHERITED: from another open
    project's file. FITTED: decoded or fitted from published output. ASSUMED: ours.
    """

    PUBLISHED = "published"
    RECALLED = "recalled"
    INHERITED = "inherited"
    FITTED = "fitted"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One quantity of a target file. `low`, `high`: the range of its value; `words`: the values of a WORD.

    `likely`: where a price lies, if it is not 0; outside, it was probably meant in another unit.
    A PRICE that nobody has published is the word "unknown": what it would price is listed as not priced.
    """

    name: str
    doc: str
    unit: str = ""
    kind: Kind = Kind.COUNT
    low: float = 0
    high: float = float("inf")
    words: tuple[str, ...] = ()
    likely: tuple[float, float] = (0, float("inf"))


def _flag(name: str, doc: str) -> Key:
    return Key(name=name, doc=doc, kind=Kind.FLAG)


def _bits(name: str, doc: str, low: int = 1, high: int = 32) -> Key:
    return Key(name=name, doc=doc, unit="bits", low=low, high=high)


FORMATS = ("loihi1", "loihi2")
"""Packed formats: how a core's memories are laid out in 64-bit words."""

WIDTHS = (
    _bits("widths.weight_bits", "stored weight, with its sign", high=8),
    _bits("widths.threshold_bits", "threshold, with its sign, in membrane units"),
    Key(
        name="widths.threshold_step",
        doc="thresholds are multiples of it",
        unit="membrane units",
        low=1,
    ),
    _bits("widths.bias_bits", "bias (or its mantissa), with its sign"),
    Key(
        name="widths.bias_exponent_max",
        doc="bias = mantissa · 2^exponent up to this exponent; 0: plain",
        high=15,
    ),
    _bits("widths.membrane_bits", "membrane, with its sign", low=2),
    _bits("widths.gain_bits", "input gain, with its sign; 0: none", low=0),
    _bits("widths.payload_bits", "payload of a graded spike; 0: spikes are binary", low=0),
    Key(name="widths.exponent_max", doc="largest exponent of a projection's weights", high=31),
    _bits("widths.fraction_bits", "fraction bits of a membrane that decays", low=0, high=16),
    _flag("widths.fraction_fixed", "every membrane has exactly these fraction bits"),
    _flag("widths.subtract_reset", "a spike can subtract from the membrane"),
    _flag("widths.graded", "neurons can send integers"),
    _flag("widths.per_neuron_bias", "biases may differ within a channel"),
    _flag("widths.per_step", "gains and biases may differ from step to step"),
    _flag("widths.levels", "a neuron may have several thresholds and membranes"),
)

COMMON = (
    *WIDTHS,
    Key(name="chip.cores", doc="neuromorphic cores of one chip that programs can use", low=1),
    Key(
        name="mesh.columns",
        doc="tiles of one chip side by side, from west to east",
        unit="tiles",
        low=1,
        high=256,
    ),
    Key(
        name="mesh.rows",
        doc="tiles of one chip from north to south",
        unit="tiles",
        low=1,
        high=256,
    ),
    Key(
        name="mesh.tile_cores",
        doc="cores that share the router of one tile",
        unit="cores",
        low=1,
        high=256,
    ),
    Key(
        name="mesh.dead_cores",
        doc="cores of every chip that programs cannot use; core k sits in tile k div tile_cores, tiles are counted "
        "down the columns",
        kind=Kind.CORES,
    ),
    Key(
        name="mesh.crossing_hops",
        doc="what the way from one chip to the next counts in hops, when cores are placed",
        unit="hops",
        low=1,
        high=10_000,
    ),
    Key(
        name="core.neurons",
        doc="neurons of one core; one with n membranes counts n times",
        unit="neurons",
        low=1,
    ),
    Key(name="core.synapse_words", doc="synapse memory", unit="words of 64 bits", low=1),
    Key(
        name="core.synapse_header_bits",
        doc="header of a synapse block",
        unit="bits",
        low=10,
        high=10,
    ),
    Key(
        name="core.axons_in",
        doc="input axons; a dense connection takes one per source neuron",
        unit="axons",
        low=1,
    ),
    Key(
        name="delay.at",
        doc="where a core holds a spike back for some steps",
        kind=Kind.WORD,
        words=("none", "synapse", "axon"),
    ),
    _bits(
        "delay.bits",
        "delay field, in bits, not steps: up to 2^bits - 1 steps in an axon, 2^bits - 2 in a synapse (5: 31 or 30)",
        low=0,
        high=8,
    ),
)

OF_FORMAT: dict[str, tuple[Key, ...]] = {
    "loihi2": (
        Key(
            name="core.axon_map_words",
            doc="output axons: one word per position of the tile, or per neuron",
            unit="words of 64 bits",
            low=1,
        ),
        Key(
            name="core.axon_memory_words",
            doc="destination lists: two destinations in a word",
            unit="words of 64 bits",
            low=1,
        ),
        Key(
            name="core.parameter_words",
            doc="gains, and biases that change: one word per step and channel, or per step and neuron",
            unit="words of 64 bits",
        ),
        Key(
            name="core.total_words",
            doc="neurons, synapses, input axons, axon map, axon memory and parameters together",
            unit="words of 64 bits",
            low=1,
        ),
        Key(
            name="core.header_words",
            doc="what describes tiles and connections; not in the total",
            unit="words of 64 bits",
            low=1,
        ),
        Key(
            name="core.groups", doc="groups of neurons: one per tile", unit="groups", low=1, high=8
        ),
        Key(
            name="core.dense_synapse_bits",
            doc="one synapse of a dense connection: its weight and an index",
            unit="bits",
            low=8,
            high=32,
        ),
    ),
    "loihi1": (
        Key(
            name="core.axons_out",
            doc="output axons: two for each core that a position sends to, one where single neurons send",
            unit="axons",
            low=1,
        ),
        Key(
            name="core.block_synapses",
            doc="most synapses of one stored block",
            unit="synapses",
            low=1,
        ),
        Key(
            name="core.thresholds",
            doc="distinct thresholds of one core",
            unit="profiles",
            low=1,
        ),
        Key(
            name="core.synapse_formats",
            doc="formats of synapses (bits of weight, index and delay, exponent) of one core",
            unit="formats",
            low=1,
            high=16,
        ),
        Key(
            name="core.border",
            doc="what crosses a tile's border: mask gives positions near it weight sets of their own, pad gives "
            "the tile a rim of neurons that nobody hears, best takes what needs fewer cores",
            kind=Kind.WORD,
            words=("mask", "pad", "best"),
        ),
    ),
}


BOARD = (
    Key(name="chips", doc="chips of the board", unit="chips", low=1, high=100_000),
    Key(
        name="columns",
        doc="chips side by side; the rest lie in rows below, each linked to its neighbours",
        unit="chips",
        low=1,
        high=100_000,
    ),
    Key(
        name="dead_cores",
        doc="cores of this board that programs cannot use, beside those of every chip; chips are counted row by row",
        kind=Kind.CORES,
    ),
)
"""Keys of every table [boards.NAME]."""


_LIKELY = {"pJ": (0.01, 100_000), "ns": (0.001, 1_000_000), "W": (0.0001, 50)}
"""Unit of a price -> a range that is far wider than the prices that are known."""


def _price(name: str, doc: str, unit: str) -> Key:
    return Key(name=name, doc=doc, unit=unit, kind=Kind.PRICE, likely=_LIKELY[unit])


PRICES = (
    _price("synapse_pj", "one weight added to a current", "pJ"),
    _price("synapse_ns", "one weight added to a current", "ns"),
    _price("neuron_idle_pj", "a neuron in a step in which nothing reaches it", "pJ"),
    _price("neuron_idle_ns", "a neuron in a step in which nothing reaches it", "ns"),
    _price("neuron_active_pj", "a neuron in a step in which something reaches it", "pJ"),
    _price("neuron_active_ns", "a neuron in a step in which something reaches it", "ns"),
    _price("neuron_spike_pj", "a neuron that fires, on top of being active", "pJ"),
    _price("neuron_spike_ns", "a neuron that fires, on top of being active", "ns"),
    _price("message_pj", "a spike on its way to one core, within a tile of the mesh", "pJ"),
    _price("message_ns", "a spike on its way to one core, within a tile of the mesh", "ns"),
    _price("hop_ew_pj", "one hop east or west", "pJ"),
    _price("hop_ew_ns", "one hop east or west", "ns"),
    _price("hop_ns_pj", "one hop north or south", "pJ"),
    _price("hop_ns_ns", "one hop north or south", "ns"),
    _price("crossing_pj", "the way from one chip to the next", "pJ"),
    _price("crossing_ns", "the way from one chip to the next", "ns"),
    _price("barrier_ns", "the barrier that ends a step", "ns"),
    _price("static_w", "static power of one chip", "W"),
)
"""Keys of every table [prices.NAME]."""


SECTIONS = (*dict.fromkeys(k.name.partition(".")[0] for k in COMMON), "boards", "prices")
"""The tables of a target file, of any format."""


def keys_of(
    format_: str, price_tables: tuple[str, ...], boards: tuple[str, ...] = ()
) -> dict[str, Key]:
    """Dotted name -> key, for a target of this format with these price tables and boards."""
    keys = {k.name: k for k in (*COMMON, *OF_FORMAT[format_])}
    keys |= {f"boards.{b}.{k.name}": k for b in boards for k in BOARD}
    return keys | {f"prices.{t}.{k.name}": k for t in price_tables for k in PRICES}
