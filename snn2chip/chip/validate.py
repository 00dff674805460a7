"""Translation validation: the network that the packed tables say, against the QuantizedCircuit. Equal for all inputs.

From bytes alone, per core: every weight, threshold, reset amount, decay, bias, shift, flag and delay; then every
edge: for each spike of each population, that it reaches exactly the cores and axons whose synapses need it, once, in
the step in which the summands of a join meet. Nothing of how the tables were made is used or imported.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.format import USED_TAPS_ONLY
from snn2chip.chip.program import AxonTable, Coding, Connection, CoreContents, Program, TileContents
from snn2chip.chip.target import Target
from snn2chip.chip.unpack import unpack_cores, unpack_hosts, without_weights
from snn2chip.chip.validate_edges import edges
from snn2chip.chip.validate_item import Item, differs, same
from snn2chip.chip.validate_relays import Relays, relay_tile, relays_of
from snn2chip.circuit.types import INPUT, Conv, Dense
from snn2chip.errors import Finding, Severity, StatementError
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation, QuantizedProjection


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """`compared`, `differing`: table entries. `findings`: the first difference of each kind and layer."""

    compared: int
    differing: int
    findings: tuple[Finding, ...]


def validate(program: Program, target: Target, qc: QuantizedCircuit) -> Validation:
    """Rebuild `qc` from the words of `program` and compare."""
    try:
        return validate_contents(program, unpack_cores(program, target), unpack_hosts(program), qc)
    except StatementError as e:
        return Validation(compared=0, differing=1, findings=(e.finding,))


def validate_contents(
    program: Program,
    cores: Iterable[CoreContents],
    hosts: Mapping[int, AxonTable],
    qc: QuantizedCircuit,
) -> Validation:
    """As `validate`, on what the words say. `cores` is read once, core after core; no weights are kept."""
    relays, items = relays_of(program, qc)
    items += _program(program, qc, relays)
    if any(i.differing for i in items):
        return _summary(items)
    kept: list[CoreContents] = []
    for core, contents in enumerate(cores):
        items += [i for tile in contents.tiles for i in _tile(program, qc, relays, core, tile)]
        kept.append(without_weights(contents))
    items += _cover(program, qc, relays, [t for c in kept for t in c.tiles])
    if not any(i.code in ("program-tile", "program-cover") and i.differing for i in items):
        items += edges(program, kept, hosts)
    return _summary(items)


def _summary(items: Iterable[Item]) -> Validation:
    compared = differing = 0
    first: dict[tuple[str, str, str], Item] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for item in items:
        compared, differing = compared + item.compared, differing + item.differing
        key = (item.code, item.layer, item.what)
        if item.differing:
            first.setdefault(key, item)
            counts[key] = counts.get(key, 0) + item.differing
    return Validation(
        compared=compared,
        differing=differing,
        findings=tuple(_finding(first[key], n) for key, n in counts.items()),
    )


def _finding(item: Item, count: int) -> Finding:
    where = item.layer if item.core < 0 else f"{item.layer}, core {item.core}"
    more = f" ({count} of this kind)" if count > 1 else ""
    return Finding(
        code=item.code,
        severity=Severity.ERROR,
        where=where,
        why=f"{item.what} differs from the quantized circuit{more}",
        need=item.need,
        have=item.have,
        help="the packed tables do not say this network: map it again",
    )


# --- the program as a whole ------------------------------------------------------------------------------------------


def _program(program: Program, qc: QuantizedCircuit, relays: Relays) -> Iterator[Item]:
    """Names, shapes, steps, and what the host does: nothing here is in the cores' words."""
    names = (INPUT, *(p.name for p in qc.populations), *relays.carried)
    shapes = (qc.input.shape, *(p.shape for p in qc.populations), *relays.shapes.values())
    host, coding = set(program.on_host), program.coding
    yield same("program-head", "program", -1, "the list of populations", program.populations, names)
    yield same("program-head", "program", -1, "the list of shapes", program.shapes, shapes)
    yield same("program-head", "program", -1, "the number of steps", program.steps, qc.steps)
    fed = {p.target for p in qc.projections if INPUT in p.sources}
    biased = sorted(fed) if coding is Coding.BIAS else []
    yield same(
        "program-host",
        "program",
        -1,
        "what the host adds to biases",
        sorted(program.host_biases),
        biased,
    )
    for p in qc.projections:
        if p.target in host:
            alone = set(p.sources) <= {INPUT, *host}
            yield same("program-host", p.target, -1, "a source of what the host runs", alone, True)
        elif coding is Coding.HOST:
            yield same(
                "program-host",
                p.target,
                -1,
                "an input that the host must keep",
                INPUT in p.sources,
                False,
            )
    yield same(
        "program-host", "program", -1, "what the host runs", bool(host), coding is Coding.HOST
    )


# --- tiles -----------------------------------------------------------------------------------------------------------


def _tile(
    program: Program, qc: QuantizedCircuit, relays: Relays, core: int, tile: TileContents
) -> Iterator[Item]:
    """Everything of one tile but its edges."""
    if not 0 < tile.population < len(program.populations):
        yield differs("program-tile", "program", core, "a population's number", tile.population, "")
        return
    if program.populations[tile.population] in relays.carried:
        qc, p, items = relay_tile(program, qc, relays, core, tile)
        yield from items
    else:
        p = qc.population(program.populations[tile.population])
    box = (tile.channels, tile.rows, tile.columns)
    inside = all(0 <= low < high <= size for (low, high), size in zip(box, p.shape, strict=True))
    where = (p.name, core)
    yield same(
        "program-tile", *where, "the tile's box", inside and tile.population_shape == p.shape, True
    )
    if not inside or tile.population_shape != p.shape:
        return
    depth = program.schedule.depth.get(p.name)
    yield same("program-time", *where, "the depth", tile.depth, depth)
    yield same("program-time", *where, "the number of steps", tile.steps, qc.steps)
    yield from _neurons(qc, p, core, tile)
    yield from _connections(program, qc, relays, p, core, tile)


def _neurons(
    qc: QuantizedCircuit, p: QuantizedPopulation, core: int, tile: TileContents
) -> Iterator[Item]:
    n = p.neuron
    box = tuple(slice(*r) for r in (tile.channels, tile.rows, tile.columns))

    def held(values: Iterable[IntArray]) -> IntArray:
        return np.stack([np.broadcast_to(v, p.shape)[box] for v in values])

    arrays = (
        ("a threshold", tile.levels, held(n.levels)),
        ("a reset amount", tile.amounts, held(n.amounts)),
        ("a decay", tile.delta[None], held([n.delta])),
    )
    for what, have, need in arrays:
        yield _array("program-neuron", p.name, core, what, have, need)
    yield _stepwise(p, core, "a bias", tile.bias, p.bias, box)
    gained = (tile.gain is not None, n.gain is not None)
    yield same("program-neuron", p.name, core, "whether it has a gain", *gained)
    if tile.gain is not None and n.gain is not None:
        yield _stepwise(p, core, "a gain", tile.gain, n.gain, box)
    settings = (
        ("the number of fraction bits", tile.fraction_bits, p.fraction_bits),
        ("the membrane's limit", tile.v_limit, qc.v_limit),
        ("the gain's shift", tile.gain_shift, n.gain_shift),
        ("the reset", tile.reset, n.reset),
        ("the late reset", tile.late_reset, n.late_reset),
        ("what it emits", tile.emits, n.emits),
        ("the floor", tile.v_min, n.v_min),
        ("the multispike shift", tile.multispike_shift, n.multispike_shift),
        ("the multispike comparison", tile.multispike_ge, n.multispike_ge),
        ("the graded shift", tile.graded_shift, n.graded_shift),
    )
    for what, have, need in settings:
        yield same("program-neuron", p.name, core, what, have, need)


def _stepwise(
    p: QuantizedPopulation,
    core: int,
    what: str,
    have: IntArray,
    need: IntArray,
    box: tuple[slice, ...],
) -> Item:
    """Values of a tile that may change from step to step: [..] or [T, ..] each."""
    whole = np.broadcast_to(need, (*need.shape[:-3], *p.shape))[(..., *box)]
    if have.ndim != whole.ndim:
        rows = (len(have if have.ndim == 4 else whole),)
        have, whole = (np.broadcast_to(x, (*rows, *x.shape[-3:])) for x in (have, whole))
    return _array("program-neuron", p.name, core, what, have, whole)


def _connections(
    program: Program,
    qc: QuantizedCircuit,
    relays: Relays,
    p: QuantizedPopulation,
    core: int,
    tile: TileContents,
) -> Iterator[Item]:
    """Each projection has one connection, with its weights and the axons of its summands, some behind relays."""
    for index, projection in enumerate(qc.into(p.name)):
        sources = [s for s in projection.sources if s != INPUT or program.coding is not Coding.BIAS]
        found = [c for c in tile.connections if c.projection == index]
        what = f"the connections of projection {projection.name}"
        yield same("program-weight", p.name, core, what, len(found), int(bool(sources)))
        for c in found:
            numbers = [program.populations.index(b) for s in sources for b in relays.behind(s)]
            have = sorted(n for s in c.sources for n in _behind(program, relays, s))
            yield same(
                "program-edge",
                p.name,
                core,
                f"the summands of {projection.name}",
                have,
                sorted(numbers),
            )
            yield from _weights(program, qc, p, projection, core, tile, c)
    known = range(len(qc.into(p.name)))
    strangers = sum(c.projection not in known for c in tile.connections)
    yield same("program-weight", p.name, core, "connections of no projection", strangers, 0)


def _behind(program: Program, relays: Relays, number: int) -> list[int]:
    """Numbers of the circuit's populations whose spikes an axon with this source receives."""
    if not 0 <= number < len(program.populations):
        return [number]
    names = relays.behind(program.populations[number])
    return [program.populations.index(name) for name in names]


def _weights(
    program: Program,
    qc: QuantizedCircuit,
    p: QuantizedPopulation,
    projection: QuantizedProjection,
    core: int,
    tile: TileContents,
    c: Connection,
) -> Iterator[Item]:
    where, name = (p.name, core), projection.name
    source = (
        qc.input.shape
        if projection.sources[0] == INPUT
        else qc.population(projection.sources[0]).shape
    )
    yield same("program-weight", *where, f"the kernel of {name}", c.kernel, projection.kernel)
    yield same("program-weight", *where, f"the source's shape of {name}", c.source_shape, source)
    yield same("program-weight", *where, f"the exponent of {name}", c.exponent, projection.exponent)
    base, need = expected_weights(projection, p, tile, source)
    if program.format in USED_TAPS_ONLY:
        need = _used_alone(need, projection, tile, source)
    yield same("program-weight", *where, f"the first channel of {name}", c.channel_base, base)
    yield _array("program-weight", *where, f"a weight of {name}", c.weight, need)


def expected_weights(
    projection: QuantizedProjection,
    p: QuantizedPopulation,
    tile: TileContents,
    source: tuple[int, int, int],
) -> tuple[int, IntArray]:
    """(first input channel, weights of the tile in the layout of `Connection`)."""
    first, last = tile.channels
    kernel, w = projection.kernel, projection.weight
    if isinstance(kernel, Conv):
        if kernel.groups == 1:
            return 0, w[first:last].transpose(1, 2, 3, 0)
        return _grouped(w, kernel, p.shape[0], source[0], (first, last))
    if isinstance(kernel, Dense) and kernel.pooled:
        return 0, w[first:last].T
    if isinstance(kernel, Dense):
        box = tuple(slice(*r) for r in (tile.channels, tile.rows, tile.columns))
        inside = w.reshape(*p.shape, -1)[box]
        return 0, inside.reshape(-1, w.shape[1]).T
    return 0, w[first:last]


def _used_alone(
    weight: IntArray,
    projection: QuantizedProjection,
    tile: TileContents,
    source: tuple[int, int, int],
) -> IntArray:
    """The same with 0 at kernel positions that see nothing but padding from every output of the tile."""
    kernel = projection.kernel
    if not isinstance(kernel, Conv):
        return weight
    axes = zip(
        (tile.rows, tile.columns), kernel.stride, kernel.padding, kernel.dilation, strict=True
    )
    seen = [
        np.arange(*outputs)[:, None] * s + np.arange(taps) * d - p
        for (outputs, s, p, d), taps in zip(axes, weight.shape[1:3], strict=True)
    ]
    rows, columns = (
        ((at >= 0) & (at < size)).any(0) for at, size in zip(seen, source[1:], strict=True)
    )
    return np.where((rows[:, None] & columns)[None, :, :, None], weight, 0)


def _grouped(
    w: IntArray, kernel: Conv, channels: int, inputs: int, box: tuple[int, int]
) -> tuple[int, IntArray]:
    """Block-diagonal weights over the input channels of all groups that the tile's channels touch."""
    per_out, per_in = channels // kernel.groups, inputs // kernel.groups
    base, stop = box[0] // per_out * per_in, ((box[1] - 1) // per_out + 1) * per_in
    dense = np.zeros((stop - base, *w.shape[2:], box[1] - box[0]), np.int64)
    for o in range(*box):
        low = o // per_out * per_in - base
        dense[low : low + per_in, :, :, o - box[0]] = w[o]
    return base, dense


def _cover(
    program: Program, qc: QuantizedCircuit, relays: Relays, tiles: Iterable[TileContents]
) -> Iterator[Item]:
    """Each neuron of the chip is in exactly one tile, those of the host in none."""
    shapes = {p.name: p.shape for p in qc.populations} | dict(relays.shapes)
    held = {name: np.zeros(shape, np.int64) for name, shape in shapes.items()}
    for t in tiles:
        if 0 < t.population < len(program.populations):
            box = tuple(slice(max(low, 0), high) for low, high in (t.channels, t.rows, t.columns))
            held[program.populations[t.population]][box] += 1
    for name, count in held.items():
        need = np.full(count.shape, int(name not in program.on_host))
        yield _array("program-cover", name, -1, "how many cores hold a neuron", count, need)


def _array(code: str, layer: str, core: int, what: str, have: IntArray, need: ArrayLike) -> Item:
    """Element by element; the first difference is named by its index."""
    need = np.asarray(need)
    if have.shape != need.shape:
        return differs(code, layer, core, f"the shape of {what}", have.shape, need.shape)
    unequal = have != need
    count = int(np.count_nonzero(unequal))
    if not count:
        return Item(code=code, layer=layer, core=core, what=what, compared=have.size)
    at = tuple(int(i) for i in np.argwhere(unequal)[0])
    return Item(
        code=code,
        layer=layer,
        core=core,
        what=what,
        compared=have.size,
        differing=count,
        have=f"{have[at]} at {at}",
        need=str(need[at]),
    )
