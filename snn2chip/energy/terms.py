"""What an estimate counts, and under which name each count has its prices in a target file."""

from dataclasses import dataclass

from snn2chip.energy.cores import CoreCounts
from snn2chip.energy.counts import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """`count` of one inference, priced by `{key}_pj` and `{key}_ns` of a price table."""

    key: str
    name: str
    count: float


def terms(counts: Counts) -> list[Term]:
    """All terms; messages and their ways only with a program."""
    chip = [p for p in counts.populations if p.on_chip]
    active = sum(p.active for p in chip)
    synops = sum(p.synops for p in counts.projections if p.on_chip)
    if counts.cores is not None:
        synops = int(counts.cores.synops.sum())
    totals = [
        ("synapse", "synaptic operations", synops),
        ("neuron_idle", "neuron updates, nothing arrived", sum(p.updates for p in chip) - active),
        ("neuron_active", "neuron updates, something arrived", active),
        ("neuron_spike", "spikes", sum(p.spikes for p in chip)),
    ]
    if counts.cores is not None:
        totals.append(("message", "messages to cores", int(counts.cores.messages.sum())))
        totals += _hops(counts.cores) + _rims(counts.cores, counts.samples * counts.steps)
    return [Term(key=key, name=name, count=n / counts.samples) for key, name, n in totals]


def _hops(cores: CoreCounts) -> list[tuple[str, str, int]]:
    if cores.routed is None:
        return []
    r = cores.routed
    return [
        ("hop_ew", "hops east or west", int(r.hops_ew.sum())),
        ("hop_ns", "hops north or south", int(r.hops_ns.sum())),
        ("crossing", "ways from chip to chip", int(r.crossings.sum())),
    ]


def _rims(cores: CoreCounts, steps: int) -> list[tuple[str, str, int]]:
    """What the neurons around tiles cost that nobody hears: the chip updates them like all others."""
    rims, active = int(cores.rims.sum()), int(cores.rim_active.sum())
    if not rims:
        return []
    return [
        ("synapse", "synaptic operations into rims of tiles", int(cores.rim_synops.sum())),
        ("neuron_idle", "updates in rims of tiles, nothing arrived", rims * steps - active),
        ("neuron_active", "updates in rims of tiles, something arrived", active),
    ]
