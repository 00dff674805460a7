"""Relay: a shortcut that must wait longer than the chip can hold a spike goes through neurons that copy it on.

before:  a ──────────── held 9 ────────────▶ d      a, b, c are the summands of a join; the chip holds 7 steps at most
         b ──────────── held 7 ────────────▶ d
         c ──────────── held 0 ────────────▶ d
after:   a ── held 7 ─┐
         b ── held 5 ─┴▶ relay ── held 1 ──▶ d
         c ──────────── held 0 ────────────▶ d

A relay forgets at once and copies exactly, so d's sum is the same in the same step. Where spikes carry numbers, one
*graded* relay emits a + b, all that has arrived by then: later joins that contain both read it as well, and relays of
relays follow where one is not enough. Elsewhere each 0/1 train that waits too long has a relay of its own: it fires
(threshold 0, strict) where its source did. Each sits as late as its earliest summand allows.
"""

from snn2chip.chip.program import Schedule
from snn2chip.chip.relays import carries_spikes
from snn2chip.chip.target import Target
from snn2chip.chip.wiring import Link, Wiring
from snn2chip.circuit.types import INPUT
from snn2chip.quantize.ranges import input_bounds, reaches
from snn2chip.quantize.types import QuantizedCircuit

Span = tuple[int, int]


def add_relays(
    qc: QuantizedCircuit, schedule: Schedule, wiring: Wiring, target: Target
) -> Schedule:
    """`schedule` with relays for every edge of `wiring` that waits too long; what no relay can carry stays as it is."""
    most = target.delay_max
    late = [
        (name, link)
        for name, links in wiring.links.items()
        for link in links
        if any(schedule.delays[link.projection.name, s] > most for s in link.sources)
    ]
    if not late:
        return schedule
    builder = _Builder(qc, schedule, target, most)
    for name, link in late:
        builder.shorten(name, link)
    return builder.schedule()


class _Builder:
    """Relays found so far; a relay that is there already is used again."""

    def __init__(self, qc: QuantizedCircuit, schedule: Schedule, target: Target, most: int) -> None:
        self._qc, self._target, self._most = qc, target, most
        self._depth, self._delays = dict(schedule.depth), dict(schedule.delays)
        self._relays: dict[str, tuple[str, ...]] = {}
        self._through: dict[str, tuple[str, ...]] = {}
        self._names: dict[tuple[str, ...], str] = {}
        self._values = _values(qc)

    def schedule(self) -> Schedule:
        """Depths and delays, with the relays."""
        return Schedule(
            depth=self._depth, delays=self._delays, relays=self._relays, through=self._through
        )

    def shorten(self, name: str, link: Link) -> None:
        """Put relays into one link until each of its sources can be held."""
        meet = self._depth[name] - 1
        sources, relayed = link.sources, False
        while meet - min(self._depth[s] for s in sources) > self._most:
            group = self._group(sources)
            if group is None:
                break
            relay = self._relay(group)
            at = next(i for i, s in enumerate(sources) if s in group)
            rest = [s for s in sources if s not in group]
            copies = 1 if len(group) > 1 else sources.count(next(iter(group)))
            sources, relayed = (*rest[:at], *[relay] * copies, *rest[at:]), True
        if relayed:
            self._use(link, sources, meet)

    def _use(self, link: Link, sources: tuple[str, ...], meet: int) -> None:
        q = link.projection
        silent = tuple(s for s in q.sources if s not in link.sources)
        self._through[q.name] = (*silent, *sources)
        self._delays |= {(q.name, s): meet - self._depth[s] for s in sources}

    def _group(self, sources: tuple[str, ...]) -> tuple[str, ...] | None:
        """What the next relay of these summands carries; None where it cannot be carried."""
        first = min(sources, key=lambda s: self._depth[s])
        arrived = tuple(s for s in sources if self._depth[s] <= self._depth[first] + self._most)
        if len(arrived) > 1 and self._graded(arrived):
            return arrived
        if carries_spikes(self._qc, self._relays, first) or self._graded((first,)):
            return (first,)
        return None

    def _graded(self, group: tuple[str, ...]) -> bool:
        """Whether the sum of `group` fits a payload and a membrane."""
        low, high = self._sum(group)
        w = self._target.widths
        half = 1 << max(w.payload_bits - 1, 0)
        widest = max(-low, high) << (w.fraction_bits if w.fraction_fixed else 0)
        return w.graded and -half <= low and high < half and widest <= self._qc.v_limit

    def _sum(self, group: tuple[str, ...]) -> Span:
        return sum(self._values[s][0] for s in group), sum(self._values[s][1] for s in group)

    def _relay(self, group: tuple[str, ...]) -> str:
        """Name of the relay that carries `group`."""
        key = tuple(sorted(group))
        if key not in self._names:
            name = self._name(group)
            depth = min(self._depth[s] for s in group) + 1 + self._most
            self._names[key], self._relays[name], self._depth[name] = name, group, depth
            self._delays |= {(f"->{name}", s): depth - self._depth[s] - 1 for s in group}
            self._values[name] = self._sum(group)
        return self._names[key]

    def _name(self, group: tuple[str, ...]) -> str:
        """`join~relay1`, or by the last summand where the paper draws no such join."""
        carried = sorted(s for g in group for s in self._expand(g))
        joins = (j.name for j in self._qc.joins if sorted(j.summands) == carried)
        base = next(joins, self._expand(group[-1])[-1])
        taken = (f"{base}~relay{i}" for i in range(1, len(self._relays) + 2))
        return next(name for name in taken if name not in self._relays)

    def _expand(self, name: str) -> tuple[str, ...]:
        if name not in self._relays:
            return (name,)
        return tuple(s for g in self._relays[name] for s in self._expand(g))


def _values(qc: QuantizedCircuit) -> dict[str, Span]:
    """Smallest and largest value that each population, and the input, can send."""
    bounds = {INPUT: input_bounds(qc.input), **{n: r.output for n, r in reaches(qc).items()}}
    return {name: (int(b.low.min()), int(b.high.max())) for name, b in bounds.items()}
