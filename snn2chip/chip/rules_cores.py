"""Rules about cores: their memories, axons and delays. Each docstring is the page of `snn2chip explain CODE`."""

from collections.abc import Iterator

import numpy as np

from snn2chip.chip.rule import Facts, counted, rule, tiles, worst
from snn2chip.chip.target import DelayAt
from snn2chip.errors import Finding, Severity

# --- memories of a core ----------------------------------------------------------------------------------------------


@rule("map-neurons")
def neurons(facts: Facts) -> Iterator[Finding]:
    """More neurons on a core than it can hold.

    A neuron with n thresholds (MLF) counts n times: each membrane takes a word of the core's neuron memory.

    Example: a tile of 8 x 8 positions and 64 channels has 4096 neurons; a Loihi 2 core holds 4095.
    What to do: nothing in the network is wrong; mapping again cuts the layer into smaller tiles.
    """
    yield from counted("map-neurons", facts, "neurons", "neurons")


@rule("map-synapse-words")
def synapse_words(facts: Facts) -> Iterator[Finding]:
    """More synapse words on a core than its synapse memory holds.

    A convolution stores one block per input channel and kernel position, for the channels of its tile; a dense layer
    one block per source neuron.

    Example: 512 input channels, a 3x3 kernel and 32 channels of 8 bits take 4608 blocks of 5 words: 23040.
    What to do: tiles with fewer channels; a target file with fewer weight bits also helps.
    """
    yield from counted("map-synapse-words", facts, "synapse_words", "synapse words")


@rule("map-axons-in")
def axons_in(facts: Facts) -> Iterator[Finding]:
    """More input axons on a core than it can tell apart.

    A convolution takes one input axon for all summands of its join that wait equally long (on Loihi 1 one of each
    source position), a dense layer one per source neuron.

    Example: a dense layer behind a 14 x 14 map of 64 channels has 12544 source neurons.
    What to do: pool before the dense layer, as ResNets do.
    """
    yield from counted("map-axons-in", facts, "axons_in", "input axons")


@rule("map-axon-map")
def axon_map(facts: Facts) -> Iterator[Finding]:
    """More entries in a core's output axon map than it has words.

    A tile whose spikes go to convolutions takes one entry per position, one that feeds a dense layer one per neuron.

    What to do: a smaller tile; mapping again does that.
    """
    yield from counted("map-axon-map", facts, "axon_map_words", "axon map words")


@rule("map-axon-memory")
def axon_memory(facts: Facts) -> Iterator[Finding]:
    """More destinations of spikes on a core than its axon memory holds.

    Each position lists every core and axon that needs its spikes; two destinations take a word. Consumers that are cut
    into many small tiles cost their producers memory.

    What to do: fewer, larger tiles in the layers that read this one.
    """
    yield from counted("map-axon-memory", facts, "axon_memory_words", "axon memory words")


@rule("map-parameter-words")
def parameter_words(facts: Facts) -> Iterator[Finding]:
    """More gains and biases of single steps on a core than its memory has room for.

    They take a word for each step and channel; where neurons of one channel differ, for each step and neuron.

    Example: 512 channels and 50 steps take 25600 words.
    What to do: tiles with fewer channels, which mapping again finds; fewer steps.
    """
    yield from counted("map-parameter-words", facts, "parameter_words", "parameter words")


@rule("map-total-words")
def total_words(facts: Facts) -> Iterator[Finding]:
    """A core's memories are one memory: neurons, synapses, axons and parameters together exceed it.

    Example: 4000 neurons and 16000 synapse words fit by themselves, but not into 20000 words with any axon.
    What to do: a smaller tile; mapping again does that.
    """
    yield from counted("map-total-words", facts, "total_words", "memory words")


@rule("map-header-words")
def header_words(facts: Facts) -> Iterator[Finding]:
    """What describes the tiles and connections of a core exceeds the words that are kept for it.

    What to do: fewer tiles on one core.
    """
    yield from counted("map-header-words", facts, "header_words", "header words")


@rule("map-groups")
def groups(facts: Facts) -> Iterator[Finding]:
    """More groups of neurons on a core than it has: each tile is a group of its own.

    What to do: fewer tiles on one core.
    """
    yield from counted("map-groups", facts, "groups", "neuron groups")


# --- time and axons --------------------------------------------------------------------------------------------------


@rule("map-delay")
def delay(facts: Facts) -> Iterator[Finding]:
    """A spike must be held back for more steps than the target can.

    The summands of a residual join must meet: a shortcut that skips n layers waits n steps. Targets hold spikes in
    axons or synapses for a few steps, or not at all.

    What to do: fewer blocks in a row without downsampling, or a target with longer delays.
    """
    limit = 0 if facts.target.delay_at is DelayAt.NONE else facts.target.delay_max
    have = (
        (core, axon.delay)
        for core, tile in tiles(facts)
        for c in tile.connections
        for axon in c.axons
    )
    yield from worst(
        "map-delay", facts, have, limit, "a delay is too long", "map the network again"
    )


@rule("map-axon-target")
def axon_target(facts: Facts) -> Iterator[Finding]:
    """A spike is sent to a core or an input axon that is not there.

    On the chip it would be lost, or would arrive as another layer's spike. This is never the network's fault: the
    packed tables are damaged or were made by something else.

    What to do: map the network again.
    """
    axons = [
        sum(len(c.axons) for t in k.contents.tiles for c in t.connections) for k in facts.cores
    ]
    senders = [(k.layer, f"{k.layer}, core {k.number}", k.contents.axons) for k in facts.cores]
    names = facts.program.populations
    senders += [(names[n], f"{names[n]}, from the host", table) for n, table in facts.hosts.items()]
    first = np.array([*axons, 0], np.int64)
    for _, where, table in senders:
        there = (table.core >= 0) & (table.core < len(axons))
        lost = ~there | (table.axon < 0) | (table.axon >= first[np.where(there, table.core, -1)])
        if lost.any():
            i = int(np.argmax(lost))
            yield Finding(
                code="map-axon-target",
                severity=Severity.ERROR,
                where=where,
                why=f"{int(lost.sum())} destinations do not exist",
                have=f"axon {table.axon[i]} of core {table.core[i]}",
                need=f"one of {len(axons)} cores and an axon that it has",
                help="map the network again",
            )
