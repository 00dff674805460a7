"""How a Loihi 1 core's memories are laid out. The layouts are ours; the word counts are those of nengo-loihi.

Published (nengo-loihi): a compartment per neuron; synapses in blocks of at most 64 with a header of 10 bits, rounded up
to words; an input axon per source position of a convolution, or per source neuron of a dense layer, that points to a
set of synapses; two output slots for the axon of a population, one for that of a neuron; few distinct thresholds.

    groups       HEAD; then THRESHOLD, SYNAPSES and BORDER; then the headers of `loihi2_headers`: what a tile is
    neurons      NEURON: channel by channel, each row by row, the rim included
    synapses     per connection, per delay, per set: blocks of a header (format, run - 1) and a run of synapses:
                 weight, index (not in dense layers), delay
    axons_in     AXON_IN: per connection, axon of its summands and source position (or source neuron)
    axon_map     AXON_MAP, one per entry of the axon table
    axon_memory  AXON_OUT, and for the axons of populations AXON_FROM behind each: the entry that sends
    parameters   nothing: neurons have no gain, and the same bias in every step
"""

from snn2chip.chip.formats.bits import Field, Record

RUN_BITS = 6
"""Header of a synapse block: the format above the run's length - 1."""

HEAD = Record("core", (Field("thresholds", 16), Field("formats", 5), Field("tiles", 4)))
THRESHOLD = Record("threshold", (Field("level", 24, signed=True), Field("amount", 24, signed=True)))
SYNAPSES = Record(
    "synapse format",
    (
        Field("connection", 8),
        Field("weight_bits", 4),
        Field("index_bits", 4),
        Field("delay_bits", 3),
        Field("exponent", 4),
    ),
)
BORDER = Record(
    "border",
    (
        Field("pad_rows", 1),
        Field("pad_columns", 1),
        Field("before_rows", 8),
        Field("rows", 12),
        Field("before_columns", 8),
        Field("columns", 12),
    ),
)
"""Whether rows and columns have a rim; rows and columns with it, and how many of them come before the tile's own."""

NEURON = Record(
    "neuron",
    (
        Field("threshold", 16),
        Field("mantissa", 13, signed=True),
        Field("exponent", 3),
        Field("delta", 12),
        Field("rim", 1),
    ),
)
AXON_IN = Record(
    "input axon",
    (Field("connection", 8), Field("set", 16), Field("base", 8)),
)
AXON_OUT = Record("output axon", (Field("core", 20), Field("axon", 12), Field("entry", 24)))
AXON_FROM = Record("population axon", (Field("entry", 24),))
