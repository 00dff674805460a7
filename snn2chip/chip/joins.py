"""Joins where the chip holds spikes back in synapses (Loihi 1): delays, relays or a mixture, with the fewest cores.

A summand that comes early can wait in two places. In the *synapses* of the join's consumers it takes a weight set of
its own beside that of summands with another delay:

    a ── weights, held 2 ──▶ d        b ── the same weights, held 0 ──▶ d

or in those of a *relay*, neurons that copy it one step before it is due; then all summands share the weights again:

    a ── 1, held 1 ──▶ relay ──▶ d    b ──▶ d

Synapses cost memory in every core of every consumer, a relay costs the neurons of the source once; and either makes the
consumers' tiles smaller or larger, whose number their producers' output axons pay for. So the ways that take the fewest
cores of the consumers by themselves are split with the whole network, and the fewest cores of all layers decide; in
very deep networks, those of the consumers and relays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import prod

from snn2chip.chip.program import Coding, Schedule
from snn2chip.chip.relays import carries_spikes, relayed_on
from snn2chip.chip.split import BALANCED, Known, fewest_cores, layer_of, split
from snn2chip.chip.target import DelayAt, Target
from snn2chip.chip.wiring import Link, Wiring, shape_of, wire
from snn2chip.errors import Finding, Severity
from snn2chip.quantize.types import QuantizedCircuit

ALL_SUBSETS = 4
"""Up to so many different delays every subset is looked at; of more, only the longest or all."""
TRIED = 4
"""Ways of a join that are split with the whole network."""
MOST_JOINS = 16
"""Networks of more joins are not split again and again: what is best for the readers alone is taken."""
SWEEPS = 2
"""Joins are chosen in turn, the last first, given the others; so often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Summands that meet: the `targets` (population, its link) that read them, and the waits [source -> steps]."""

    depth: int
    targets: tuple[tuple[str, Link], ...]
    waits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What goes through relays; `alone`: the fewest cores of consumers and relays by themselves."""

    relayed: tuple[str, ...]
    alone: int


Total = tuple[int, int]
"""(populations that fit nowhere, cores of all others) of a whole network."""


def cheapest(
    qc: QuantizedCircuit, schedule: Schedule, coding: Coding, target: Target, way: str = BALANCED
) -> tuple[Schedule, tuple[Finding, ...]]:
    """(`schedule` with relays where they take fewer cores than delays, a note map-join for each join that waits).

    `way`: how populations are split. Nothing changes on targets that hold spikes back elsewhere than in synapses.
    """
    if target.delay_at is not DelayAt.SYNAPSE:
        return schedule, ()
    wired = relayed_on(target, qc, schedule)
    joins = _joins(wired, schedule, wire(wired, coding))
    found = [(join, _choices(wired, schedule, wire(wired, coding), target, join)) for join in joins]
    open_ = [(join, choices) for join, choices in found if choices]
    whole = _Whole(qc, schedule, coding, target, way, [join for join, _ in open_])
    chosen = [choices[0].relayed for _, choices in open_]
    if len(open_) > MOST_JOINS:
        notes = [_note(join, choices[0].relayed, _alone(choices)) for join, choices in open_]
        return whole.schedule(chosen), tuple(notes)
    best = _in_turn(whole, [choices for _, choices in open_], chosen)
    notes = [
        _note(join, best[i], _given_others(whole, best, i, choices), chosen[i])
        for i, (join, choices) in enumerate(open_)
    ]
    return whole.schedule(best), tuple(notes)


def _in_turn(
    whole: "_Whole", choices: Sequence[Sequence[Choice]], chosen: list[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """What each join relays, so that the network takes the fewest cores: one join after the other, the last first."""
    for _ in range(SWEEPS):
        before = chosen
        for i in reversed(range(len(choices))):
            ways = [[*chosen[:i], c.relayed, *chosen[i + 1 :]] for c in choices[i]]
            chosen = min(ways, key=lambda way, i=i: (whole.total(way), len(way[i])))
        if chosen == before:
            break
    return chosen


class _Whole:
    """The whole network with what each join relays: its schedule, and its cores."""

    def __init__(
        self,
        qc: QuantizedCircuit,
        schedule: Schedule,
        coding: Coding,
        target: Target,
        way: str,
        joins: Sequence[Join],
    ) -> None:
        self._qc, self._schedule, self._coding = qc, schedule, coding
        self._target, self._way, self.joins = target, way, joins
        self._known: Known = {}
        self._totals: dict[tuple[tuple[str, ...], ...], Total] = {}

    def schedule(self, chosen: Sequence[tuple[str, ...]]) -> Schedule:
        """The schedule with these relays, those of each join in turn."""
        schedule = self._schedule
        for join, relayed in zip(self.joins, chosen, strict=True):
            schedule = _with_relays(schedule, join, relayed)
        return schedule

    def total(self, chosen: Sequence[tuple[str, ...]]) -> Total:
        """What the split of the network comes to."""
        key = tuple(chosen)
        if key not in self._totals:
            schedule = self.schedule(chosen)
            qc = relayed_on(self._target, self._qc, schedule)
            tilings, misfits = split(
                qc,
                self._target,
                wire(qc, self._coding),
                schedule,
                way=self._way,
                known=self._known,
            )
            self._totals[key] = (len(misfits), sum(t.cores for t in tilings.values()))
        return self._totals[key]


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
) -> list[Choice]:
    """The ways in which the consumers fit, best by themselves first: `TRIED` of them, all and none in relays."""
    found: list[Choice] = []
    neurons = target.limit("neurons")
    for relayed in dict.fromkeys(_subsets(join.waits)):
        held = {**join.waits, **dict.fromkeys(relayed, 0)}
        cores = [
            _cores(qc, schedule, wiring, target, name, link, held) for name, link in join.targets
        ]
        if all(cores):
            relays = sum(-(-prod(shape_of(qc, s)) // neurons) for s in relayed)
            found.append(Choice(relayed=relayed, alone=sum(cores) + relays))
    found.sort(key=lambda c: (c.alone, len(c.relayed)))
    return found[:TRIED] + [c for c in found[TRIED:] if len(c.relayed) in (0, len(join.waits))]


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


def _alone(choices: Sequence[Choice]) -> dict[tuple[str, ...], str]:
    """Way -> cores of a join's readers and relays by themselves."""
    return {c.relayed: f"{c.alone:,} of its readers and relays alone" for c in choices}


def _given_others(
    whole: _Whole, chosen: Sequence[tuple[str, ...]], at: int, choices: Sequence[Choice]
) -> dict[tuple[str, ...], str]:
    """Way of one join -> cores of the network, all other joins being as they are; those in which something fits not."""
    totals = {c.relayed: whole.total([*chosen[:at], c.relayed, *chosen[at + 1 :]]) for c in choices}
    return {
        way: f"{cores:,} of the network" for way, (misfits, cores) in totals.items() if not misfits
    }


def _note(
    join: Join,
    relayed: tuple[str, ...],
    cores: Mapping[tuple[str, ...], str],
    alone: tuple[str, ...] | None = None,
) -> Finding:
    """What was chosen at one join, and the `cores` if it were done otherwise; `alone`: best for its readers alone."""
    kept = len(join.waits) - len(relayed)
    ways = [f"{kept} in synapses"] if kept else []
    ways += [f"{len(relayed)} in relays"] if relayed else []
    compared = {"all in synapses": (), "all in relays": tuple(join.waits)}
    if alone not in (None, relayed):
        compared["as its readers alone would have it"] = alone
    shown = [f"{way} {cores.get(other, 'do not fit')}" for way, other in compared.items()]
    return Finding(
        code="map-join",
        severity=Severity.NOTE,
        where=", ".join(name for name, _ in join.targets),
        why=f"summands that come early wait: {' and '.join(ways)}",
        have=f"cores: {cores.get(relayed, 'do not fit')}; {', '.join(shown)}",
    )
