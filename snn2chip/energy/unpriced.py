"""What an estimate leaves out because nothing prices it: said with its counts, never taken as zero."""

from collections.abc import Mapping

from snn2chip.chip.target_file import UNKNOWN, Quantity
from snn2chip.energy.counts import Counts
from snn2chip.energy.terms import terms
from snn2chip.energy.text import number

UNITS = {"energy": "pj", "time": "ns"}

TIMED_BY = (
    "synapse_ns",
    "neuron_idle_ns",
    "neuron_active_ns",
    "neuron_spike_ns",
    "message_ns",
    "barrier_ns",
)
"""Prices without which a step has no time. Ways between cores count where their time is known."""


def unpriced(counts: Counts, table: Mapping[str, Quantity], *, timed: bool) -> tuple[str, ...]:
    """Terms that no price covers, with their counts for one inference. `timed`: a time follows from the table."""
    missing = [*_terms(counts, table), *_ways(counts)]
    if counts.cores is not None:
        missing += _time(table, timed)
    host = [p for p in counts.projections if not p.on_chip]
    if host:
        steps = {p.name: 1 if p.from_input and counts.static else counts.steps for p in host}
        macs = sum(p.mac_dense * steps[p.name] for p in host)
        missing.append(
            f"the host's part ({', '.join(p.target for p in host)}): {number(macs)} multiplications"
        )
    graded = sum(p.synops for p in counts.projections if p.on_chip and p.payload)
    if graded:
        missing.append(
            f"multiplying by a payload: {number(graded / counts.samples)} of the operations at most"
        )
    gains = sum(p.gains for p in counts.populations if p.on_chip)
    if gains:
        missing.append(
            f"gains: {number(gains / counts.samples)} multiplications of a current, within the neuron updates"
        )
    guessed = [p.target for p in counts.projections if p.on_chip and not p.known]
    if guessed:
        missing.append(
            f"zeros of the input: all pixels into {', '.join(guessed)} are taken as events"
        )
    return tuple(missing)


def _terms(counts: Counts, table: Mapping[str, Quantity]) -> list[str]:
    missing: list[str] = []
    for t in terms(counts):
        kinds = [k for k, u in UNITS.items() if table[f"{t.key}_{u}"].value == UNKNOWN]
        if kinds and t.count:
            missing.append(f"{t.name}: {number(t.count)} (their {' and '.join(kinds)})")
    return missing


def _time(table: Mapping[str, Quantity], timed: bool) -> list[str]:
    """Why there is no time, or no static power."""
    unknown = [key for key in TIMED_BY if table[key].value == UNKNOWN]
    if not timed:
        why = f"{', '.join(unknown)} unknown" if unknown else "every time in the price table is 0"
        return [f"time and static power: {why}"]
    return ["static power: static_w unknown"] if table["static_w"].value == UNKNOWN else []


def _ways(counts: Counts) -> list[str]:
    """Messages and their ways, as far as they were not counted, or have no key in a price table."""
    cores = counts.cores
    if cores is None:
        return ["messages, time and static power: no program was given"]
    missing: list[str] = []
    if cores.routed is None:
        missing.append("hops on the mesh: cores have no place on it")
    if cores.host_messages:
        missing.append(f"messages from the host: {number(cores.host_messages / counts.samples)}")
    return missing
