"""A program as its bytes say it: every core, and where the host's spikes go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from snn2chip.chip.formats.format import format_of
from snn2chip.chip.program import AxonTable, Connection, CoreContents, Program, TileContents
from snn2chip.chip.target import Target
from snn2chip.errors import StatementError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unpacked:
    """`cores`: core i is the core that axons call i. `hosts`: number of a map that the host sends -> its axon table."""

    cores: tuple[CoreContents, ...]
    hosts: Mapping[int, AxonTable]


def unpack(program: Program, target: Target) -> Unpacked:
    """What the words of `program` say. Raises StatementError at words that no packing makes."""
    return Unpacked(cores=tuple(unpack_cores(program, target)), hosts=unpack_hosts(program))


def unpack_cores(program: Program, target: Target) -> Iterator[CoreContents]:
    """Core after core, for readers that need not keep them all."""
    packed = format_of(program.format)
    for number, core in enumerate(program.cores):
        yield packed.unpack_core(core, target, f"core {number}")


def unpack_hosts(program: Program) -> dict[int, AxonTable]:
    """Number of each map that the host sends -> its axon table."""
    packed = format_of(program.format)
    tables: dict[int, AxonTable] = {}
    for name, words in program.input_axons.items():
        if name not in program.populations:
            raise StatementError(
                "program-host", name, "the host sends it, but the program does not know it"
            )
        tables[program.populations.index(name)] = packed.unpack_axons(
            *words, f"input axons of {name}"
        )
    return tables


def without_weights(contents: CoreContents) -> CoreContents:
    """The same, with weights that take no memory."""

    def bare(c: Connection) -> Connection:
        return replace(c, weight=np.broadcast_to(np.int64(0), c.weight.shape))

    tiles = tuple(
        replace(t, connections=tuple(bare(c) for c in t.connections)) for t in contents.tiles
    )
    return replace(contents, tiles=tiles)


def entries_of(tile: TileContents, per_neuron: bool) -> int:
    """How many entries of its core's axon table are the tile's: one per position, or per neuron."""
    c, h, w = (high - low for low, high in (tile.channels, tile.rows, tile.columns))
    return (c if per_neuron else 1) * h * w
