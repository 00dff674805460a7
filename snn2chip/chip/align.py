"""Align: when each population runs, and how long each edge holds its spikes, so that the summands of a join meet.

input ──▶ a (1) ──▶ b (2) ──▶ c (3)          depth = longest path from the input; every hop takes one step
            └── hold 1 step ──▶ c            delay = depth(target) - depth(source) - 1
"""

from dataclasses import replace

from snn2chip.chip.program import Schedule
from snn2chip.chip.target import Target
from snn2chip.chip.wiring import Wiring
from snn2chip.circuit.types import INPUT
from snn2chip.errors import Finding, Severity
from snn2chip.quantize.types import QuantizedCircuit


def align(qc: QuantizedCircuit) -> Schedule:
    """Depths and delays of `qc`. The input has depth 0; a population that nothing feeds has depth 1."""
    depth = {INPUT: 0}
    for p in qc.populations:
        sources = [s for q in qc.into(p.name) for s in q.sources]
        depth[p.name] = 1 + max((depth[s] for s in sources), default=0)
    delays = {
        (q.name, s): depth[q.target] - depth[s] - 1 for q in qc.projections for s in q.sources
    }
    return Schedule(depth=depth, delays=delays)


def without_delays(schedule: Schedule) -> Schedule:
    """The same with nothing held back: what cores need at the least. Such a program is wrong where shortcuts skip."""
    return replace(schedule, delays=dict.fromkeys(schedule.delays, 0))


def check_aligned(
    schedule: Schedule, qc: QuantizedCircuit, severity: Severity = Severity.ERROR
) -> tuple[Finding, ...]:
    """A finding map-unaligned at the first shortcut of `qc` (without relays) that arrives early, if one does."""
    early = [
        (q.target, s)
        for q in qc.projections
        for s in q.sources
        if schedule.delays.get((q.name, s)) != schedule.depth[q.target] - schedule.depth[s] - 1
    ]
    if not early:
        return ()
    return (
        Finding(
            code="map-unaligned",
            severity=severity,
            where=f"{early[0][0]}, from {early[0][1]}",
            why="spikes arrive before those that they are added to: mapped without alignment, the program does not run",
            have=f"{len(early)} early edges",
            need="0",
            help="leave out --align none",
        ),
    )


def check_delays(schedule: Schedule, target: Target, wiring: Wiring) -> tuple[Finding, ...]:
    """A finding map-delay for each population whose longest shortcut the target cannot hold back long enough."""
    most = target.delay_max
    findings: list[Finding] = []
    for name, links in wiring.links.items():
        held = [
            (schedule.delays[link.projection.name, s], s) for link in links for s in link.sources
        ]
        steps, source = max(held, default=(0, ""))
        if steps > most:
            findings.append(_too_long(name, source, steps, most))
    return tuple(findings)


def _too_long(name: str, source: str, steps: int, most: int) -> Finding:
    return Finding(
        code="map-delay",
        severity=Severity.ERROR,
        where=f"{name}, from {source}",
        why="a shortcut skips more layers than an axon can hold its spikes back",
        need=f"{steps} steps",
        have=f"{most} steps",
        help="no relay can carry it: it sends numbers, and spikes of the target cannot hold them",
    )
