"""Rules about limits that only cores of Loihi 1 have. Each docstring is the page of `snn2chip explain CODE`."""

from collections.abc import Iterator

from snn2chip.chip.rule import Facts, counted, rule
from snn2chip.errors import Finding


@rule("map-axons-out")
def axons_out(facts: Facts) -> Iterator[Finding]:
    """More output axons on a core than it has slots for.

    A position takes two slots for each core that needs its spikes, since an axon of a population carries the channel;
    a neuron that feeds a dense layer takes one.

    Example: 14 x 14 positions whose spikes go to 16 cores each take 6272 slots; a Loihi 1 core has 4096.
    What to do: fewer, larger tiles in the layers that read this one; mapping again does that.
    """
    yield from counted("map-axons-out", facts, "axons_out", "output axons")


@rule("map-thresholds")
def thresholds(facts: Facts) -> Iterator[Finding]:
    """More different thresholds on a core than it has profiles for.

    Neurons of Loihi 1 choose one of a few thresholds that the whole core shares.

    What to do: scales that are powers of two keep thresholds few; mapping again cuts the layer into fewer channels.
    """
    yield from counted("map-thresholds", facts, "thresholds", "different thresholds")


@rule("map-synapse-formats")
def synapse_formats(facts: Facts) -> Iterator[Finding]:
    """More formats of synapses on a core than it can tell apart.

    Each connection, and each time for which it holds spikes back, has a format of its own: bits of weight, index and
    delay, and an exponent.

    What to do: relays in the place of delays, or fewer projections into one layer.
    """
    yield from counted("map-synapse-formats", facts, "synapse_formats", "synapse formats")
