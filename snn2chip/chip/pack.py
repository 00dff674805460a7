"""Pack: the tiles of every core into its words, and the tables of what the host sends."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from snn2chip.arrays import IntArray
from snn2chip.chip.axons import Listeners, Seats, joined, listeners_of, table_of
from snn2chip.chip.contents import connections_into, shared_by, tile_contents, weights_of
from snn2chip.chip.formats.bits import FieldError, Words
from snn2chip.chip.formats.format import format_of
from snn2chip.chip.program import (
    AxonTable,
    Connection,
    Core,
    CoreContents,
    Schedule,
    Tile,
    TileContents,
)
from snn2chip.chip.share import Cores
from snn2chip.chip.split import Tiling
from snn2chip.chip.target import Target
from snn2chip.chip.wiring import Wiring, shape_of
from snn2chip.circuit.types import INPUT
from snn2chip.errors import StatementError
from snn2chip.quantize.types import QuantizedCircuit


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is decided before packing. `qc`: with relays. `tilings`: every population with cores, in its order.

    `tiles`: of each core; `seats`: the same by population.
    """

    qc: QuantizedCircuit
    target: Target
    wiring: Wiring
    schedule: Schedule
    tilings: Mapping[str, Tiling]
    tiles: Cores
    seats: Mapping[str, Seats]

    @property
    def populations(self) -> tuple[str, ...]:
        """Names by the numbers that the words use; 0 is the input."""
        relays = self.schedule.relays
        return (INPUT, *(p.name for p in self.qc.populations if p.name not in relays), *relays)

    @property
    def cores(self) -> int:
        """How many there are."""
        return len(self.tiles)

    def listeners(self, source: str) -> Listeners | None:
        """Who listens to a population, the input or a map of the host."""
        return listeners_of(source, self.wiring, self.schedule, self.tilings, self.seats)


def pack_cores(plan: Plan) -> Iterator[Core]:
    """The cores in their order. Errors: StatementError map-range where a value does not fit its field."""
    packer = _Packer(plan)
    for number, tiles in enumerate(plan.tiles):
        yield packer.core(number, tiles)


def pack_inputs(plan: Plan) -> dict[str, tuple[Words, Words]]:
    """Name of each map that the host sends -> its axon map and axon memory."""
    found: dict[str, tuple[Words, Words]] = {}
    for name in (INPUT, *plan.wiring.on_host):
        listeners = plan.listeners(name)
        if listeners is None:
            continue
        by_neuron = any(link.by_neuron for _, link in plan.wiring.out_of(name))
        c, h, w = shape_of(plan.qc, name)
        whole = Tile(population=name, channels=(0, c), rows=(0, h), columns=(0, w))
        try:
            found[name] = format_of(plan.target.format).pack_axons(
                table_of(whole, listeners, by_neuron)
            )
        except FieldError as e:
            raise _out_of_range(name, e) from e
    return found


class _Packer:
    """Keeps weights and their words while tiles of their population are to come: those of the same channels share."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._format = plan, format_of(plan.target.format)
        self._numbers = {name: i for i, name in enumerate(plan.populations)}
        self._listeners = {name: plan.listeners(name) for name in plan.tilings}
        self._seats = {
            tile: int(axon)
            for name, tiling in plan.tilings.items()
            for tile, axon in zip(tiling.tiles(), plan.seats[name].axon, strict=True)
        }
        self._to_come = Counter(t.population for tiles in plan.tiles for t in tiles)
        self._kept: dict[str, dict[tuple[object, ...], tuple[IntArray, Words]]] = {}

    def core(self, number: int, tiles: Sequence[Tile]) -> Core:
        """The core of that number."""
        by_neuron = all(self._plan.tilings[t.population].by_neuron for t in tiles)
        parts = [self._tile(tile, by_neuron) for tile in tiles]
        try:
            return self._format.pack_core(
                CoreContents(
                    tiles=tuple(part.contents for part in parts),
                    axons=joined([part.axons for part in parts]),
                ),
                self._plan.target,
                chip=number // self._plan.target.cores_per_chip,
                tiles=tiles,
                synapses=[words for part in parts for words in part.synapses],
            )
        except FieldError as e:
            raise _out_of_range(self._where(tiles, parts), e) from e

    def _where(self, tiles: Sequence[Tile], parts: Sequence["_Part"]) -> str:
        """The population of the first tile that cannot be packed by itself."""
        for tile, part in zip(tiles, parts, strict=True):
            contents = CoreContents(tiles=(part.contents,), axons=part.axons)
            try:
                self._format.pack_core(contents, self._plan.target, chip=0, tiles=(tile,))
            except FieldError:
                return tile.population
        return " + ".join(dict.fromkeys(t.population for t in tiles))

    def _tile(self, tile: Tile, by_neuron: bool) -> "_Part":
        plan, name = self._plan, tile.population
        links, kept = plan.wiring.links[name], self._kept.setdefault(name, {})
        keys = [shared_by(link, tile) for link in links]
        shape = plan.tilings[name].shape
        weights = [
            kept[key][0] if key in kept else weights_of(link, tile, shape)
            for key, link in zip(keys, links, strict=True)
        ]
        connections = connections_into(
            tile, links, weights, self._numbers, plan.schedule, self._seats[tile]
        )
        for key, c in zip(keys, connections, strict=True):
            if key not in kept:
                kept[key] = (c.weight, self._synapses(name, c))
        words = [kept[key][1] for key in keys]
        self._to_come[name] -= 1
        if not self._to_come[name]:
            del self._kept[name]
        return _Part(
            contents=tile_contents(plan.qc, tile, self._numbers[name], plan.schedule, connections),
            axons=table_of(tile, self._listeners[name], by_neuron),
            synapses=words,
        )

    def _synapses(self, name: str, connection: Connection) -> Words:
        try:
            return self._format.pack_synapses(connection, self._plan.target)
        except FieldError as e:
            raise _out_of_range(name, e) from e


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """A tile of a core; its part of the axon table, and the words of its connections' synapses."""

    contents: TileContents
    axons: AxonTable
    synapses: list[Words]


def _out_of_range(where: str, error: FieldError) -> StatementError:
    return StatementError(
        "map-range",
        where,
        f"the {error.field} of a {error.record} does not fit its field",
        need=f"{error.low}..{error.high}",
        have=f"{error.bits} bits",
        help="narrower widths in the target file make the quantizer keep to them",
    )
