"""Split: each population into tiles (channels x rows x columns), one to a core, on as few cores as the limits allow.

Consumers come first: the tiles of a population set how many destinations its sources must list. Of all sizes that take
hardly more cores than the fewest, the one whose sources send the fewest messages is taken: thin slices of the channels
save a core or two, but then every spike goes to every slice.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import IntArray
from snn2chip.chip.formats.loihi2_parameters import table_of
from snn2chip.chip.layer import Consumer, Layer, Needs, traffic_of
from snn2chip.chip.needs import needs_of, outgoing_of
from snn2chip.chip.needs_loihi2 import words_per_neuron
from snn2chip.chip.program import Schedule, Tile
from snn2chip.chip.reach import reach
from snn2chip.chip.target import DelayAt, Target
from snn2chip.chip.wiring import Link, Wiring, axons_of
from snn2chip.circuit.types import Shape
from snn2chip.errors import Finding, Severity
from snn2chip.quantize.neurons import compact
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation

SLACKS: Mapping[str, int] = {"fewest": 0, "balanced": 10, "quiet": 100}
"""Ways to split -> the most cores, in percent of the fewest, that are given for fewer messages."""

BALANCED = "balanced"

_HELP = {
    "synapse_words": "fewer input channels, smaller kernels or fewer weight bits",
    "axons_in": "a dense layer takes an axon per source neuron: pool before it",
    "axon_memory_words": "fewer consumers of this layer",
    "parameter_words": "fewer steps, or one batch norm for all of them",
    "axons_out": "fewer consumers of this layer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """A population in tiles of one `size` (the last along an axis may be smaller).

    `by_neuron`: axon maps have an entry for each neuron, not for each position.
    """

    population: str
    shape: Shape
    size: Shape
    by_neuron: bool

    @property
    def cores(self) -> int:
        """How many tiles there are."""
        c, y, x = (-(-n // s) for n, s in zip(self.shape, self.size, strict=True))
        return c * y * x

    def tiles(self) -> Iterator[Tile]:
        """The tiles: channels outermost, columns innermost."""
        axes = [
            [(start, min(start + s, n)) for start in range(0, n, s)]
            for n, s in zip(self.shape, self.size, strict=True)
        ]
        for c, y, x in product(*axes):
            yield Tile(population=self.population, channels=c, rows=y, columns=x)


Known = dict[Hashable, Tiling | Finding]
"""What decides the tiles of a population -> its tiles, or why there are none."""


def split(
    qc: QuantizedCircuit,
    target: Target,
    wiring: Wiring,
    schedule: Schedule | None = None,
    *,
    way: str = BALANCED,
    known: Known | None = None,
) -> tuple[Mapping[str, Tiling], tuple[Finding, ...]]:
    """(population -> tiling, in the circuit's order; a finding map-fit for each population that fits in no tiles).

    `schedule`: its delays take synapses of their own where the target holds spikes back in synapses; None: no delays.
    `way`: one of `SLACKS`. `known`: what other splits of `qc`, with other relays, came to; it grows.
    """
    known = {} if known is None else known
    found: dict[str, Tiling] = {}
    findings: list[Finding] = []
    for p in reversed([p for p in qc.populations if p.name in wiring.links]):
        key = _decided_by(p.name, target, wiring, schedule, found)
        if key not in known:
            layer = layer_of(qc, target, wiring, schedule, p.name, found)
            known[key] = _tiled(p.name, layer, target, SLACKS[way])
        tiled = known[key]
        if isinstance(tiled, Tiling):
            found[p.name] = tiled
        else:
            findings.append(tiled)
    return dict(reversed(found.items())), tuple(reversed(findings))


def _tiled(name: str, layer: Layer, target: Target, slack: int) -> Tiling | Finding:
    """The tiles of one population, or what stands against all of them."""
    size = smallest_split(layer, target, slack)
    if size is None:
        return _misfit(name, layer, target)
    return Tiling(population=name, shape=layer.shape, size=size, by_neuron=layer.by_neuron)


def _decided_by(
    name: str,
    target: Target,
    wiring: Wiring,
    schedule: Schedule | None,
    found: Mapping[str, Tiling],
) -> Hashable:
    """All that the tiles of a population follow from, on one target, that relays change."""
    held = schedule if target.delay_at is DelayAt.SYNAPSE else None
    heard = [
        (link.projection.name, link.sources, delays_of(link, held), len(axons_of(link, schedule)))
        for link in wiring.links[name]
    ]
    out = wiring.out_of(name)
    said = [
        (link.projection.name, t in found and found[t].size, link.sources.count(name))
        for t, link in out
    ]
    return (name, tuple(heard), tuple(said))


def layer_of(
    qc: QuantizedCircuit,
    target: Target,
    wiring: Wiring,
    schedule: Schedule | None,
    name: str,
    found: Mapping[str, Tiling],
) -> Layer:
    """A population with its consumers among the tilings `found`."""
    p, links, out = qc.population(name), wiring.links[name], wiring.out_of(name)
    gain = p.neuron.gain
    parameters = table_of(
        None if gain is None else compact(gain, p.shape), compact(p.bias, p.shape)
    )
    in_synapses = schedule is not None and target.delay_at is DelayAt.SYNAPSE
    return Layer(
        shape=p.shape,
        neuron_words=words_per_neuron(p.neuron),
        thresholds=_thresholds(p),
        links=links,
        delays=tuple(delays_of(link, schedule if in_synapses else None) for link in links),
        axons=tuple(len(axons_of(link, schedule)) for link in links),
        consumers=tuple(
            Consumer(
                reach=reach(link, found[t].shape, found[t].size),
                copies=link.sources.count(name),
            )
            for t, link in out
            if t in found
        ),
        by_neuron=not out or any(link.by_neuron for _, link in out),
        parameter_rows=parameters.rows,
        parameters_by_neuron=parameters.by_neuron,
    )


def _thresholds(p: QuantizedPopulation) -> IntArray:
    """[C, levels, H, W]: a number for each pair of a threshold and the amount that goes with it."""
    n = p.neuron
    pairs = [(x << 32) + y for x, y in zip(n.levels, n.amounts, strict=True)]
    return np.stack([np.broadcast_to(x, p.shape) for x in pairs], 1)


def delays_of(link: Link, schedule: Schedule | None) -> tuple[int, ...]:
    """The different delays of a link's sources, rising; none at all without a schedule."""
    if schedule is None:
        return (0,)
    return tuple(sorted({schedule.delays[link.projection.name, s] for s in link.sources}))


def smallest_split(layer: Layer, target: Target, slack: int = SLACKS[BALANCED]) -> Shape | None:
    """The size of tile that takes the fewest cores and up to `slack` percent more, or None where no neuron fits."""
    sizes = [_sizes(n) for n in layer.shape]
    ways = needs_of(layer, target, sizes)
    fitting = [_fitting(needs, target) for needs in ways]
    fits = np.logical_or.reduce(fitting)
    at = np.argwhere(fits)
    for i, j, k in at[_order(layer, sizes, fits, slack)]:
        size = (int(sizes[0][i]), int(sizes[1][j]), int(sizes[2][k]))
        for needs, fit in zip(ways, fitting, strict=True):
            here = {limit: int(n[i, j, k]) for limit, n in needs.items()}
            outgoing = outgoing_of(layer, target, size, here)
            if fit[i, j, k] and all(n <= target.limit(limit) for limit, n in outgoing.items()):
                return size
    return None


def cores_alone(qc: QuantizedCircuit, target: Target, wiring: Wiring) -> int:
    """Sum over populations of the fewest cores of each by itself: a lower bound of every split into equal tiles."""
    layers = (layer_of(qc, target, wiring, None, name, {}) for name in wiring.links)
    return sum(fewest_cores(layer, target) or 0 for layer in layers)


def fewest_cores(layer: Layer, target: Target) -> int | None:
    """The fewest cores of tiles of one size, whatever their spikes take: no split has fewer. None where none fit."""
    sizes = [_sizes(n) for n in layer.shape]
    fits = np.logical_or.reduce([_fitting(n, target) for n in needs_of(layer, target, sizes)])
    return int(_cores(layer, sizes)[fits].min()) if fits.any() else None


def _fitting(needs: Needs, target: Target) -> NDArray[np.bool_]:
    """Where nothing exceeds its limit."""
    return np.logical_and.reduce([need <= target.limit(name) for name, need in needs.items()])


def _sizes(n: int) -> IntArray:
    """The lengths of equal parts of an axis: n, n/2, n/3 ... rounded up."""
    return np.unique(-(-n // np.arange(1, n + 1)))


def _order(layer: Layer, sizes: list[IntArray], fits: NDArray[np.bool_], slack: int) -> IntArray:
    """The order in which to try what fits: nearly the fewest cores, by messages; then the rest, by cores."""
    if not fits.any():
        return np.zeros(0, np.int64)
    cores = _cores(layer, sizes)[fits]
    traffic = traffic_of(layer, sizes)[fits]
    few = cores * 100 <= cores.min() * (100 + slack)
    slices = -(-layer.shape[0] // sizes[0])
    depth = np.broadcast_to(slices[:, None, None], fits.shape)[fits]
    return np.lexsort((traffic, depth, cores, np.where(few, traffic, 0), ~few))


def _cores(layer: Layer, sizes: list[IntArray]) -> IntArray:
    parts = [-(-n // s) for n, s in zip(layer.shape, sizes, strict=True)]
    return np.einsum("i,j,k->ijk", *parts)


def _misfit(name: str, layer: Layer, target: Target) -> Finding:
    """What binds where not even a tile of one neuron fits."""
    one = [np.ones(1, np.int64)] * 3
    ways = [{k: int(n.item()) for k, n in needs.items()} for needs in needs_of(layer, target, one)]
    need = min(ways, key=lambda way: max(n / target.limit(k) for k, n in way.items()))
    need |= outgoing_of(layer, target, (1, 1, 1), need)
    limit = max(need, key=lambda k: need[k] / target.limit(k))
    return Finding(
        code="map-fit",
        severity=Severity.ERROR,
        where=name,
        why=f"does not fit, however it is cut: one neuron needs too many {limit.replace('_', ' ')}",
        need=str(need[limit]),
        have=str(target.limit(limit)),
        help=_HELP.get(limit, "a smaller layer, or a target with larger cores"),
    )
