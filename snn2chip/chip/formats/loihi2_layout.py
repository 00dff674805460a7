"""How a Loihi 2 core's memories are laid out. The layouts are ours; the word counts are those of published tables.

Published (the partitioner's tables in lava-dl's notebooks): one word per neuron; one synapse block per input channel
and kernel position, ceil((tc·bits + 10) / 64) words; one axon map word per position of a tile, or per neuron before a
dense layer; one input axon per connection, or per source neuron of a dense one. Two destinations in a word: assumed.

    groups       CORE, then per tile TILE, per connection CONNECTION, and per summand SOURCE: what describes the rest
    neurons      per tile: NEURON, level by level; then AMOUNT, level by level, where amounts follow no rule
    synapses     per connection: blocks of a header (weight bits, low bits of the run's length) and a run of weights
    axons_in     AXON_IN, in the order of connections and their axons
    axon_map     AXON_MAP, one per entry of the axon table
    axon_memory  AXON_PAIRS
    parameters   per tile with a gain, or with biases that change: PARAMETER, per step (one where nothing changes) and
                 channel, or per step and neuron where they differ within a channel. No published table has them.
"""

from enum import IntEnum

from snn2chip.chip.formats.bits import Field, Record

HEADER_BITS = 10
HEADER_RUN_BITS = 7
"""Header of a synapse block: weight bits - 1 above the low bits of the run's length."""

LEVEL = Field("level", 24, signed=True)
BIAS = Field("bias", 24, signed=True)
DELTA = Field("delta", 12)
AMOUNT_FIELD = Field("amount", 24, signed=True)
GAIN = Field("gain", 24, signed=True)


class KernelCode(IntEnum):
    """Kernel of a connection."""

    CONV = 0
    DENSE = 1
    POOLED = 2
    IDENTITY = 3


class AmountRule(IntEnum):
    """What a spike subtracts: θ + 1 (a float `>=`), θ, nothing, 2^multispike_shift, or what AMOUNT words say."""

    ABOVE_LEVEL = 0
    LEVEL = 1
    ZERO = 2
    POWER = 3
    STORED = 4


CORE = Record("core", (Field("tiles", 4),))

TILE = Record(
    "tile",
    (
        Field("population", 20),
        Field("map_channels", 20),
        Field("map_rows", 16),
        Field("map_columns", 16),
        Field("channel_start", 20),
        Field("channel_stop", 20),
        Field("row_start", 16),
        Field("row_stop", 16),
        Field("column_start", 16),
        Field("column_stop", 16),
        Field("depth", 16),
        Field("steps", 16),
        Field("fraction_bits", 5),
        Field("v_limit", 32),
        Field("levels", 8),
        Field("amounts", 3),
        Field("reset", 2),
        Field("late_reset", 1),
        Field("emits", 2),
        Field("has_v_min", 1),
        Field("v_min", 32, signed=True),
        Field("multispike_shift", 5),
        Field("multispike_ge", 1),
        Field("graded_shift", 5),
        Field("gain", 1),
        Field("gain_shift", 5),
        Field("step_gain", 1),
        Field("step_bias", 1),
        Field("by_neuron", 1),
        Field("connections", 8),
    ),
)

CONNECTION = Record(
    "connection",
    (
        Field("projection", 8),
        Field("kernel", 2),
        Field("source_channels", 20),
        Field("source_rows", 16),
        Field("source_columns", 16),
        Field("channel_base", 20),
        Field("inputs", 20),
        Field("kernel_rows", 8),
        Field("kernel_columns", 8),
        Field("stride_y", 8),
        Field("stride_x", 8),
        Field("padding_y", 8),
        Field("padding_x", 8),
        Field("dilation_y", 8),
        Field("dilation_x", 8),
        Field("groups", 20),
        Field("exponent", 5),
        Field("weight_bits", 4),
        Field("axons", 12),
        Field("sources", 12),
    ),
)
SOURCE = Record("source", (Field("population", 20), Field("axon", 12)))
"""A summand, and which of its connection's axons it drives."""

NEURON = Record("neuron", (LEVEL, BIAS, DELTA, Field("group", 3)))
AMOUNT = Record("amount", (AMOUNT_FIELD,))
PARAMETER = Record("parameter", (GAIN, BIAS))
AXON_IN = Record(
    "input axon",
    (Field("delay", 8), Field("connection", 8), Field("neuron", 24)),
)
AXON_MAP = Record("axon map", (Field("first", 40), Field("count", 23), Field("per_neuron", 1)))
AXON_PAIRS = Record(
    "axon memory",
    (Field("core_0", 20), Field("axon_0", 12), Field("core_1", 20), Field("axon_1", 12)),
)
FIELDS = {"groups": 1 << 3, "connections": 1 << 8, "axons": 1 << 12}
"""How many tiles, connections and axons of one core NEURON, AXON_IN and AXON_PAIRS can tell apart."""
