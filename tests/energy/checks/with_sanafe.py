"""A program as a network of SANA-FE, on its own model of Loihi, and what that says of it.

Neuron for neuron and edge for edge: thresholds, resets, biases and integer weights are ours, in units of 64 (SANA-FE
rounds membranes to 1/64), so it must fire what we fire; this is checked. What it cannot express is done so:

- Its delayed dendrite loses waiting spikes (`heard_with_delay`). A summand that waits d steps is therefore sent by a
  copy of its population that replays our spikes d steps later, from another core of the same tile: as many messages,
  as far.
- Samples follow each other. At the first step of a sample we set the membranes of a population to 0, and its biases;
  after the last one, both to 0.
- What the host fires is replayed by input neurons in tile 31.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from math import fsum, prod
from typing import Any

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.program import Program
from snn2chip.circuit.types import Dense
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import QuantizedPopulation, QuantizedProjection
from tests.energy.checks.edges import Edges, edges
from tests.energy.checks.subjects import Run

HOST_TILE = 31
PLACES = 4
NEVER = 1e30
"""Threshold of a read-out."""
UNIT_BITS = 6
CONV, DENSE = "loihi_conv_synapse", "loihi_dense_synapse"

COUNTS = {
    "synops": (None, "spikes"),
    "messages": (None, "packets_sent"),
    "updated": (None, "neurons_updated"),
    "fired": (None, "neurons_fired"),
    "hops": ("perf_trace", "hops"),
}
"""Our name of a count -> where it stands in SANA-FE's result. Its `spikes` are synaptic operations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends the spikes of `population` with `delay` further steps: itself, or a copy in place `place` of `tile`."""

    population: str
    delay: int
    own: bool
    tile: int
    place: int


def senders(run: Run, program: Program) -> list[Sender]:
    """Of every population its own, then its copies; of one that the host runs, copies alone."""
    found: list[Sender] = []
    for name in program.populations[1:]:
        host = name in program.on_host
        tile = HOST_TILE if host else tile_of(program, name)
        delays = {0} | {d for _, source, d in wires(run, program) if source == name}
        found += [
            Sender(population=name, delay=d, own=d == 0 and not host, tile=tile, place=i)
            for i, d in enumerate(sorted(delays))
        ]
    if any(s.place >= PLACES for s in found):
        raise NotImplementedError("more copies than cores in a tile")
    return found


def wires(run: Run, program: Program) -> list[tuple[QuantizedProjection, str, int]]:
    """(projection, source, delay) of every axon into a core."""
    return [
        (p, source, program.schedule.delays[p.name, source])
        for p in run.qc.projections
        if p.target not in program.on_host
        for source in p.sources
    ]


def edges_of(run: Run, program: Program) -> int:
    """How many edges the exported network has."""
    return sum(len(_edges(run, p, source)[0]) for p, source, _ in wires(run, program))


def _edges(run: Run, p: QuantizedProjection, source: str) -> Edges:
    return edges(p, run.qc.population(source).shape, run.qc.population(p.target).shape)


def tile_of(program: Program, population: str) -> int:
    """The tile of its core; each population of the subject has one core, in place 0 of a tile."""
    (core,) = [i for i, c in enumerate(program.cores) if c.tiles[0].population == population]
    place = int(program.placement.core[core])
    if place % PLACES:
        raise NotImplementedError("a core in another place of its tile")
    return place // PLACES


def simulate(run: Run, program: Program, *, dense: str = CONV) -> dict[str, Any]:
    """Sums over the whole run, energies in joules. `dense`: the synapses of dense projections."""
    sanafe = import_module("sanafe")
    arch, net = sanafe.load_loihi(), sanafe.Network()
    depth = program.schedule.depth
    total = run.inputs.samples * run.qc.steps + max(depth.values())
    groups: dict[tuple[str, int], Any] = {}
    for s in senders(run, program):
        group = net.create_neuron_group(f"{s.population}@{s.delay}", _neurons(run, s.population))
        core = arch.tiles[s.tile].cores[s.place]
        for neuron, attributes in zip(group, _attributes(run, s, depth, total, dense), strict=True):
            neuron.set_attributes(**attributes)
            neuron.map_to_core(core)
        groups[s.population, s.delay] = group
    for p, source, delay in wires(run, program):
        of, to, weight = _edges(run, p, source)
        pairs = list(zip(of.tolist(), to.tolist(), strict=True))
        weights = {"w": (weight << p.exponent).astype(float).tolist()}
        groups[source, delay].connect_neurons_sparse(groups[p.target, 0], weights, pairs)
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    return _stepped(chip, run, program, total)


def heard_with_delay(sent: list[int], delay: int) -> list[int]:
    """Steps in which a neuron fires that should fire `1 + delay` steps after each step of `sent`."""
    sanafe = import_module("sanafe")
    arch, net = sanafe.load_loihi(), sanafe.Network()
    source, target = (net.create_neuron_group(name, 1) for name in ("source", "target"))
    train = [step in sent for step in range(max(sent) + delay + 3)]
    kinds = {
        "dendrite_hw_name": "loihi_dendrites_delay",
        "default_synapse_hw_name": CONV,
        "log_spikes": True,
    }
    source[0].set_attributes(
        soma_hw_name="loihi_inputs[0]", model_attributes={"spikes": train}, **kinds
    )
    lif = {"threshold": 1.0, "reset_mode": "hard", "reset": 0.0, "leak_decay": 1.0}
    target[0].set_attributes(soma_hw_name="loihi_lif", model_attributes=lif, **kinds)
    source[0].map_to_core(arch.tiles[HOST_TILE].cores[0])
    target[0].map_to_core(arch.tiles[0].cores[0])
    source.connect_neurons_sparse(target, {"w": [2.0], "delay": [delay]}, [(0, 0)])
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    trace = chip.sim(len(train), timing_model="simple", spike_trace=True)["spike_trace"]
    return [step for step, fired in enumerate(trace) if "target.0" in map(str, fired)]


def _neurons(run: Run, name: str) -> int:
    return prod(run.qc.population(name).shape)


def _attributes(
    run: Run, s: Sender, depth: Mapping[str, int], total: int, dense: str
) -> Iterator[dict[str, Any]]:
    """What SANA-FE is told of each neuron of a group."""
    p = run.qc.population(s.population)
    common = {"dendrite_hw_name": "loihi_dendrites", "log_spikes": True}
    if s.own:
        kinds = {type(q.kernel) for q in run.qc.into(p.name)}
        synapse = dense if kinds == {Dense} else CONV
        for threshold in _thresholds(p):
            lif = {"threshold": threshold, "reset_mode": "hard", "reset": 0.0, "leak_decay": 1.0}
            yield common | {
                "soma_hw_name": "loihi_lif",
                "default_synapse_hw_name": synapse,
                "model_attributes": lif,
            }
        return
    spikes = in_stream(run, p.name, depth[p.name] + s.delay, total)
    for i, train in enumerate(spikes.T.tolist()):
        yield common | {
            "soma_hw_name": f"loihi_inputs[{i}]",
            "default_synapse_hw_name": CONV,
            "model_attributes": {"spikes": [bool(x) for x in train]},
        }


def _thresholds(p: QuantizedPopulation) -> list[float]:
    n = p.neuron
    reset = Reset.NONE if n.emits is Emits.NOTHING else Reset.ZERO
    exact = len(n.levels) == 1 and n.gain is None and n.reset is reset and not n.delta.any()
    if not exact or p.fraction_bits != UNIT_BITS or n.v_min is not None:
        raise NotImplementedError(f"neurons of {p.name}")
    if n.emits is Emits.NOTHING:
        return [NEVER] * prod(p.shape)
    return _units(n.levels[0], p)


def _units(values: IntArray, p: QuantizedPopulation) -> list[float]:
    """Of each neuron, in SANA-FE's units."""
    found: list[float] = (np.broadcast_to(values, p.shape).ravel() / 2**UNIT_BITS).tolist()
    return found


def in_stream(run: Run, name: str, first: int, total: int) -> IntArray:
    """What `name` fires in each chip step, [chip steps, neurons], its first step being `first`."""
    spikes = run.recording.outputs[name].swapaxes(0, 1)
    flat = spikes.reshape(-1, _neurons(run, name))
    found = np.zeros((total, flat.shape[1]), np.int64)
    kept = min(len(flat), total - first)
    found[first : first + kept] = flat[:kept]
    return found


def _stepped(chip: Any, run: Run, program: Program, total: int) -> dict[str, Any]:
    """Step after step, membranes set to 0 where a sample begins."""
    steps, depth = run.inputs.samples * run.qc.steps, program.schedule.depth
    mine = [p for p in run.qc.populations if p.name not in program.on_host]
    expected = {p.name: in_stream(run, p.name, depth[p.name], total) for p in mine}
    fired = {name: np.zeros_like(spikes) for name, spikes in expected.items()}
    counts = dict.fromkeys(COUNTS, 0)
    joules: dict[str, list[float]] = {}
    for step in range(total):
        for p in mine:
            at = step - depth[p.name]
            if 0 <= at <= steps and at % run.qc.steps == 0:
                bias = _units(p.bias if at < steps else p.bias * 0, p)
                for neuron, b in zip(chip.mapped_neuron_groups[f"{p.name}@0"], bias, strict=True):
                    neuron.set_attributes(model_attributes={"potential": 0.0, "bias": b})
        found = chip.sim(1, timing_model="simple", spike_trace=True, perf_trace=True)
        for key, (where, name) in COUNTS.items():
            value = found[name] if where is None else found[where][name][0]
            counts[key] += int(value)
        for part, value in found["energy"].items():
            joules.setdefault(part, []).append(value)
        for address in found["spike_trace"][0]:
            group, _, number = str(address).rpartition(".")
            if group.partition("@")[0] in fired and group.endswith("@0"):
                fired[group[:-2]][step, int(number)] = 1
    for name, spikes in expected.items():
        np.testing.assert_array_equal(fired[name], spikes, err_msg=name)
    return {
        "samples": run.inputs.samples,
        "chip_steps": total,
        **counts,
        "joules": {part: fsum(values) for part, values in joules.items()},
    }
