"""A circuit of which some populations are rounded as on the chip and the others are as the source has them.

Between its ends, the twin and the float circuit, it tells which roundings change what a network does. Everything is
sent in the twin's units: spikes, the input in real values, and graded outputs in whole units, of which a population
that is not rounded sends fractions. For a float population f with sources s and a graded unit u:

    weight = W · u[s] / u[f]      bias = b / u[f]      u = 1 for the input and for whatever spikes

A graded neuron forgets its membrane at every step and passes it on, so dividing all that it gets divides what it
sends. Where the units are powers of two, nothing of this rounds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from snn2chip.arrays import floats
from snn2chip.circuit.types import Circuit, Population, Projection
from snn2chip.neuron import Emits
from snn2chip.quantize.ranges import ranges
from snn2chip.quantize.twin import twin
from snn2chip.quantize.types import QuantizedCircuit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ends:
    """The twin, and the float circuit that sends in the twin's units: populations and projections go together."""

    rounded: Circuit
    floats: Circuit

    def mixed(self, floated: Collection[str]) -> Circuit:
        """The twin with the populations `floated` in floats."""
        populations = zip(self.rounded.populations, self.floats.populations, strict=True)
        projections = zip(self.rounded.projections, self.floats.projections, strict=True)
        return replace(
            self.rounded,
            populations=tuple(f if r.name in floated else r for r, f in populations),
            projections=tuple(f if r.target in floated else r for r, f in projections),
        )


def ends(circuit: Circuit, qc: QuantizedCircuit) -> Ends:
    """Both ends of `circuit` and of `qc`, which came from it."""
    units = {p.name: p.unit for p in qc.populations if p.neuron.emits is Emits.GRADED}
    return Ends(
        rounded=twin(qc),
        floats=replace(
            circuit,
            populations=tuple(_population(p, units) for p in circuit.populations),
            projections=tuple(_projection(p, units) for p in circuit.projections),
        ),
    )


def rounded_populations(qc: QuantizedCircuit) -> tuple[str, ...]:
    """The populations that may compute something else than the source: a number was rounded, or v may clip."""
    proved = {name for name, reach in ranges(qc).items() if reach.proved}
    return tuple(p.name for p in qc.populations if qc.loss.get(p.name) or p.name not in proved)


def _population(p: Population, units: Mapping[str, float]) -> Population:
    return replace(p, bias=floats(p.bias / units[p.name])) if p.name in units else p


def _projection(p: Projection, units: Mapping[str, float]) -> Projection:
    worth = units.get(p.sources[0], 1.0) / units.get(p.target, 1.0)
    return p if worth == 1.0 else replace(p, weight=floats(p.weight * worth))
