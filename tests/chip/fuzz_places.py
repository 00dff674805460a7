"""Where the fields of packed tables lie, for the fuzz of flips: those of Loihi 2."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from snn2chip.chip.formats.bits import Record
from snn2chip.chip.formats.loihi2_headers import unpack_headers
from snn2chip.chip.formats.loihi2_layout import (
    AMOUNT,
    AXON_IN,
    AXON_MAP,
    AXON_PAIRS,
    CONNECTION,
    CORE,
    HEADER_BITS,
    NEURON,
    PARAMETER,
    SOURCE,
    TILE,
    AmountRule,
)
from snn2chip.chip.program import CoreContents, Program
from snn2chip.chip.unpack import Unpacked
from snn2chip.circuit.types import Dense

STORED = AmountRule.STORED


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`bits` from bit `first` of a memory of a core, or (`core` a name) of a map that the host sends."""

    core: int | str
    memory: str
    first: int
    bits: int


def places_of(program: Program, contents: Unpacked) -> Iterator[tuple[str, str, Place]]:
    """(table, field, place) of every field of every record."""
    yield from _core_places(program, contents)
    yield from _host_places(program)


def _core_places(program: Program, contents: Unpacked) -> Iterator[tuple[str, str, Place]]:
    for number, (words, said) in enumerate(zip(program.cores, contents.cores, strict=True)):
        yield from records("core header", CORE, number, "groups", 0, 1)
        at = CORE.words
        for header in unpack_headers(words.groups):
            yield from records("tile header", TILE, number, "groups", at, 1)
            count = len(header.connections)
            at += TILE.words
            yield from records("connection header", CONNECTION, number, "groups", at, count)
            at += CONNECTION.words * count
            count = sum(row["sources"] for row in header.connections)
            yield from records("sources", SOURCE, number, "groups", at, count)
            at += SOURCE.words * count
        at = 0
        rules = [header.tile["amounts"] for header in unpack_headers(words.groups)]
        for tile, rule in zip(said.tiles, rules, strict=True):
            levels = tile.levels.size
            yield from records("neurons", NEURON, number, "neurons", at, levels)
            at += levels
            yield from records(
                "reset amounts", AMOUNT, number, "neurons", at, levels * (rule == STORED)
            )
            at += levels * (rule == STORED)
        yield from _synapses(number, said)
        for table, record, memory in (
            ("input axons", AXON_IN, "axons_in"),
            ("axon map", AXON_MAP, "axon_map"),
            ("axon memory", AXON_PAIRS, "axon_memory"),
            ("parameters", PARAMETER, "parameters"),
        ):
            yield from records(table, record, number, memory, 0, len(getattr(words, memory)))


def _synapses(number: int, contents: CoreContents) -> Iterator[tuple[str, str, Place]]:
    at = 0
    for c in (c for t in contents.tiles for c in t.connections):
        run = c.weight.shape[-1] if c.weight.ndim > 1 else 1
        bits = max(int(v).bit_length() for v in (c.weight.max(), -c.weight.min() - 1, 0)) + 1
        dense = isinstance(c.kernel, Dense) and not c.kernel.pooled
        index = 16 - bits if dense else 0
        for _ in range(c.weight.size // run):
            place = partial(Place, core=number, memory="synapses")
            yield "synapses", "block header", place(first=at, bits=HEADER_BITS)
            for i in range(run):
                first = at + HEADER_BITS + i * (bits + index)
                if index:
                    yield "synapses", "index", place(first=first, bits=index)
                yield "synapses", "weight", place(first=first + index, bits=bits)
            at += -(-(HEADER_BITS + run * (bits + index)) // 64) * 64


def _host_places(program: Program) -> Iterator[tuple[str, str, Place]]:
    for name, (axon_map, memory) in program.input_axons.items():
        yield from records("host's axon map", AXON_MAP, name, "0", 0, len(axon_map))
        yield from records("host's axon memory", AXON_PAIRS, name, "1", 0, len(memory))


def records(
    table: str, record: Record, where: int | str, memory: str, word: int, count: int
) -> Iterator[tuple[str, str, Place]]:
    """The fields of `count` records that follow each other from a word on."""
    for i in range(count):
        at = 64 * (word + i * record.words)
        for field in record.fields:
            place = Place(core=where, memory=memory, first=at, bits=field.bits)
            yield table, field.name, place
            at += field.bits
