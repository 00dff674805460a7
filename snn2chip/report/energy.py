"""Energy in the report: the estimate's lines, and the same counts and prices layer by layer."""

from collections.abc import Mapping, Sequence
from typing import Any

from snn2chip.chip.target import Target
from snn2chip.chip.target_file import UNKNOWN
from snn2chip.energy.estimate import Estimate, Line
from snn2chip.energy.text import energy, rate, time
from snn2chip.energy.text import number as count
from snn2chip.report.data import Energy, EnergyLine, EnergyRow, Fact

Row = Mapping[str, object]


def energy_facts(estimate: Estimate, target: Target) -> Energy:
    """What one inference costs, by kind of operation and by layer."""
    return Energy(
        facts=tuple(_facts(estimate)),
        lines=tuple(_line(line) for line in estimate.items),
        layers=_layers(estimate, target),
        notes=_notes(estimate),
    )


def _facts(e: Estimate) -> list[Fact]:
    c = e.convention
    papers = f"{energy(c.snn_pj)}; ANN of the same layers {energy(c.ann_pj)}"
    found = [Fact(label="as papers count", value=papers, note=c.source)]
    if e.time is not None:
        found.insert(
            0,
            Fact(
                label="time of one inference",
                value=f"{time(e.time.latency_us)} to the answer",
                note=f"a new sample every {time(e.time.period_us)}; mean step {time(e.time.step_us)}",
            ),
        )
        found.insert(
            1,
            Fact(
                label="samples a second",
                value=rate(e.time.per_second),
                note=f"{e.delay_product}; {e.chips} chip(s) powered",
            ),
        )
    if e.low_pj is not None and e.high_pj is not None:
        found.insert(
            0, Fact(label="dynamic and static", value=split(e), note="; ".join(e.shared()))
        )
        found.insert(
            0,
            Fact(
                label="energy of one inference",
                value=total(e),
                note=f"by price table ({', '.join(e.tables)}); lines below: {e.table}",
            ),
        )
    return found


def total(e: Estimate) -> str:
    """The range over all price tables, or "not priced"."""
    if e.low_pj is None or e.high_pj is None:
        return "not priced"
    low, high = energy(e.low_pj), energy(e.high_pj)
    return low if low == high else f"{low} … {high}"


def split(e: Estimate) -> str:
    """Dynamic and static energy with the price table in use; "" without prices."""
    if e.dynamic_pj is None:
        return ""
    if e.static_pj is None:
        return f"dynamic {energy(e.dynamic_pj)}, static not priced"
    static = f"static {energy(e.static_pj)} ({100 * e.static_share:.0f} %)"
    return f"dynamic {energy(e.dynamic_pj)}, {static}"


def _line(line: Line) -> EnergyLine:
    return EnergyLine(
        name=line.name,
        count=count(line.count) if line.count >= 1 else f"{line.count:.3g}",
        price="" if line.price is None else f"{line.price:g} {line.unit}",
        cost="" if line.pj is None else energy(line.pj),
        source=f"{line.status}: {line.source}" if line.source else "",
    )


def _notes(e: Estimate) -> tuple[str, ...]:
    notice = (f"The prices are {e.notice}.",) if e.notice else ()
    return (
        *notice,
        *(f"Not priced: {text}." for text in e.unpriced),
        *(f"Assumed: {text}." for text in e.assumed),
    )


def _layers(e: Estimate, target: Target) -> tuple[EnergyRow, ...]:
    """Synaptic operations into each layer, its updates, spikes, messages and hops; without what the host does."""
    ways = _ways(e)
    counts: Mapping[str, Sequence[Row]] = e.counts  # type: ignore[assignment]
    table = {} if e.table is None else target.prices[e.table]
    prices = {key: float(q.value) for key, q in table.items() if q.value != UNKNOWN}
    return tuple(
        _layer(p, counts["projections"], ways.get(str(p["name"]), {}), prices, e.samples)
        for p in counts["populations"]
        if p["on_chip"]
    )


def _ways(e: Estimate) -> dict[str, dict[str, int]]:
    """Layer -> key of the price -> messages, hops and crossings of what it sends."""
    cores: Mapping[str, Any] = e.counts["cores"] or {}  # type: ignore[assignment]
    prices = {
        "messages": "message_pj",
        "hops_ew": "hop_ew_pj",
        "hops_ns": "hop_ns_pj",
        "crossings": "crossing_pj",
    }
    layers: Mapping[str, Mapping[str, int]] = cores.get("layers", {})
    return {layer: {prices[name]: n for name, n in sums.items()} for layer, sums in layers.items()}


def _layer(
    p: Row,
    projections: Sequence[Row],
    ways: Mapping[str, int],
    prices: Mapping[str, float],
    samples: int,
) -> EnergyRow:
    into = (q for q in projections if q["target"] == p["name"] and q["on_chip"])
    synops = sum(_count(q, "synops") for q in into) / samples
    updates, active, spikes = (_count(p, key) / samples for key in ("updates", "active", "spikes"))
    amounts = {
        "synapse_pj": synops,
        "neuron_idle_pj": updates - active,
        "neuron_active_pj": active,
        "neuron_spike_pj": spikes,
        **{key: n / samples for key, n in ways.items()},
    }
    return EnergyRow(
        layer=str(p["name"]),
        synops=synops,
        updates=updates,
        spikes=spikes,
        energy_pj=sum(n * prices.get(key, 0.0) for key, n in amounts.items()) if prices else None,
    )


def _count(row: Row, key: str) -> int:
    value = row[key]
    if not isinstance(value, int):
        raise TypeError(f"count {key} is {value!r}")
    return value
