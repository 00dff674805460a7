"""What the other tools must say, from our counts alone: each difference of definitions is a number of its own."""

from dataclasses import dataclass

import numpy as np

from snn2chip.chip.mesh import mesh_of
from snn2chip.chip.program import Program
from snn2chip.chip.target import Target
from snn2chip.circuit.types import INPUT, Role
from snn2chip.energy.cores import CoreCounts
from snn2chip.energy.counts import Counts, Operation, ProjectionCount, active_neurons, count
from snn2chip.energy.estimate import estimate
from tests.energy.checks.edges import edges
from tests.energy.checks.subjects import Run, membranes
from tests.energy.checks.with_sanafe import HOST_TILE, PLACES, senders, wires

TABLE = "sanafe2025"

# --- NeuroBench ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """`ours`: sop_events of the run. `theirs`, `dense`: what NeuroBench must count. `mac`: under which name."""

    name: str
    ours: int
    operation: Operation
    theirs: int
    dense: int
    mac: bool
    why: str


def layers(run: Run) -> list[Layer]:
    """Every layer, in the order of the circuit."""
    counts = count(run.qc, run.recording, inputs=run.inputs)
    return [_layer(run, counts, p) for p in counts.projections]


def _layer(run: Run, counts: Counts, p: ProjectionCount) -> Layer:
    calls, theirs, why = counts.samples * counts.steps, p.sop_events, ""
    if p.from_input and counts.static:
        calls, theirs = counts.samples, p.sop_events // counts.steps
        why = (
            f"the image does not change: PyTorch computes the layer once, not {counts.steps} times"
        )
    elif run.qc.population(p.target).origin.role is Role.READOUT:
        calls, theirs = counts.samples, averaged(run, p.name)
        why = (
            "PyTorch averages over positions and steps first; the chip adds a weight for each spike"
        )
    return Layer(
        name=p.name,
        ours=p.sop_events,
        operation=p.operation,
        theirs=theirs,
        dense=p.mac_dense * calls,
        mac=p.operation is not Operation.AC,
        why=why,
    )


def averaged(run: Run, name: str) -> int:
    """Nonzero weights that meet a channel in which some position fired in some step."""
    (p,) = [p for p in run.qc.projections if p.name == name]
    fired = np.any([run.recording.outputs[s].any((0, 3, 4)) for s in p.sources], axis=0)
    return int((fired.sum(0) * (p.weight != 0).sum(0)).sum())


# --- SANA-FE ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """`count` times `tenths` of a picojoule, in `part` of SANA-FE's energy; `ours`: our estimate holds it, too."""

    name: str
    part: str
    count: int
    tenths: int
    ours: bool


PARTS = {
    "synapse": "synapse",
    "neuron_idle": "soma",
    "neuron_active": "soma",
    "neuron_spike": "soma",
    "message": "network",
    "hop_ew": "network",
    "hop_ns": "network",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """`counts`: as in with_sanafe.COUNTS; `ours`: the same without what SANA-FE has more. `dense_synops`: of `fc`."""

    terms: tuple[Term, ...]
    counts: dict[str, int]
    ours: dict[str, int]
    neurons: int
    rims: int
    dense_synops: int

    def tenths(self, part: str | None = None) -> int:
        """Energy of `part`, or of all, in tenths of a picojoule."""
        return sum(t.count * t.tenths for t in self.terms if part in (None, t.part))


def expected(run: Run, program: Program, target: Target) -> Expected:
    """SANA-FE's counts and energies of the whole run."""
    counts = count(run.qc, run.recording, program, target, inputs=run.inputs)
    if counts.cores is None:
        raise ValueError("no cores")
    price = {k: round(10 * float(target.prices[TABLE][f"{k}_pj"].value)) for k in PARTS}
    mine = [
        Term(name=i.name, part=part, count=round(i.count * counts.samples), tenths=p, ours=True)
        for i, (part, p) in zip(
            estimate(counts, target, prices=TABLE).items,
            zip(PARTS.values(), price.values(), strict=True),
            strict=False,  # behind them: rims, which were not exported, and static power
        )
    ]
    ours = _ours(counts.cores)
    updates = _updates(run, program)
    fill = int(counts.cores.neurons.sum()) * max(program.schedule.depth.values())
    messages, ew, ns = host_ways(run, program, target)
    theirs = [
        ("accesses while the pipeline fills", "soma", fill, price["neuron_idle"]),
        (
            "updates without an arrival, for a bias or a membrane other than 0",
            "soma",
            updates - ours["updated"],
            price["neuron_active"] - price["neuron_idle"],
        ),
        ("messages from the host", "network", messages, price["message"]),
        ("their hops east or west", "network", ew, price["hop_ew"]),
        ("their hops north or south", "network", ns, price["hop_ns"]),
    ]
    replayed = sum(
        int(run.recording.outputs[s.population].sum()) for s in senders(run, program) if not s.own
    )
    return Expected(
        terms=(
            *mine,
            *(Term(name=n, part=p, count=c, tenths=t, ours=False) for n, p, c, t in theirs),
        ),
        counts={
            "synops": ours["synops"],
            "messages": ours["messages"] + messages,
            "updated": updates + replayed,
            "fired": ours["fired"] + replayed,
            "hops": ours["hops"] + ew + ns,
        },
        ours=ours,
        neurons=int(counts.cores.neurons.sum()),
        rims=int(counts.cores.rims.sum()),
        dense_synops=sum(
            p.synops
            for p in counts.projections
            if run.qc.population(p.target).origin.role is Role.READOUT
        ),
    )


def _ours(cores: CoreCounts) -> dict[str, int]:
    if cores.routed is None:
        raise ValueError("no places")
    return {
        "synops": int(cores.synops.sum()),
        "messages": int(cores.messages.sum()),
        "updated": int(cores.active.sum()),
        "fired": int(cores.spikes.sum()),
        "hops": int(cores.routed.hops_ew.sum() + cores.routed.hops_ns.sum()),
    }


def _updates(run: Run, program: Program) -> int:
    """Neuron-steps that SANA-FE calls updated: something arrives, or the bias or the membrane is not 0."""
    outputs = {**run.recording.outputs, INPUT: run.inputs.values[None]}
    total = 0
    for p in run.qc.populations:
        if p.name not in program.on_host:
            arrived = active_neurons(run.qc, p, outputs, skip_input=True)
            total += int((arrived | (p.bias != 0) | (membranes(run, p.name) != 0)).sum())
    return total


def host_ways(run: Run, program: Program, target: Target) -> tuple[int, int, int]:
    """(messages of the host, their hops east or west, north or south), the host sitting in tile 31."""
    x, y = mesh_of(target, None).tile_of(np.append(program.placement.core, HOST_TILE * PLACES))
    found = np.zeros(3, np.int64)
    for p, source, _ in wires(run, program):
        if source in program.on_host:
            of = edges(p, run.qc.population(source).shape, run.qc.population(p.target).shape)[0]
            fired = run.recording.outputs[source]
            sent = int(fired.reshape(*fired.shape[:2], -1)[:, :, np.unique(of)].sum())
            (core,) = [i for i, c in enumerate(program.cores) if c.tiles[0].population == p.target]
            found += sent * np.array([1, abs(x[-1] - x[core]), abs(y[-1] - y[core])])
    messages, ew, ns = found.tolist()
    return messages, ew, ns
