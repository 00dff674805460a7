"""Output axons of Loihi 1: a map of entries, and their destinations in one slot each, or two where populations send."""

import numpy as np

from snn2chip.arrays import frozen
from snn2chip.chip.formats.bits import BitsError, Words
from snn2chip.chip.formats.loihi1_layout import AXON_FROM, AXON_OUT
from snn2chip.chip.formats.loihi2_layout import AXON_MAP
from snn2chip.chip.program import AxonTable

POPULATION_SLOTS = 2
"""Slots of an axon whose spikes carry a channel (nengo-loihi block.py: a pop32 axon takes two)."""


def pack_axons(table: AxonTable) -> tuple[Words, Words]:
    """(axon map, axon memory)."""
    counts = np.diff(table.first)
    axon_map = AXON_MAP.pack(
        {"first": table.first[:-1], "count": counts, "per_neuron": int(table.per_neuron)}
    )
    entry = np.repeat(np.arange(len(counts)), counts)
    if not len(table.core):
        return axon_map, np.zeros(0, np.uint64)
    to = AXON_OUT.pack({"core": table.core, "axon": table.axon, "entry": entry})
    if table.per_neuron:
        return axon_map, to
    return axon_map, frozen(np.stack([to, AXON_FROM.pack({"entry": entry})], 1).ravel())


def unpack_table(axon_map: Words, axon_memory: Words) -> AxonTable:
    """The table. Raises BitsError where map and memory contradict each other."""
    entries = AXON_MAP.unpack(axon_map)
    flags = np.unique(entries["per_neuron"])
    if len(flags) > 1:
        raise BitsError("axon map entries disagree whether they stand for positions or neurons")
    per_neuron = bool(flags.any())
    slots = 1 if per_neuron else POPULATION_SLOTS
    if len(axon_memory) % slots:
        raise BitsError("half an axon stands at the end of the axon memory")
    to = AXON_OUT.unpack(axon_memory[::slots])
    first = np.concatenate([[0], np.cumsum(entries["count"])]).astype(np.int64)
    table = AxonTable(
        per_neuron=per_neuron,
        first=frozen(first),
        core=frozen(to["core"]),
        axon=frozen(to["axon"]),
    )
    if int(first[-1]) != len(table.core):
        raise BitsError("the axon memory does not end with the last entry of the axon map")
    again = pack_axons(table)
    if not np.array_equal(again[0], axon_map) or not np.array_equal(again[1], axon_memory):
        raise BitsError("output axons contradict the entries that send them")
    return table
