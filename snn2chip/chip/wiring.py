"""What travels on the chip: the populations that have cores, and the links that bring them spikes, under a coding."""

from collections.abc import Mapping
from dataclasses import dataclass

from snn2chip.chip.program import Coding, Schedule
from snn2chip.circuit.types import INPUT, Dense, Shape
from snn2chip.quantize.types import QuantizedCircuit, QuantizedProjection


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A projection whose synapses are on the chip.

    `number`: its place among those into its target. `sources`: those of its summands that arrive by axon (a host that
    adds the input as biases sends none of it).
    """

    projection: QuantizedProjection
    number: int
    sources: tuple[str, ...]
    source_shape: Shape

    @property
    def by_neuron(self) -> bool:
        """Whether every source neuron has an input axon of its own."""
        kernel = self.projection.kernel
        return isinstance(kernel, Dense) and not kernel.pooled


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """`links`: population with cores -> links into it, in the circuit's order. The rest is as in Program."""

    on_host: tuple[str, ...]
    host_biases: tuple[str, ...]
    links: Mapping[str, tuple[Link, ...]]

    def out_of(self, source: str) -> tuple[tuple[str, Link], ...]:
        """(target, link) of the links that `source` sends to."""
        found = [(t, link) for t, links in self.links.items() for link in links]
        return tuple((t, link) for t, link in found if source in link.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axon:
    """Summands that drive one axon, which holds their spikes for `delay` steps."""

    sources: tuple[str, ...]
    delay: int


def axons_of(link: Link, schedule: Schedule | None) -> tuple[Axon, ...]:
    """The axons of a link: one for all summands that wait equally long; without a schedule nothing waits.

    What counts twice takes another one, and the input has its own: its pixels may come as several spikes each.
    """
    found: list[Axon] = []
    for s in link.sources:
        delay = 0 if schedule is None else schedule.delays[link.projection.name, s]
        at = next((i for i, axon in enumerate(found) if _joins(axon, s, delay)), len(found))
        before = found[at].sources if at < len(found) else ()
        found[at : at + 1] = [Axon(sources=(*before, s), delay=delay)]
    return tuple(found)


def _joins(axon: Axon, source: str, delay: int) -> bool:
    own = {source, INPUT} if source != INPUT else {*axon.sources}
    return axon.delay == delay and own.isdisjoint(axon.sources)


def fed_by_input(qc: QuantizedCircuit) -> tuple[str, ...]:
    """The populations with a projection from the input."""
    fed = {q.target for q in qc.projections if INPUT in q.sources}
    return tuple(p.name for p in qc.populations if p.name in fed)


def wire(qc: QuantizedCircuit, coding: Coding) -> Wiring:
    """The wiring of `qc` when its input reaches the chip by `coding`."""
    fed = fed_by_input(qc)
    on_host = fed if coding is Coding.HOST else ()
    silent = {INPUT} if coding is Coding.BIAS else set[str]()
    return Wiring(
        on_host=on_host,
        host_biases=fed if coding is Coding.BIAS else (),
        links={p.name: _links(qc, p.name, silent) for p in qc.populations if p.name not in on_host},
    )


def _links(qc: QuantizedCircuit, target: str, silent: set[str]) -> tuple[Link, ...]:
    found: list[Link] = []
    for number, q in enumerate(qc.into(target)):
        sources = tuple(s for s in q.sources if s not in silent)
        if sources:
            shape = shape_of(qc, sources[0])
            found.append(Link(projection=q, number=number, sources=sources, source_shape=shape))
    return tuple(found)


def shape_of(qc: QuantizedCircuit, name: str) -> Shape:
    """Shape of a population, or of the input."""
    return qc.input.shape if name == INPUT else qc.population(name).shape
