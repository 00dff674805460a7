"""Which NIR nodes a circuit becomes: names, vectors or maps, explicit joins, where a bias goes. No numbers yet.

Everything here follows from the circuit without its weights, except which convolutions are pools, so that a reader
finds the nodes of its projections by laying the circuit out again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from snn2chip.circuit.types import INPUT, Circuit, Conv, Identity, Population, Projection

INPUT_NODE = "input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Names of nodes. `populations`: by population, INPUT included; `projections`: by position in the circuit.

    `joins`: summands that several projections share -> their Scale(1) node. `vectors`: populations whose NIR shape is
    (n,). `taken`: all names so far.
    """

    populations: Mapping[str, str]
    projections: tuple[str, ...]
    joins: Mapping[tuple[str, ...], str]
    output: str
    vectors: frozenset[str]
    taken: set[str] = field(default_factory=set[str])

    def fresh(self, wish: str) -> str:
        """A node name near `wish` that is not taken yet; it is taken now."""
        return _fresh(wish, self.taken)


def layout(circuit: Circuit) -> Layout:
    """The node names of `circuit`: populations keep theirs, then the output, joins and projections."""
    taken: set[str] = set()
    populations = {INPUT: _fresh(INPUT_NODE, taken)}
    populations |= {p.name: _fresh(p.name, taken) for p in circuit.populations}
    output = _fresh("output", taken)
    joins = {s: _fresh(_join_name(circuit, s), taken) for s in _shared(circuit)}
    return Layout(
        populations=populations,
        projections=tuple(_fresh(p.name, taken) for p in circuit.projections),
        joins=joins,
        output=output,
        vectors=_vectors(circuit),
        taken=taken,
    )


def shape_of(circuit: Circuit, name: str) -> tuple[int, int, int]:
    """(C, H, W) of a population or of the input."""
    return circuit.input.shape if name == INPUT else circuit.population(name).shape


def is_pool(projection: Projection, channels: int) -> bool:
    """Whether a projection sums windows, channel by channel: a SumPool2d node says the same and is smaller."""
    kernel, weight = projection.kernel, projection.weight
    return (
        isinstance(kernel, Conv)
        and kernel.groups == channels == len(weight)
        and kernel.dilation == (1, 1)
        and channels > 1
        and bool(np.all(weight == 1))
    )


def bias_carrier(circuit: Circuit, population: Population) -> Projection | None:
    """The projection whose Conv2d or Affine node holds the bias of `population`; None if NIR has no place for it.

    A node's bias is one number per channel and is added before any gain.
    """
    flat = population.bias.ndim == 3 and population.bias.shape[1:] == (1, 1)
    if not flat or population.neuron.gain is not None:
        return None
    for p in circuit.into(population.name):
        channels = shape_of(circuit, p.sources[0])[0]
        if not isinstance(p.kernel, Identity) and not is_pool(p, channels):
            return p
    return None


def _fresh(wish: str, taken: set[str]) -> str:
    # HDF5 reads '/' as a group and cannot name '' or '.'.
    base = wish.replace("/", "|").strip(".") or "node"
    name = next(n for n in _candidates(base) if n not in taken)
    taken.add(name)
    return name


def _candidates(base: str) -> Iterable[str]:
    yield base
    number = 2
    while True:
        yield f"{base}~{number}"
        number += 1


def _shared(circuit: Circuit) -> list[tuple[str, ...]]:
    uses = Counter(p.sources for p in circuit.projections if len(p.sources) > 1)
    return [summands for summands, count in uses.items() if count > 1]


def _join_name(circuit: Circuit, summands: tuple[str, ...]) -> str:
    named = (j.name for j in circuit.joins if j.summands == summands)
    return next(named, f"{summands[-1]}#join")


def _vectors(circuit: Circuit) -> frozenset[str]:
    """Populations of (n, 1, 1) that meet no convolution: NIR's Linear nodes want and give (n,).

    What a convolution reads or drives is a map; so is all that is summed with a map or copied from one.
    """
    names = [INPUT, *(p.name for p in circuit.populations)]
    vectors = {n for n in names if shape_of(circuit, n)[1:] == (1, 1)}
    while True:
        maps = {name for p in circuit.projections for name in _made_maps(p, vectors)} & vectors
        if not maps:
            return frozenset(vectors)
        vectors -= maps


def _made_maps(p: Projection, vectors: set[str]) -> tuple[str, ...]:
    ends = (*p.sources, p.target)
    if isinstance(p.kernel, Conv):
        return ends
    if isinstance(p.kernel, Identity):
        return () if all(n in vectors for n in ends) else ends
    # A dense projection becomes a Linear node onto a vector; onto a map it becomes a convolution over the whole source.
    uneven = any(n not in vectors for n in p.sources) or p.target not in vectors
    return p.sources if uneven else ()
