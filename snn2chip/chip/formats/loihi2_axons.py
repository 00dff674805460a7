"""Output axons of Loihi 2: the axon map (where an entry's destinations lie) and the axon memory (the destinations)."""

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.bits import BitsError, Words
from snn2chip.chip.formats.loihi2_layout import AXON_MAP, AXON_PAIRS
from snn2chip.chip.program import AxonTable


def pack_table(table: AxonTable) -> tuple[Words, Words]:
    """(axon map, axon memory)."""
    axon_map = AXON_MAP.pack(
        {
            "first": table.first[:-1],
            "count": np.diff(table.first),
            "per_neuron": int(table.per_neuron),
        }
    )
    if not len(table.core):
        return axon_map, np.zeros(0, np.uint64)
    core, axon = _even(table.core), _even(table.axon)
    pairs = {"core_0": core[::2], "axon_0": axon[::2], "core_1": core[1::2], "axon_1": axon[1::2]}
    return axon_map, AXON_PAIRS.pack(pairs)


def unpack_table(axon_map: Words, axon_memory: Words) -> AxonTable:
    """The table. Raises BitsError where map and memory contradict each other."""
    entries = AXON_MAP.unpack(axon_map)
    first = np.concatenate([[0], np.cumsum(entries["count"])]).astype(np.int64)
    if not np.array_equal(first[:-1], entries["first"]):
        raise BitsError("axon map entries do not follow each other in the axon memory")
    flags = np.unique(entries["per_neuron"])
    if len(flags) > 1:
        raise BitsError("axon map entries disagree whether they stand for positions or neurons")
    pairs = AXON_PAIRS.unpack(axon_memory)
    core = np.stack([pairs["core_0"], pairs["core_1"]], axis=1).ravel()
    axon = np.stack([pairs["axon_0"], pairs["axon_1"]], axis=1).ravel()
    count = int(first[-1])
    if len(axon_memory) != -(-count // 2) or core[count:].any() or axon[count:].any():
        raise BitsError("the axon memory does not end with the last entry of the axon map")
    return AxonTable(
        per_neuron=bool(flags.any()),
        first=_sealed(first),
        core=_sealed(core[:count]),
        axon=_sealed(axon[:count]),
    )


def _even(values: IntArray) -> IntArray:
    return np.append(values, 0) if len(values) % 2 else values


def _sealed(values: IntArray) -> IntArray:
    values.flags.writeable = False
    return values
