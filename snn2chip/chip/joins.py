"""Joins where the chip holds spikes back in synapses (Loihi 1): delays, relays or a mixture, with the fewest cores.

A summand that comes early can wait in two places. In the *synapses* of the join's consumers it takes a weight set of
its own beside that of summands with another delay:

    a ── weights, held 2 ──▶ d        b ── the same weights, held 0 ──▶ d

or in those of a *relay*, neurons that copy it one step before it is due; then all summands share the weights again:

    a ── 1, held 1 ──▶ relay ──▶ d    b ──▶ d

Synapses cost memory in every core of every consumer, a relay costs the neurons of the source once. The fewest cores of
each consumer by itself decide, for every set of delays that may be left to the synapses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import prod

from snn2chip.chip.program import Schedule
from snn2chip.chip.relays import carries_spikes
from snn2chip.chip.split import fewest_cores, layer_of
from snn2chip.chip.target import DelayAt, Target
from snn2chip.chip.wiring import Link, Wiring, shape_of
from snn2chip.errors import Finding, Severity
from snn2chip.quantize.types import QuantizedCircuit

ALL_SUBSETS = 4
"""Up to so many different delays every subset is tried; of more, only the longest or all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Summands that meet: the `targets` (population, its link) that read them, and the waits [source -> steps]."""

    depth: int
    targets: tuple[tuple[str, Link], ...]
    waits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What goes through relays, and the cores of the consumers and of the relays."""

    relayed: tuple[str, ...]
    consumers: int
    relays: int

    @property
    def cores(self) -> int:
        """All cores that the join's way decides about."""
        return self.consumers + self.relays


def cheapest(
    qc: QuantizedCircuit, schedule: Schedule, wiring: Wiring, target: Target
) -> tuple[Schedule, tuple[Finding, ...]]:
    """(`schedule` with relays where they take fewer cores than delays, a note map-join for each join that waits).

    Nothing changes on targets that hold spikes back elsewhere than in synapses.
    """
    if target.delay_at is not DelayAt.SYNAPSE:
        return schedule, ()
    notes: list[Finding] = []
    for join in _joins(qc, schedule, wiring):
        choices = {c.relayed: c for c in _choices(qc, schedule, wiring, target, join)}
        if not choices:
            continue
        best = min(choices.values(), key=lambda c: (c.cores, len(c.relayed)))
        schedule = _with_relays(schedule, join, best.relayed)
        notes.append(_note(join, best, choices))
    return schedule, tuple(notes)


def _joins(qc: QuantizedCircuit, schedule: Schedule, wiring: Wiring) -> list[Join]:
    """Joins whose waiting summands are 0/1 trains, by the depth of their consumers and what waits."""
    found: dict[tuple[int, tuple[str, ...]], list[tuple[str, Link]]] = {}
    for name, links in wiring.links.items():
        for link in links:
            late = sorted({s for s in link.sources if schedule.delays[link.projection.name, s] > 0})
            if late and all(carries_spikes(qc, schedule.relays, s) for s in late):
                found.setdefault((schedule.depth[name], tuple(late)), []).append((name, link))
    return [
        Join(
            depth=depth,
            targets=tuple(targets),
            waits={s: depth - schedule.depth[s] - 1 for s in late},
        )
        for (depth, late), targets in found.items()
    ]


def _choices(
    qc: QuantizedCircuit, schedule: Schedule, wiring: Wiring, target: Target, join: Join
) -> Iterator[Choice]:
    """Every way in which the consumers fit."""
    for relayed in _subsets(join.waits):
        held = {**join.waits, **dict.fromkeys(relayed, 0)}
        cores = [
            _cores(qc, schedule, wiring, target, name, link, held) for name, link in join.targets
        ]
        if all(cores):
            neurons = target.limit("neurons")
            relays = sum(-(-prod(shape_of(qc, s)) // neurons) for s in relayed)
            yield Choice(relayed=relayed, consumers=sum(cores), relays=relays)


def _subsets(waits: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """Sets of sources to relay: all that share a delay, or none of them."""
    delays = sorted(set(waits.values()))
    if len(delays) <= ALL_SUBSETS:
        chosen = [c for n in range(len(delays) + 1) for c in combinations(delays, n)]
    else:
        chosen = [tuple(delays[i:]) for i in range(len(delays), -1, -1)]
    for c in chosen:
        yield tuple(s for s, d in waits.items() if d in c)


def _cores(
    qc: QuantizedCircuit,
    schedule: Schedule,
    wiring: Wiring,
    target: Target,
    name: str,
    link: Link,
    held: Mapping[str, int],
) -> int:
    """The fewest cores of one consumer by itself; 0 where it fits none."""
    layer = layer_of(qc, target, wiring, schedule, name, {})
    at = layer.links.index(link)
    delays = list(layer.delays)
    delays[at] = tuple(sorted({held.get(s, 0) for s in link.sources}))
    return fewest_cores(replace(layer, delays=tuple(delays)), target) or 0


def _with_relays(schedule: Schedule, join: Join, relayed: Sequence[str]) -> Schedule:
    """`schedule` with a relay for each of these summands, one step before the consumers."""
    if not relayed:
        return schedule
    depth, delays = dict(schedule.depth), dict(schedule.delays)
    relays, through = dict(schedule.relays), dict(schedule.through)
    names: dict[str, str] = {}
    for source in relayed:
        name = _name(source, relays)
        names[source], relays[name] = name, (source,)
        depth[name] = join.depth - 1
        delays[f"->{name}", source] = join.waits[source] - 1
    for _, link in join.targets:
        q = link.projection
        sources = tuple(names.get(s, s) for s in through.get(q.name, q.sources))
        through[q.name] = sources
        delays |= {(q.name, names[s]): 0 for s in link.sources if s in names}
    return replace(schedule, depth=depth, delays=delays, relays=relays, through=through)


def _name(source: str, relays: Mapping[str, tuple[str, ...]]) -> str:
    base = source.partition("~")[0]
    return next(
        name
        for name in (f"{base}~relay{i}" for i in range(1, len(relays) + 2))
        if name not in relays
    )


def _note(join: Join, best: Choice, choices: Mapping[tuple[str, ...], Choice]) -> Finding:
    kept = [s for s in join.waits if s not in best.relayed]
    ways = [f"{len(kept)} in synapses"] if kept else []
    ways += [f"{len(best.relayed)} in relays"] if best.relayed else []
    everything = tuple(join.waits)
    compared = {"synapses": choices.get(()), "relays": choices.get(everything)}
    shown = [f"{way} {_shown(c)}" for way, c in compared.items()]
    return Finding(
        code="map-join",
        severity=Severity.NOTE,
        where=", ".join(name for name, _ in join.targets),
        why=f"summands that come early wait: {' and '.join(ways)}",
        have=f"cores: {best.consumers} of consumers and {best.relays} of relays; {', '.join(shown)}",
    )


def _shown(choice: Choice | None) -> str:
    return "do not fit" if choice is None else f"{choice.cores}"
