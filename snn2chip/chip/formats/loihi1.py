"""Loihi 1: packs a core's contents into words, and reads them back. `loihi1_layout` says how the words are laid out.

Reading takes one weight of each kernel position from the sets, packs the core again, and refuses words that differ: the
copies in other sets, indices, bases, pointers and rims are all what the contents make of them, or the core is damaged.
Kernel positions that nothing reaches in a tile (they see padding alone) are not stored, and read as 0.
"""

from collections.abc import Sequence

import numpy as np

from snn2chip.chip.formats.bits import FieldError, Words
from snn2chip.chip.formats.loihi1_axons import pack_axons, unpack_table
from snn2chip.chip.formats.loihi1_layout import HEAD
from snn2chip.chip.formats.loihi1_pack import best_pad, packed_tile
from snn2chip.chip.formats.loihi1_unpack import border_of, read_core
from snn2chip.chip.program import AxonTable, Connection, Core, CoreContents, Tile, Use
from snn2chip.chip.target import Target
from snn2chip.errors import StatementError

__all__ = [
    "NAME",
    "border_of",
    "count",
    "pack_axons",
    "pack_core",
    "pack_synapses",
    "unpack_axons",
    "unpack_core",
]

NAME = "loihi1"


def pack_core(
    contents: CoreContents,
    target: Target,
    *,
    chip: int,
    tiles: Sequence[Tile],
    synapses: Sequence[Words] | None = None,
) -> Core:
    """The core with these contents: one tile, its border stored in the way that fits with the fewest words.

    Raises FieldError. `synapses` is of no use here: what a tile stores depends on its place.
    """
    del synapses
    if len(contents.tiles) != 1:
        raise FieldError("core", "tiles", 1, 0, len(contents.tiles))
    one = contents.tiles[0]
    best = packed_tile(one, best_pad(target, one))
    axon_map, axon_memory = pack_axons(contents.axons)
    return Core(
        chip=chip,
        tiles=tuple(tiles),
        groups=best.groups,
        neurons=best.neurons,
        synapses=best.synapses,
        axons_in=best.axons_in,
        axon_map=axon_map,
        axon_memory=axon_memory,
        parameters=np.zeros(0, np.uint64),
    )


def unpack_core(core: Core, target: Target, where: str = "core") -> CoreContents:
    """What the words of `core` say; its `tile` is not looked at.

    Errors: StatementError program-bytes at `where` for words that `pack_core` never makes.
    """
    del target
    try:
        return read_core(core)
    except ValueError as e:
        raise _garbled(where, e) from e


def pack_synapses(connection: Connection, target: Target) -> Words:
    """Nothing: what a tile stores depends on its place, so that no other tile shares it."""
    del connection, target
    return np.zeros(0, np.uint64)


def unpack_axons(axon_map: Words, axon_memory: Words, where: str = "input axons") -> AxonTable:
    """The axon table of these words. Errors: StatementError program-bytes at `where`."""
    try:
        return unpack_table(axon_map, axon_memory)
    except ValueError as e:
        raise _garbled(where, e) from e


def count(core: Core, where: str = "core") -> Use:
    """Use of each limit `core.*` of a target, counted from the words."""
    try:
        (head,) = HEAD.unpack_each(core.groups[: HEAD.words])
    except ValueError as e:
        raise _garbled(where, e) from e
    return Use(
        counts={
            "neurons": len(core.neurons),
            "synapse_words": len(core.synapses),
            "axons_in": len(core.axons_in),
            "axons_out": len(core.axon_memory),
            "thresholds": head["thresholds"],
            "synapse_formats": head["formats"],
        }
    )


def _garbled(where: str, error: ValueError) -> StatementError:
    return StatementError(
        "program-bytes",
        where,
        str(error),
        help="the program was changed or damaged: map the network again",
    )
