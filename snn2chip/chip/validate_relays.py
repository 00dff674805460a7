"""Translation validation of relays: what they must be, and which populations stand behind each of them.

The program says what each relay copies; the words of its cores are compared with exactly that. A relay is exact for all
inputs: it forgets, its weights are 1, and its sum (or the only 0/1 train that it reads) is what it sends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from snn2chip.arrays import floats, ints
from snn2chip.chip.program import Program, TileContents
from snn2chip.chip.validate_item import Item, same
from snn2chip.circuit.types import INPUT, Identity, Origin, Role, Shape
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.ranges import input_bounds, reaches
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedPopulation,
    QuantizedProjection,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relays:
    """`carried`: relay -> the circuit's summands behind it. `highest`: magnitude of what a name can send."""

    copies: Mapping[str, tuple[str, ...]]
    carried: Mapping[str, tuple[str, ...]]
    shapes: Mapping[str, Shape]
    spikes: frozenset[str]
    highest: Mapping[str, int]

    def behind(self, name: str) -> tuple[str, ...]:
        """The circuit's populations that a name stands for."""
        return self.carried.get(name, (name,))


def relays_of(program: Program, qc: QuantizedCircuit) -> tuple[Relays, list[Item]]:
    """What the program says of its relays; a relay may read only what stands before it, all of one shape."""
    shapes: dict[str, Shape] = {INPUT: qc.input.shape, **{p.name: p.shape for p in qc.populations}}
    spikes = {p.name for p in qc.populations if _binary(p.neuron)}
    spikes |= {INPUT} if qc.input.bits == 1 and not qc.input.signed else set()
    copies = dict(program.schedule.relays)
    highest = _highest(qc) if copies else {}
    carried: dict[str, tuple[str, ...]] = {}
    items: list[Item] = []
    for name, sources in copies.items():
        sound = bool(sources) and name not in shapes and all(s in shapes for s in sources)
        sound = sound and len({shapes[s] for s in sources}) == 1
        items.append(same("program-relay", name, -1, "what it copies", sound, True))
        if not sound:
            break
        shapes[name] = shapes[sources[0]]
        carried[name] = tuple(b for s in sources for b in carried.get(s, (s,)))
        highest[name] = sum(highest[s] for s in sources)
        if len(sources) == 1 and sources[0] in spikes:
            spikes.add(name)
    found = Relays(
        copies=copies,
        carried=carried,
        shapes={n: shapes[n] for n in carried},
        spikes=frozenset(spikes & set(carried)),
        highest=highest,
    )
    return found, items


def relay_tile(
    program: Program, qc: QuantizedCircuit, relays: Relays, core: int, tile: TileContents
) -> tuple[QuantizedCircuit, QuantizedPopulation, list[Item]]:
    """(the circuit of one relay alone, its population, what is wrong with its shifts or its sources)."""
    name, bits = program.populations[tile.population], tile.fraction_bits
    shape, spikes = relays.shapes[name], name in relays.spikes
    nothing = ints(np.zeros((1, 1, 1), np.int64))
    neuron = IntegerNeuron(
        levels=(nothing,),
        amounts=(nothing,),
        delta=nothing,
        reset=Reset.ZERO,
        late_reset=False,
        emits=Emits.SPIKE if spikes else Emits.GRADED,
        graded_shift=0 if spikes else bits,
    )
    p = QuantizedPopulation(
        name=name,
        shape=shape,
        neuron=neuron,
        bias=nothing,
        fraction_bits=bits,
        scale=floats(np.ones(shape[0])),
        unit=1.0,
        origin=Origin(layer=name, role=Role.RELAY),
    )
    q = QuantizedProjection(
        name=f"into {name}",
        sources=relays.copies[name],
        target=name,
        kernel=Identity(),
        weight=ints(np.ones(shape[0], np.int64)),
        exponent=0,
        bits=2,
    )
    others = tuple(replace(p, name=s) for s in relays.copies[name] if s != INPUT)
    have = sorted(s for c in tile.connections for s in c.sources)
    need = sorted(program.populations.index(s) for s in relays.copies[name])
    fits = relays.highest[name] << bits <= qc.v_limit
    items = [
        same("program-relay", name, core, "what it copies", have, need),
        same("program-relay", name, core, "a sum within the membrane's limit", fits, True),
    ]
    return replace(qc, populations=(p, *others), projections=(q,)), p, items


def _binary(n: IntegerNeuron) -> bool:
    return n.emits is Emits.SPIKE and len(n.levels) == 1


def _highest(qc: QuantizedCircuit) -> dict[str, int]:
    """Largest magnitude that each population, and the input, can send."""
    bounds = {INPUT: input_bounds(qc.input), **{n: r.output for n, r in reaches(qc).items()}}
    return {n: int(max(-b.low.min(), b.high.max(), 0)) for n, b in bounds.items()}
