"""An estimate of energy and time: every count times its price, with where the price comes from.

A term without a price is listed as not priced, never as zero. No number here was measured on the target.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.chip.target import Target, available
from snn2chip.chip.target_file import NO_PRICES, UNKNOWN, Quantity
from snn2chip.energy.convention import Convention, convention
from snn2chip.energy.cores import CoreCounts
from snn2chip.energy.counts import Counts
from snn2chip.energy.text import energy, number, rate, time
from snn2chip.energy.unpriced import unpriced
from snn2chip.errors import Snn2ChipError, did_you_mean

ASSUMED = (
    "a step lasts as long as its slowest core or link, then the barrier",
    "a link is busy with each message for the time of a hop",
    "samples follow each other without a gap",
    "no time for the host, or for input and output",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`count` of one inference times `price`; `pj` is the product. `status`, `source`: as in the target file.

    Counts only: `price` and `pj` are None.
    """

    name: str
    count: float
    price: float | None
    unit: str
    status: str
    source: str
    pj: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """Of one inference: `period_us` from sample to sample, `latency_us` from the first input to the answer.

    `link_steps`: the part of the steps in which a link is slower than every core. `per_second`: samples.
    """

    period_us: float
    latency_us: float
    step_us: float
    slowest_step_us: float
    link_steps: float
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One inference on `target`.

    `table`: the price table in use, None for counts only. `notice`: what the prices are not. `low_pj`, `high_pj`: total
    with each price table of the target. `edp_js`: energy times latency, joule seconds. `chips`: powered: those that
    hold cores. `unpriced`: terms without a price, with their counts. `counts`: as
    `Counts.to_dict()`, over all samples of the run.
    """

    target: str
    samples: int
    steps: int
    table: str | None
    tables: tuple[str, ...]
    notice: str
    items: tuple[Line, ...]
    dynamic_pj: float | None
    static_pj: float | None
    low_pj: float | None
    high_pj: float | None
    edp_js: float | None
    chips: int | None
    time: Time | None
    assumed: tuple[str, ...]
    unpriced: tuple[str, ...]
    convention: Convention
    counts: Mapping[str, object]

    def to_dict(self) -> dict[str, object]:
        """Plain values, for energy.json."""
        return {**asdict(self), "counts": dict(self.counts)}

    @classmethod
    def from_dict(cls, tree: Mapping[str, object]) -> "Estimate":
        """What `to_dict` wrote."""
        time, items = tree["time"], tree["items"]
        parts = {
            "items": tuple(Line(**i) for i in items),  # type: ignore[union-attr]
            "time": None if time is None else Time(**time),  # type: ignore[arg-type]
            "convention": Convention(**tree["convention"]),  # type: ignore[arg-type]
        }
        parts |= {k: tuple(tree[k]) for k in ("tables", "assumed", "unpriced")}  # type: ignore[arg-type]
        return cls(**{**tree, **parts})  # type: ignore[arg-type]

    def lines(self) -> list[str]:
        """For people: each term with its source, the total, what has no price, the time, the papers' figure."""
        head = (
            f"energy of one inference on {self.target} (T = {self.steps}, mean of {self.samples})"
        )
        return [
            f"{head}: counts only" if self.table is None else f"{head}, prices {self.table}",
            *(f"  {_line(i)}" for i in self.items),
            *self._total(),
            *(f"  {text}" for text in self.shared()),
            *(f"  not priced: {u}" for u in self.unpriced),
            *self._time(),
            *self.convention.lines(),
        ]

    @property
    def static_share(self) -> float:
        """The part of the energy that is static power, with the table in use; 0 where that is not priced."""
        if not self.static_pj or self.dynamic_pj is None:
            return 0.0
        return self.static_pj / (self.static_pj + self.dynamic_pj)

    def shared(self) -> tuple[str, ...]:
        """What to know where cores are shared and most of the energy is static power, which falls with time."""
        cores: Mapping[str, int] = self.counts["cores"] or {}  # type: ignore[assignment]
        # An energy.json of an older version does not say how many cores are shared.
        if not cores.get("shared_cores") or self.static_share <= 0.5:
            return ()
        return (
            f"static power is {100 * self.static_share:.0f} % of it and falls with time; {cores['shared_cores']} of "
            f"{cores['cores']} cores hold several tiles: --share-cores none takes more cores and shorter steps",
        )

    def _total(self) -> list[str]:
        if (
            self.table is None
            or self.dynamic_pj is None
            or self.low_pj is None
            or self.high_pj is None
        ):
            return []
        static = (
            "static not priced" if self.static_pj is None else f"static {energy(self.static_pj)}"
        )
        same = self.low_pj == self.high_pj
        span = energy(self.low_pj) if same else f"{energy(self.low_pj)} to {energy(self.high_pj)}"
        tables = "" if len(self.tables) < 2 else f" (price tables {', '.join(self.tables)})"
        total = f"  total {span}{tables}; dynamic {energy(self.dynamic_pj)}, {static}"
        return [f"{total}; prices are {self.notice}" if self.notice else total]

    def _time(self) -> list[str]:
        if self.time is None:
            return []
        t = self.time
        speed = f"{rate(t.per_second)} samples a second; energy-delay product {self.edp_js:.3g} J·s"
        steps = f"mean step {time(t.step_us)}, slowest {time(t.slowest_step_us)}"
        links = f"a link is slower than every core in {100 * t.link_steps:.0f} % of the steps"
        spent = f"{time(t.period_us)} from sample to sample, {time(t.latency_us)} to the answer"
        return [
            f"  time {spent}; {steps} ({'; '.join(self.assumed)})",
            f"  {speed}; {links}; {self.chips} chip(s) powered",
        ]


def estimate(counts: Counts, target: Target, *, prices: str | None = None) -> Estimate:
    """The estimate of `counts` with the price table `prices` of `target`; None: its default, "none": counts only.

    Errors: prices-unknown.
    """
    table = price_table(target, prices)
    tables = () if table is None else tuple(target.prices)
    totals = {name: _priced(counts, target.prices[name]) for name in tables}
    mine = None if table is None else totals[table]
    sums = [t.total_pj for t in totals.values()]
    return Estimate(
        target=target.name,
        samples=counts.samples,
        steps=counts.steps,
        table=table,
        tables=tables,
        notice="" if table is None else _notice(table, target),
        items=_unpriced_lines(counts) if mine is None else mine.items,
        dynamic_pj=None if mine is None else mine.dynamic_pj,
        static_pj=None if mine is None else mine.static_pj,
        low_pj=min(sums, default=None),
        high_pj=max(sums, default=None),
        edp_js=None if mine is None else mine.edp_js,
        chips=None if counts.cores is None else counts.cores.chips,
        time=None if mine is None else mine.time,
        assumed=ASSUMED if mine is not None and mine.time is not None else (),
        unpriced=() if table is None else unpriced(counts, target.prices[table]),
        convention=convention(counts),
        counts=counts.to_dict(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Priced:
    """What one price table makes of the counts."""

    items: tuple[Line, ...]
    dynamic_pj: float
    static_pj: float | None
    time: Time | None

    @property
    def total_pj(self) -> float:
        return self.dynamic_pj + (self.static_pj or 0.0)

    @property
    def edp_js(self) -> float | None:
        return None if self.time is None else self.total_pj * 1e-12 * self.time.latency_us * 1e-6


def price_table(target: Target, prices: str | None) -> str | None:
    """The price table `prices` of `target`; None for counts only. Errors: prices-unknown."""
    if prices == NO_PRICES:
        return None
    if prices is None:
        return target.default_prices
    if prices not in target.prices:
        known = (*target.prices, NO_PRICES)
        raise Snn2ChipError(
            "prices-unknown",
            "--prices",
            f"{target.name} has no price table {prices!r}",
            need=" | ".join(known),
            help=did_you_mean(prices, known),
        )
    return prices


def _notice(table: str, target: Target) -> str:
    """A table named after another chip, `loihi1-davies2018`, is no measurement of this one."""
    owner = table.partition("-")[0]
    if owner == target.name or owner not in available():
        return ""
    q = target.prices[table]["static_w"]
    prices = f"those of {owner}, the previous chip: not a measurement of {target.name}"
    return f"{prices}; static power {q.value} {q.unit} per chip, {q.status.value}"


def _terms(counts: Counts) -> list[tuple[str, str, float]]:
    """(key of the price, name, count of one inference); messages only with a program."""
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
    return [(key, name, total / counts.samples) for key, name, total in totals]


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


def _unpriced_lines(counts: Counts) -> tuple[Line, ...]:
    return tuple(
        Line(name=name, count=n, price=None, unit="", status="", source="", pj=None)
        for _, name, n in _terms(counts)
    )


def _priced(counts: Counts, table: Mapping[str, Quantity]) -> _Priced:
    items = [
        _priced_line(name, n, table[f"{key}_pj"], 1.0)
        for key, name, n in _terms(counts)
        if table[f"{key}_pj"].value != UNKNOWN
    ]
    spent = _time(counts, table)
    static = None
    if counts.cores is not None and spent is not None:
        seconds = counts.cores.chips * spent.period_us * 1e-6
        static = _priced_line("static power, chip-seconds", seconds, table["static_w"], 1e12)
    return _Priced(
        items=(*items, static) if static else tuple(items),
        dynamic_pj=sum(i.pj or 0.0 for i in items),
        static_pj=static.pj if static else None,
        time=spent,
    )


def _priced_line(name: str, count: float, q: Quantity, scale: float) -> Line:
    """`scale`: picojoule of one unit."""
    return Line(
        name=name,
        count=count,
        price=float(q.value),
        unit=q.unit,
        status=q.status.value,
        source=q.source,
        pj=count * float(q.value) * scale,
    )


def _time(counts: Counts, table: Mapping[str, Quantity]) -> Time | None:
    if counts.cores is None:
        return None
    period = counts.samples * counts.steps
    keys = ("synapse_ns", "neuron_idle_ns", "neuron_active_ns", "neuron_spike_ns", "message_ns")
    synop, idle, active, spike, message = (float(table[k].value) for k in keys)
    busy = counts.cores.step_ns(period, synop, idle, active, spike, message)
    links = _links_ns(counts.cores, table)
    step_us = (np.maximum(busy, links) + float(table["barrier_ns"].value)) / 1e3
    depth = counts.cores.synops.shape[1] - period
    mean = float(step_us.mean())
    return Time(
        period_us=mean * counts.steps,
        latency_us=mean * (counts.steps + depth),
        step_us=mean,
        slowest_step_us=float(step_us.max()),
        link_steps=float((links > busy).mean()),
        per_second=1e6 / (mean * counts.steps),
    )


def _links_ns(cores: CoreCounts, table: Mapping[str, Quantity]) -> FloatArray | float:
    """Time of the busiest link in each step; links between chips count where their time is known."""
    if cores.routed is None:
        return 0.0
    links = cores.routed.links
    loads = {"hop_ew": links.most_ew, "hop_ns": links.most_ns, "crossing": links.most_crossing}
    prices = {key: table[f"{key}_ns"].value for key in loads}
    times = [loads[key] * float(p) for key, p in prices.items() if p != UNKNOWN]
    return np.maximum.reduce(times)


def _line(i: Line) -> str:
    if i.price is None or i.pj is None:
        return f"{i.name}: {number(i.count)}"
    count = f"{i.count:.3g}" if i.unit == "W" else number(i.count)
    return f"{i.name}: {count} × {i.price:g} {i.unit} = {energy(i.pj)} [{i.status}: {i.source}]"
