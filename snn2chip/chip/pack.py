"""Pack: every tile into the words of its core, and the tables of what the host sends."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from snn2chip.arrays import IntArray
from snn2chip.chip.axons import Listeners, listeners_of, table_of
from snn2chip.chip.contents import connections_into, shared_by, tile_contents, weights_of
from snn2chip.chip.formats.bits import FieldError, Words
from snn2chip.chip.formats.format import format_of
from snn2chip.chip.program import Core, CoreContents, Schedule, Tile
from snn2chip.chip.split import Tiling
from snn2chip.chip.target import Target
from snn2chip.chip.wiring import Wiring, shape_of
from snn2chip.circuit.types import INPUT
from snn2chip.errors import StatementError
from snn2chip.quantize.types import QuantizedCircuit


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is decided before packing. `qc`: with relays. `tilings`: every population with cores, in its order."""

    qc: QuantizedCircuit
    target: Target
    wiring: Wiring
    schedule: Schedule
    tilings: Mapping[str, Tiling]

    @property
    def populations(self) -> tuple[str, ...]:
        """Names by the numbers that the words use; 0 is the input."""
        relays = self.schedule.relays
        return (INPUT, *(p.name for p in self.qc.populations if p.name not in relays), *relays)

    @property
    def cores(self) -> int:
        """Cores of all populations."""
        return sum(t.cores for t in self.tilings.values())

    def first_cores(self) -> dict[str, int]:
        """Population -> number of its first core: cores are numbered layer by layer."""
        first: dict[str, int] = {}
        at = 0
        for name, tiling in self.tilings.items():
            first[name] = at
            at += tiling.cores
        return first


def pack_cores(plan: Plan) -> Iterator[Core]:
    """The cores in their order. Errors: StatementError map-range where a value does not fit its field."""
    number = 0
    for name, tiling in plan.tilings.items():
        listeners = listeners_of(name, plan.wiring, plan.tilings, plan.first_cores())
        shared: dict[tuple[object, ...], tuple[IntArray, Words]] = {}
        for tile in tiling.tiles():
            try:
                yield _core(plan, tile, tiling.by_neuron, listeners, shared, number)
            except FieldError as e:
                raise _out_of_range(name, e) from e
            number += 1


def pack_inputs(plan: Plan) -> dict[str, tuple[Words, Words]]:
    """Name of each map that the host sends -> its axon map and axon memory."""
    found: dict[str, tuple[Words, Words]] = {}
    for name in (INPUT, *plan.wiring.on_host):
        listeners = listeners_of(name, plan.wiring, plan.tilings, plan.first_cores())
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


def _core(
    plan: Plan,
    tile: Tile,
    by_neuron: bool,
    listeners: Listeners | None,
    shared: dict[tuple[object, ...], tuple[IntArray, Words]],
    number: int,
) -> Core:
    """One core. `shared`: weights and their words of tiles packed before; tiles of the same channels share them."""
    links = plan.wiring.links[tile.population]
    numbers = {name: i for i, name in enumerate(plan.populations)}
    shape = plan.tilings[tile.population].shape
    keys = [shared_by(link, tile) for link in links]
    weights = [
        shared[key][0] if key in shared else weights_of(link, tile, shape)
        for key, link in zip(keys, links, strict=True)
    ]
    packed = format_of(plan.target.format)
    connections = connections_into(tile, links, weights, numbers, plan.schedule)
    for key, connection in zip(keys, connections, strict=True):
        if key not in shared:
            shared[key] = (connection.weight, packed.pack_synapses(connection, plan.target))
    contents = CoreContents(
        tiles=(tile_contents(plan.qc, tile, numbers[tile.population], plan.schedule, connections),),
        axons=table_of(tile, listeners, by_neuron),
    )
    return packed.pack_core(
        contents,
        plan.target,
        chip=number // plan.target.cores_per_chip,
        tile=tile,
        synapses=[shared[key][1] for key in keys],
    )


def _out_of_range(where: str, error: FieldError) -> StatementError:
    return StatementError(
        "map-range",
        where,
        f"the {error.field} of a {error.record} does not fit its field",
        need=f"{error.low}..{error.high}",
        have=f"{error.bits} bits",
        help="narrower widths in the target file make the quantizer keep to them",
    )
