"""Loihi 2: packs a core's contents into words, and reads them back. `loihi2_layout` says how the words are laid out."""

from collections.abc import Sequence

from snn2chip.chip.formats import loihi2_axons
from snn2chip.chip.formats.bits import Words
from snn2chip.chip.formats.loihi2_headers import header_of, pack_headers, unpack_headers
from snn2chip.chip.formats.loihi2_pack import (
    joined,
    pack_axons_in,
    pack_neurons,
    pack_synapses,
    weight_bits,
)
from snn2chip.chip.formats.loihi2_parameters import pack_parameters
from snn2chip.chip.formats.loihi2_unpack import read_core
from snn2chip.chip.program import AxonTable, Core, CoreContents, Tile, Use
from snn2chip.chip.target import Target
from snn2chip.errors import StatementError

__all__ = [
    "NAME",
    "count",
    "pack_axons",
    "pack_core",
    "pack_synapses",
    "unpack_axons",
    "unpack_core",
]

NAME = "loihi2"


def pack_core(
    contents: CoreContents,
    target: Target,
    *,
    chip: int,
    tiles: Sequence[Tile],
    synapses: Sequence[Words] | None = None,
) -> Core:
    """The core with these contents; a value that no field holds is a ValueError (the mapper checks first).

    `synapses`: what `pack_synapses` gives for each connection in order, where the caller has it already.
    """
    connections = [c for t in contents.tiles for c in t.connections]
    blocks = [pack_synapses(c, target) for c in connections] if synapses is None else synapses
    headers = [header_of(t, [weight_bits(c.weight) for c in t.connections]) for t in contents.tiles]
    axon_map, axon_memory = loihi2_axons.pack_table(contents.axons)
    return Core(
        chip=chip,
        tiles=tuple(tiles),
        groups=pack_headers(headers),
        neurons=joined([pack_neurons(t, group) for group, t in enumerate(contents.tiles)]),
        synapses=blocks[0] if len(blocks) == 1 else joined(blocks),
        axons_in=pack_axons_in(connections),
        axon_map=axon_map,
        axon_memory=axon_memory,
        parameters=joined([pack_parameters(t) for t in contents.tiles]),
    )


def unpack_core(core: Core, target: Target, where: str = "core") -> CoreContents:
    """What the words of `core` say; its `tile` is not looked at.

    Errors: StatementError program-bytes at `where` for words that `pack_core` never makes.
    """
    try:
        return read_core(core, target)
    except ValueError as e:
        raise _garbled(where, e) from e


def pack_axons(table: AxonTable) -> tuple[Words, Words]:
    """(axon map, axon memory) of an axon table: a core's, or that of a map which the host sends."""
    return loihi2_axons.pack_table(table)


def unpack_axons(axon_map: Words, axon_memory: Words, where: str = "input axons") -> AxonTable:
    """The axon table of these words. Errors: StatementError program-bytes at `where`."""
    try:
        return loihi2_axons.unpack_table(axon_map, axon_memory)
    except ValueError as e:
        raise _garbled(where, e) from e


def count(core: Core, where: str = "core") -> Use:
    """Use of each limit `core.*` of a target, counted from the words."""
    try:
        groups = len(unpack_headers(core.groups))
    except ValueError as e:
        raise _garbled(where, e) from e
    counted = {
        "neurons": len(core.neurons),
        "synapse_words": len(core.synapses),
        "axons_in": len(core.axons_in),
        "axon_map_words": len(core.axon_map),
        "axon_memory_words": len(core.axon_memory),
        "parameter_words": len(core.parameters),
    }
    return Use(
        counts={
            **counted,
            "total_words": sum(counted.values()),
            "header_words": len(core.groups),
            "groups": groups,
        }
    )


def _garbled(where: str, error: ValueError) -> StatementError:
    return StatementError(
        "program-bytes",
        where,
        str(error),
        help="the program was changed or damaged: map the network again",
    )
