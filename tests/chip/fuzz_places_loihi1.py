"""Where the fields of Loihi 1's packed tables lie."""

from collections.abc import Iterator
from functools import partial

from snn2chip.chip.formats.bits import WORD, Words
from snn2chip.chip.formats.loihi1_axons import POPULATION_SLOTS
from snn2chip.chip.formats.loihi1_layout import (
    AXON_FROM,
    AXON_IN,
    AXON_OUT,
    BORDER,
    HEAD,
    NEURON,
    RUN_BITS,
    SYNAPSES,
    THRESHOLD,
)
from snn2chip.chip.formats.loihi1_pack import place_of, synapse_format
from snn2chip.chip.formats.loihi1_sets import layout_of, tile_spans
from snn2chip.chip.formats.loihi1_synapses import SynapseFormat
from snn2chip.chip.formats.loihi1_words import BLOCK_SYNAPSES, HEADER_BITS
from snn2chip.chip.formats.loihi2_layout import AXON_MAP, CONNECTION, CORE, SOURCE, TILE
from snn2chip.chip.program import AxonTable, Core, Program, TileContents
from snn2chip.chip.unpack import Unpacked
from tests.chip.fuzz_places import Place, records

Found = Iterator[tuple[str, str, Place]]


def places_of(program: Program, contents: Unpacked) -> Found:
    """(table, field, place) of every field of every record."""
    for number, (core, said) in enumerate(zip(program.cores, contents.cores, strict=True)):
        (tile,) = said.tiles
        yield from _groups(number, core, tile)
        yield from records("neurons", NEURON, number, "neurons", 0, len(core.neurons))
        yield from _synapses(number, core, tile)
        yield from records("input axons", AXON_IN, number, "axons_in", 0, len(core.axons_in))
        tables = (number, core.axon_map, core.axon_memory, said.axons)
        yield from _axons("axon", *tables, ("axon_map", "axon_memory"))
    for name, (axon_map, memory) in program.input_axons.items():
        table = contents.hosts[program.populations.index(name)]
        yield from _axons("host's axon", name, axon_map, memory, table, ("0", "1"))


def _groups(number: int, core: Core, tile: TileContents) -> Found:
    (head,) = HEAD.unpack_each(core.groups[: HEAD.words])
    at = 0
    for table, record, count in (
        ("head", HEAD, 1),
        ("thresholds", THRESHOLD, head["thresholds"]),
        ("synapse formats", SYNAPSES, head["formats"]),
        ("border", BORDER, 1),
        ("core header", CORE, 1),
        ("tile header", TILE, 1),
        ("connection header", CONNECTION, len(tile.connections)),
        ("sources", SOURCE, sum(len(c.sources) for c in tile.connections)),
    ):
        yield from records(table, record, number, "groups", at, count)
        at += record.words * count


def _formats(core: Core) -> tuple[list[tuple[int, SynapseFormat]], tuple[bool, bool]]:
    """((connection, format) of each, whether rows and columns have a rim)."""
    (head,) = HEAD.unpack_each(core.groups[: HEAD.words])
    first = HEAD.words + THRESHOLD.words * head["thresholds"]
    then = first + SYNAPSES.words * head["formats"]
    rows = SYNAPSES.unpack_each(core.groups[first:then])
    (border,) = BORDER.unpack_each(core.groups[then : then + BORDER.words])
    formats = [(row["connection"], synapse_format(i, row)) for i, row in enumerate(rows)]
    return formats, (bool(border["pad_rows"]), bool(border["pad_columns"]))


def _synapses(number: int, core: Core, tile: TileContents) -> Found:
    places = [place_of(tile, c) for c in tile.connections]
    formats, pad = _formats(core)
    spans = tile_spans(places, pad)
    layouts = [layout_of(p, s) for p, s in zip(places, spans, strict=True)]
    at = 0
    for connection, format_ in formats:
        for weights in layouts[connection].sets:
            for begin in range(0, len(weights.at), BLOCK_SYNAPSES):
                run = min(BLOCK_SYNAPSES, len(weights.at) - begin)
                yield from _block(number, at, run, format_)
                at += -(-(HEADER_BITS + run * format_.field.bits) // WORD) * WORD
    assert at == WORD * len(core.synapses)


def _block(number: int, at: int, run: int, format_: SynapseFormat) -> Found:
    place = partial(Place, core=number, memory="synapses")
    yield "synapses", "run", place(first=at, bits=RUN_BITS)
    yield "synapses", "format", place(first=at + RUN_BITS, bits=HEADER_BITS - RUN_BITS)
    at += HEADER_BITS
    for _ in range(run):
        for field, bits in (
            ("weight", format_.weight_bits),
            ("index", format_.index_bits),
            ("delay", format_.delay_bits),
        ):
            if bits:
                yield "synapses", field, place(first=at, bits=bits)
            at += bits


def _axons(
    table: str,
    where: int | str,
    axon_map: Words,
    memory: Words,
    said: AxonTable,
    names: tuple[str, str],
) -> Found:
    yield from records(f"{table} map", AXON_MAP, where, names[0], 0, len(axon_map))
    slots = 1 if said.per_neuron else POPULATION_SLOTS
    for at in range(0, len(memory), slots):
        yield from records(f"{table} memory", AXON_OUT, where, names[1], at, 1)
        if slots > 1:
            yield from records(f"{table} memory, 2nd slot", AXON_FROM, where, names[1], at + 1, 1)
