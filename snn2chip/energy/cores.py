"""Loads of single cores in single chip steps, from the packed tables and what fired."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from snn2chip.arrays import FloatArray, IntArray
from snn2chip.chip.formats import loihi1
from snn2chip.chip.mesh import mesh_of
from snn2chip.chip.program import AxonTable, Connection, Program, TileContents
from snn2chip.chip.route import Flows, Routed, route
from snn2chip.chip.target import Target
from snn2chip.chip.unpack import entries_of, unpack_cores, unpack_hosts, without_weights
from snn2chip.circuit.types import INPUT, Conv, Dense
from snn2chip.energy.rims import Box, box_of, outputs_of, own_box, reached_rim, rim_neurons, taps_of
from snn2chip.recording import Outputs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoreCounts:
    """Arrays [cores, chip steps] of samples that follow each other: sample step t of depth d in chip step t + d.

    `synops`, `active`, `spikes`, `messages`: what the core adds, updates after an arrival, fires and sends. `neurons`:
    membranes of each core. `shared`: cores with more tiles than one. `host_messages`, `chip_messages`: sums of what the
    host sends and of what crosses chips.
    `layers`: population -> messages of its tiles, and their hops and crossings where cores have a place.
    `routed`: hops and loads of links, these in each of N · T steps (as in `step_ns`); None where cores have no place.
    `rims`: neurons of each core around its tile that nobody hears (Loihi 1), beside those of `neurons`; `rim_synops`,
    `rim_active`: what is added to them, and how many of them a spike reaches, beside `synops` and `active`.
    """

    chips: int
    shared: int
    neurons: IntArray
    synops: IntArray
    active: IntArray
    spikes: IntArray
    messages: IntArray
    host_messages: int
    chip_messages: int
    layers: Mapping[str, Mapping[str, int]]
    routed: Routed | None
    rims: IntArray
    rim_synops: IntArray
    rim_active: IntArray

    def to_dict(self) -> dict[str, object]:
        """Sums."""
        return {
            "cores": len(self.neurons),
            "chips": self.chips,
            "shared_cores": self.shared,
            "chip_steps": self.synops.shape[1],
            "neurons": int(self.neurons.sum()),
            "synops": int(self.synops.sum()),
            "active": int(self.active.sum()),
            "spikes": int(self.spikes.sum()),
            "messages": int(self.messages.sum()),
            "rims": int(self.rims.sum()),
            "rim_synops": int(self.rim_synops.sum()),
            "rim_active": int(self.rim_active.sum()),
            "host_messages": self.host_messages,
            "chip_messages": self.chip_messages,
            **self._hops(),
            "layers": {name: dict(sums) for name, sums in self.layers.items()},
            "each": self._each(),
        }

    def _hops(self) -> dict[str, object]:
        if self.routed is None:
            return {}
        r, links = self.routed, self.routed.links
        return {
            "hops_ew": int(r.hops_ew.sum()),
            "hops_ns": int(r.hops_ns.sum()),
            "crossings": int(r.crossings.sum()),
            "links": {
                "chip_columns": links.chip_columns,
                "columns": links.columns,
                "rows": links.rows,
                "through": links.through.tolist(),
                "busiest_ew": int(max(links.east.max(initial=0), links.west.max(initial=0))),
                "busiest_ns": int(max(links.south.max(initial=0), links.north.max(initial=0))),
                "crossings": [[a, b, n] for (a, b), n in links.crossings.items()],
            },
        }

    def _each(self) -> list[dict[str, int]]:
        """Sums of every core."""
        columns = {
            "synops": self.synops.sum(1),
            "active": self.active.sum(1),
            "spikes": self.spikes.sum(1),
            "messages": self.messages.sum(1),
            "neurons": self.neurons,
        }
        if self.routed is not None:
            r = self.routed
            columns |= {"hops_ew": r.hops_ew, "hops_ns": r.hops_ns, "crossings": r.crossings}
        return [
            {name: int(values[i]) for name, values in columns.items()}
            for i in range(len(self.neurons))
        ]

    def step_ns(
        self, period: int, synop: float, idle: float, active: float, spike: float, message: float
    ) -> FloatArray:
        """Time of the slowest core in each of `period` = N · T chip steps, the pipeline being full.

        Samples stream without end: what happens after the last step happens in the first steps of the next round.
        """
        updated = folded(self.active + self.rim_active, period)
        waiting = (self.neurons + self.rims)[:, None] - updated
        busy = folded(self.synops + self.rim_synops, period) * synop + waiting * idle
        busy = busy + updated * active
        busy = busy + folded(self.spikes, period) * spike + folded(self.messages, period) * message
        return busy.max(0, initial=0.0)


def folded(loads: IntArray, period: int) -> IntArray:
    """[cores, chip steps] -> [cores, period]: step s counts as step s mod period."""
    rounds = -(-loads.shape[1] // period)
    padded = np.pad(loads, ((0, 0), (0, rounds * period - loads.shape[1])))
    return padded.reshape(len(loads), rounds, period).sum(1)


def count_cores(
    program: Program,
    target: Target,
    outputs: Mapping[str, Outputs],
    active: Mapping[str, Outputs],
    *,
    units: bool,
) -> CoreCounts:
    """Loads of every core.

    `outputs`: by population and `input`, [T or 1, N, C, H, W]. `active`: neurons that a spike reaches. `units`:
    pixels are sent as unit spikes.
    """
    cores = [without_weights(c) for c in unpack_cores(program, target)]
    steps = program.steps
    samples = outputs[program.populations[-1]].shape[1]
    depth = max((t.depth for c in cores for t in c.tiles), default=0)
    sources = _Sources(program, outputs, units)
    shape = (len(cores), samples * steps + depth)
    synops, updates, spikes, messages = (np.zeros(shape, np.int64) for _ in range(4))
    rim_synops, rim_active = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    rims = np.zeros(len(cores), np.int64)
    across = 0
    flows: list[tuple[IntArray, IntArray, IntArray]] = []
    senders: list[IntArray] = []
    chip = np.array([c.chip for c in program.cores], np.int64)
    for i, contents in enumerate(cores):
        begin = 0
        for tile in contents.tiles:
            when = slice(tile.depth, tile.depth + samples * steps)
            fired = _box(sources.fired(tile.population), tile)
            box, own = box_of(program.format, program.cores[i], tile), own_box(tile)
            for c in tile.connections:
                synops[i, when] += _synops(program.format, sources, tile, c, own)
            if box != own:
                rims[i] += rim_neurons(tile, box)
                for c in tile.connections:
                    rim_synops[i, when] += _synops(program.format, sources, tile, c, box)
                rim_synops[i, when] -= synops[i, when]
                arriving = [(c, sources.fired(s)) for c in tile.connections for s in c.sources]
                rim_active[i, when] = reached_rim(tile, box, arriving)
            reached = active[program.populations[tile.population]].swapaxes(0, 1)
            reached = _box(reached.reshape(-1, *reached.shape[2:]), tile).sum((1, 2, 3))
            updates[i, when] += reached * len(tile.levels)
            spikes[i, when] += fired.sum((1, 2, 3))
            size = entries_of(tile, contents.axons.per_neuron)
            to, sent = _messages(fired, contents.axons, begin, begin + size)
            messages[i, when] += sent.sum(1)
            across += int(sent[:, chip[to] != chip[i]].sum())
            # In step s of the stream, what was sent in step s - depth of the run.
            flows.append((np.full(len(to), i), to, np.roll(sent, tile.depth, 0).T))
            senders.append(np.full(len(to), tile.population))
            begin += size
    routed = _routed(program, target, flows, samples * steps)
    return CoreCounts(
        shared=sum(len(c.tiles) > 1 for c in cores),
        chips=program.chips,
        neurons=np.array([sum(t.levels.size for t in c.tiles) for c in cores], np.int64),
        synops=synops,
        active=updates,
        spikes=spikes,
        messages=messages,
        host_messages=_from_host(program, sources),
        chip_messages=across,
        layers=_layers(program, senders, flows, routed),
        routed=routed,
        rims=rims,
        rim_synops=rim_synops,
        rim_active=rim_active,
    )


def _layers(
    program: Program,
    senders: list[IntArray],
    flows: list[tuple[IntArray, IntArray, IntArray]],
    routed: Routed | None,
) -> dict[str, dict[str, int]]:
    """What the tiles of each population send. `senders`: number of the population, of each of the `flows`."""
    none = np.zeros(0, np.int64)
    sender = np.concatenate([none, *senders])
    counts = {"messages": np.concatenate([none, *(f[2].sum(1) for f in flows)])}
    if routed is not None:
        counts |= dict(zip(("hops_ew", "hops_ns", "crossings"), routed.flows, strict=True))
    size = len(program.populations)
    sums = {key: np.bincount(sender, each, size) for key, each in counts.items()}
    on_chip = dict.fromkeys(name for core in program.cores for name in core.populations)
    number = program.populations.index
    return {name: {key: int(s[number(name)]) for key, s in sums.items()} for name in on_chip}


def _routed(
    program: Program,
    target: Target,
    flows: list[tuple[IntArray, IntArray, IntArray]],
    period: int,
) -> Routed | None:
    if len(program.placement.chip) != len(program.cores):
        return None
    none = np.zeros(0, np.int64)
    source, to = (np.concatenate([none, *(f[i] for f in flows)]) for i in range(2))
    messages = np.concatenate([np.zeros((0, period), np.int64), *(f[2] for f in flows)])
    mesh = mesh_of(target, program.placement.board or None)
    return route(Flows(source=source, target=to, messages=messages), program.placement, mesh)


class _Sources:
    """Events of every population, [N · T, C, H, W], sample after sample; computed once."""

    def __init__(self, program: Program, outputs: Mapping[str, Outputs], units: bool) -> None:
        self._program, self._outputs, self._units = program, outputs, units
        self._found: dict[int, Outputs] = {}
        self._sums: dict[tuple[int, int, int], IntArray] = {}

    def fired(self, number: int) -> IntArray:
        """1 where a spike is sent (or how many, where the input is sent as unit spikes)."""
        if number not in self._found:
            name = self._program.populations[number]
            values = self._outputs[name]
            values = np.broadcast_to(values, (self._program.steps, *values.shape[1:]))
            events = np.abs(values) if name == INPUT and self._units else values != 0
            flat = events.swapaxes(0, 1).reshape(-1, *values.shape[2:])
            self._found[number] = flat.astype(np.uint8 if not self._units else np.int64)
        return self._found[number]

    def by_position(self, number: int, first: int, last: int) -> IntArray:
        """Spikes of channels first..last: [N · T, H, W]."""
        key = (number, first, last)
        if key not in self._sums:
            self._sums[key] = self.fired(number)[:, first:last].sum(1, dtype=np.int64)
        return self._sums[key]


def _box(values: IntArray, tile: TileContents) -> IntArray:
    c, y, x = tile.channels, tile.rows, tile.columns
    return values[:, slice(*c), slice(*y), slice(*x)].astype(np.int64)


def _synops(
    format_: str, sources: _Sources, tile: TileContents, c: Connection, box: Box
) -> IntArray:
    """Stored weights that the tile adds for one connection, zeros among them, those to its `box`: [N · T]."""
    neurons = prod(tile.shape)
    total = np.zeros(1, np.int64)
    for source in c.sources:
        if isinstance(c.kernel, Conv):
            rows = taps_of(c, c.kernel, 0, tile.rows, box.rows)
            columns = taps_of(c, c.kernel, 1, tile.columns, box.columns)
            spikes = _weighted(format_, sources, tile, c, source)
            total = total + np.einsum("syx,y,x->s", spikes, rows, columns)
        elif isinstance(c.kernel, Dense):
            total = total + sources.fired(source).sum((1, 2, 3), dtype=np.int64) * neurons
        else:
            total = total + _box(sources.fired(source), tile).sum((1, 2, 3))
    return total


def _weighted(
    format_: str, sources: _Sources, tile: TileContents, c: Connection, source: int
) -> IntArray:
    """Spikes of all channels at each position, times the channels that each is added to: [N · T, H, W].

    Loihi 2 stores a block for all channels of the tile, with zeros for those of other groups; Loihi 1 leaves them out.
    """
    first, last = c.channel_base, c.channel_base + c.weight.shape[0]
    if format_ != loihi1.NAME or not isinstance(c.kernel, Conv) or c.kernel.groups == 1:
        return sources.by_position(source, first, last) * c.weight.shape[3]
    spikes = sources.fired(source)[:, first:last]
    return np.einsum("scyx,c->syx", spikes, outputs_of(c, c.kernel, tile), dtype=np.int64)


def _messages(fired: IntArray, table: AxonTable, begin: int, end: int) -> tuple[IntArray, IntArray]:
    """(cores, messages to each [N · T, cores]) of a box of neurons, entries begin..end of its axon table."""
    entries = fired if table.per_neuron else fired.sum(1, keepdims=True)
    flat = entries.reshape(len(entries), -1)
    first = table.first[begin : end + 1]
    pairs = table.core[int(first[0]) : int(first[-1])]
    cores, which = np.unique(pairs, return_inverse=True)
    # Pairs per entry and core; in float64, whose products numpy has fast: whole numbers below 2^53 are exact.
    reach = np.zeros((len(first) - 1, len(cores)))
    np.add.at(reach, (np.repeat(np.arange(len(first) - 1), np.diff(first)), which), 1)
    return cores, (flat.astype(np.float64) @ reach).astype(np.int64)


def _from_host(program: Program, sources: _Sources) -> int:
    """Messages that the host sends."""
    total = 0
    for number, table in unpack_hosts(program).items():
        fired = sources.fired(number).astype(np.int64)
        per_entry = (fired if table.per_neuron else fired.sum(1)).sum(0).ravel()
        total += int((per_entry * np.diff(table.first)).sum())
    return total
