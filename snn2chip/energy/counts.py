"""What a run costs in operations, counted exactly from what fired: events, synaptic operations, updates, messages.

Conventions differ by factors; all of them are counted:

    events       nonzero inputs of a projection (of the sum, where it reads a join)
    sop_events   nonzero weights that they meet, exact at borders: NeuroBench's effective operations
    sop_units    the same, weighted by value: an integer 2 is two unit spikes
    synops       what the chip executes: stored weights (zeros too) that each spike of each summand is added with
    mac_dense    multiplications of one dense pass, padding left out: what the ANN of the same shape does
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import Enum

import numpy as np

from snn2chip.chip.program import Coding, Program, Schedule
from snn2chip.chip.relays import relayed
from snn2chip.chip.target import Target
from snn2chip.circuit.types import INPUT, Conv, Dense, InputKind, Role, Shape
from snn2chip.energy.cores import CoreCounts, count_cores
from snn2chip.energy.fan_out import fan_out, reached
from snn2chip.inputs import InputData
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation, QuantizedProjection
from snn2chip.recording import Outputs, Recording

BY_HOST = (Coding.BIAS, Coding.HOST)
"""Codings with which the host, not the chip, multiplies the input by weights."""


class Operation(Enum):
    """One synaptic operation: an addition, an addition of a small multiple of the weight, a multiplication."""

    AC = "ac"
    AC_GRADED = "ac_graded"
    MAC = "mac"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionCount:
    """Counts over all samples and steps, but `mac_dense`: of one sample and step.

    `on_chip` False: the host does it. `paper`: a layer of the paper (not a gate, relay or shortcut): it counts in the
    papers' convention. `from_input`: it reads nothing but the input. `payload`: its spikes carry numbers other than
    1. `known` False: the input was not given, and all its values are taken as the largest.
    """

    name: str
    target: str
    operation: Operation
    on_chip: bool
    from_input: bool
    paper: bool
    payload: bool
    known: bool
    events: int
    sop_events: int
    sop_units: int
    synops: int
    mac_dense: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationCount:
    """Counts over all samples and steps. `active`: updates of a membrane in a step in which some spike reached it.

    `gains`: multiplications of a neuron's current by its gain. They are no synaptic operations.
    """

    name: str
    layer: str
    on_chip: bool
    neurons: int
    updates: int
    active: int
    spikes: int
    gains: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`samples` N and `steps` T of the run. `cores`: loads of each core, None without a program."""

    samples: int
    steps: int
    static: bool
    projections: tuple[ProjectionCount, ...]
    populations: tuple[PopulationCount, ...]
    cores: CoreCounts | None

    def to_dict(self) -> dict[str, object]:
        """Plain values; of the cores only sums."""
        return {
            "samples": self.samples,
            "steps": self.steps,
            "static": self.static,
            "projections": [
                {**asdict(p), "operation": p.operation.value} for p in self.projections
            ],
            "populations": [asdict(p) for p in self.populations],
            "cores": None if self.cores is None else self.cores.to_dict(),
        }


def count(
    qc: QuantizedCircuit,
    recording: Recording,
    program: Program | None = None,
    target: Target | None = None,
    *,
    inputs: InputData | None = None,
) -> Counts:
    """Counts of `recording`, which holds the outputs of every population.

    With `program` and `target` also per core, from the packed tables; what the host does is told apart. `inputs`: the
    integer input of the run, which a recording does not hold. Relays of the program count as populations.
    """
    outputs = dict(recording.outputs)
    samples = next(iter(outputs.values())).shape[1]
    known = inputs is not None
    if inputs is not None:
        outputs[INPUT] = inputs.values if inputs.kind is InputKind.FRAMES else inputs.values[None]
    else:
        outputs[INPUT] = np.full((1, samples, *qc.input.shape), qc.input.high, np.int32)
    if program is not None:
        qc = relayed(qc, program.schedule)
        outputs |= _copied(program.schedule, outputs, qc.steps)
    host = set(program.on_host) if program else set[str]()
    coding = program.coding if program else None
    fed_by_host = coding in BY_HOST
    active = {
        p.name: active_neurons(qc, p, outputs, skip_input=fed_by_host) for p in qc.populations
    }
    cores = None
    if program is not None and target is not None:
        cores = count_cores(program, target, outputs, active, units=program.coding is Coding.EVENTS)
    return Counts(
        samples=samples,
        steps=qc.steps,
        static=qc.input.kind is InputKind.STATIC,
        projections=tuple(_projections(qc, outputs, host, coding, known)),
        populations=tuple(
            _population(p, active[p.name], outputs[p.name], p.name not in host)
            for p in qc.populations
        ),
        cores=cores,
    )


def _copied(schedule: Schedule, outputs: Mapping[str, Outputs], steps: int) -> dict[str, Outputs]:
    """What each relay sends: the sum of what it copies."""
    found = dict(outputs)
    for name, sources in schedule.relays.items():
        total = sum((found[s].astype(np.int32) for s in sources[1:]), found[sources[0]])
        found[name] = np.broadcast_to(total, (steps, *total.shape[1:]))
    return {name: found[name] for name in schedule.relays}


def _projections(
    qc: QuantizedCircuit,
    outputs: Mapping[str, Outputs],
    host: set[str],
    coding: Coding | None,
    known: bool,
) -> Iterator[ProjectionCount]:
    for p in qc.projections:
        summands = [
            np.broadcast_to(v, (qc.steps, *v.shape[1:])) for v in (outputs[s] for s in p.sources)
        ]
        from_input = INPUT in p.sources
        on_chip = p.target not in host and not (from_input and coding in BY_HOST)
        units = coding is Coding.EVENTS
        payload = any(
            _carries(v) for v, s in zip(summands, p.sources, strict=True) if s != INPUT or not units
        )
        yield _projection(
            qc, p, summands, on_chip=on_chip, payload=payload, known=known or not from_input
        )


def _projection(
    qc: QuantizedCircuit,
    p: QuantizedProjection,
    summands: list[Outputs],
    *,
    on_chip: bool,
    payload: bool,
    known: bool,
) -> ProjectionCount:
    target = qc.population(p.target)
    source = shape_of(qc, p.sources[0])
    total = sum((s.astype(np.int64) for s in summands[1:]), summands[0].astype(np.int64))
    events = (total != 0).sum((0, 1), dtype=np.int64)
    units = np.abs(total).sum((0, 1))
    spikes = sum((s != 0).sum((0, 1), dtype=np.int64) for s in summands)
    nonzero = fan_out(p, source, target.shape, nonzero=True)
    stored = fan_out(p, source, target.shape, nonzero=False)
    return ProjectionCount(
        name=p.name,
        target=p.target,
        operation=_operation(qc, p, total),
        on_chip=on_chip,
        paper=isinstance(p.kernel, Conv | Dense)
        and target.origin.role in (Role.NEURON, Role.READOUT),
        from_input=set(p.sources) == {INPUT},
        payload=payload,
        known=known,
        events=int(events.sum()),
        sop_events=int((events * nonzero).sum()),
        sop_units=int((units * nonzero).sum()),
        synops=int((spikes * stored).sum()),
        mac_dense=_mac_dense(p, int(stored.sum())),
    )


def _carries(spikes: Outputs) -> bool:
    return bool(((spikes != 0) & (spikes != 1)).any())


def _mac_dense(p: QuantizedProjection, synapses: int) -> int:
    """Every synapse once; a pool before a dense layer is no multiplication."""
    return p.weight.size if isinstance(p.kernel, Dense) and p.kernel.pooled else synapses


def _operation(qc: QuantizedCircuit, p: QuantizedProjection, total: Outputs) -> Operation:
    """By what the projection reads: 0/1, small numbers of spikes, or numbers (pixels, graded relays)."""
    if INPUT in p.sources and (qc.input.bits > 1 or qc.input.signed):
        return Operation.MAC
    if total.size and total.min() < 0:
        return Operation.MAC
    return Operation.AC if not total.size or total.max() <= 1 else Operation.AC_GRADED


def _population(
    p: QuantizedPopulation, active: Outputs, outputs: Outputs, on_chip: bool
) -> PopulationCount:
    neurons, levels = int(np.prod(p.shape)), len(p.neuron.levels)
    steps, samples = outputs.shape[:2]
    return PopulationCount(
        name=p.name,
        layer=p.origin.key,
        on_chip=on_chip,
        neurons=neurons,
        updates=neurons * levels * steps * samples,
        active=int(np.count_nonzero(active)) * levels,
        spikes=int(np.count_nonzero(outputs)),
        gains=0 if p.neuron.gain is None else neurons * steps * samples,
    )


def active_neurons(
    qc: QuantizedCircuit,
    p: QuantizedPopulation,
    outputs: Mapping[str, Outputs],
    *,
    skip_input: bool,
) -> Outputs:
    """Which neurons of `p` some spike reaches, per step and sample: bool [T, N, C, H, W].

    `skip_input`: the input arrives as biases or through the host, not as spikes.
    """
    steps, samples = outputs[p.name].shape[:2]
    active = np.zeros((steps, samples, *p.shape), bool)
    for projection in qc.into(p.name):
        for name in projection.sources:
            if name == INPUT and skip_input:
                continue
            active |= _reached(projection, outputs[name] != 0, p.shape)
    return active


def _reached(projection: QuantizedProjection, events: Outputs, shape: Shape) -> Outputs:
    """Outputs [T, N, *shape] (or broadcasting against it) that some event reaches through a stored weight."""
    kernel = projection.kernel
    if isinstance(kernel, Dense):
        return np.asarray(events.any((2, 3, 4)))[:, :, None, None, None]
    if not isinstance(kernel, Conv):
        return events
    steps, samples, channels = events.shape[:3]
    grouped = events.reshape(
        steps, samples, kernel.groups, channels // kernel.groups, *events.shape[3:]
    )
    found = reached(kernel, projection.weight.shape, np.asarray(grouped.any(3)), shape)
    return np.repeat(found, shape[0] // kernel.groups, axis=2)


def shape_of(qc: QuantizedCircuit, name: str) -> Shape:
    """(C, H, W) of a population or of the input."""
    return qc.input.shape if name == INPUT else qc.population(name).shape
