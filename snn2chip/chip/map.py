"""Map: a QuantizedCircuit onto cores: coding, align, relay, split, share, pack, place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from snn2chip.arrays import IntArray
from snn2chip.chip.align import align, check_aligned, check_delays, without_delays
from snn2chip.chip.axons import seats_of
from snn2chip.chip.codings import choose_coding
from snn2chip.chip.features import check_features
from snn2chip.chip.formats.bits import Words
from snn2chip.chip.joins import cheapest
from snn2chip.chip.pack import Plan, pack_cores, pack_inputs
from snn2chip.chip.place.place import place_program
from snn2chip.chip.place.placing import COLUMNS, Placing
from snn2chip.chip.program import Coding, Core, Program
from snn2chip.chip.relay import add_relays
from snn2chip.chip.relays import relayed_on
from snn2chip.chip.share import alone, share
from snn2chip.chip.split import BALANCED, split
from snn2chip.chip.target import DelayAt, Target
from snn2chip.chip.wiring import shape_of, wire
from snn2chip.errors import Finding, Severity, errors_of
from snn2chip.quantize.types import QuantizedCircuit


@dataclass(frozen=True, slots=True, kw_only=True)
class MapResult:
    """`program` has no cores where one of the findings is an error."""

    program: Program
    findings: tuple[Finding, ...]


def map_circuit(
    qc: QuantizedCircuit,
    target: Target,
    *,
    coding: Coding | None = None,
    aligned: bool = True,
    way: str = BALANCED,
    shared: bool = True,
    placing: Placing = COLUMNS,
    spikes: Mapping[str, IntArray] | None = None,
    progress: Callable[[float], None] | None = None,
) -> MapResult:
    """The program of `qc` on `target`; `coding` None takes the first that fits.

    `way`: how populations are split (`split.SLACKS`). `shared`: tiles of small populations share cores; else each has
    a core of its own. `placing`: how cores are placed; `spikes`: how often each neuron fires [C, H, W], by population,
    for the traffic (None: all as often).

    Not `aligned`: no delays and no relays, the lower bound of cores; where some shortcut is left early, a warning
    map-unaligned says so, and the program does not run.
    Findings: map-feature, map-delay, map-fit; notes map-relay.
    Findings of the placement: map-board; note place-cut.
    Errors: StatementError map-coding, map-range; board-unknown, place-exact, package-missing.
    """
    coding = choose_coding(qc, target, coding)
    plan, found = plan_cores(qc, target, coding, aligned=aligned, way=way, shared=shared)
    findings = list(found)
    if errors_of(findings):
        return MapResult(program=_program(plan, coding, (), {}), findings=tuple(findings))
    cores: list[Core] = []
    for core in pack_cores(plan):
        cores.append(core)
        if progress is not None:
            progress(len(cores) / plan.cores)
    program = _program(plan, coding, tuple(cores), pack_inputs(plan))
    findings += _cost_of_relays(plan)
    program, placed = place_program(program, plan, target, placing, spikes)
    return MapResult(program=program, findings=(*findings, *placed))


def plan_cores(
    qc: QuantizedCircuit,
    target: Target,
    coding: Coding,
    *,
    aligned: bool = True,
    way: str = BALANCED,
    shared: bool = True,
) -> tuple[Plan, tuple[Finding, ...]]:
    """All that is decided before packing, and what stands against it; populations that fit nowhere have no tiles."""
    schedule = align(qc)
    joins: tuple[Finding, ...] = ()
    if aligned:
        schedule = add_relays(qc, schedule, wire(qc, coding), target)
        schedule, joins = cheapest(qc, schedule, coding, target, way)
        qc = relayed_on(target, qc, schedule)
    else:
        schedule = without_delays(schedule)
    wiring = wire(qc, coding)
    tilings, misfits = split(qc, target, wiring, schedule, way=way)
    tiles = share(qc, target, wiring, schedule, tilings) if shared else alone(tilings)
    plan = Plan(
        qc=qc,
        target=target,
        wiring=wiring,
        schedule=schedule,
        tilings=tilings,
        tiles=tiles,
        seats=seats_of(tiles, tilings, wiring, schedule),
    )
    early = () if aligned else check_aligned(schedule, qc, Severity.WARNING)
    features = check_features(qc, target, wiring)
    return plan, (*features, *check_delays(schedule, target, wiring), *early, *misfits, *joins)


def _cost_of_relays(plan: Plan) -> tuple[Finding, ...]:
    """A note for each join (or population) that goes through relays."""
    joins: dict[str, list[str]] = {}
    for relay in plan.schedule.relays:
        joins.setdefault(relay.rpartition("~")[0], []).append(relay)
    return tuple(_cost(plan, join, relays) for join, relays in joins.items())


def _cost(plan: Plan, join: str, relays: list[str]) -> Finding:
    neurons = sum(c * h * w for c, h, w in (plan.qc.population(r).shape for r in relays))
    cores = len({core for r in relays for core in plan.seats[r].core.tolist()})
    first = plan.schedule.relays[relays[0]]
    in_synapses = plan.target.delay_at is DelayAt.SYNAPSE
    reason = "waits in relays" if in_synapses else "waits longer than an axon can hold"
    carried = f"{len(first)} summands" if len(first) > 1 else ", ".join(first)
    return Finding(
        code="map-relay",
        severity=Severity.NOTE,
        where=join,
        why=f"{reason}: relays carry {carried} on",
        have=f"relays: {len(relays)}, neurons: {neurons}, cores: {cores}",
    )


def _program(
    plan: Plan,
    coding: Coding,
    cores: tuple[Core, ...],
    input_axons: Mapping[str, tuple[Words, Words]],
) -> Program:
    qc = plan.qc
    return Program(
        target=plan.target.name,
        format=plan.target.format,
        steps=qc.steps,
        coding=coding,
        populations=plan.populations,
        shapes=tuple(shape_of(qc, name) for name in plan.populations),
        on_host=plan.wiring.on_host,
        host_biases=plan.wiring.host_biases,
        cores=cores,
        input_axons=input_axons,
        schedule=plan.schedule,
        provenance=qc.provenance,
    )
