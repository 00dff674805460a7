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
from snn2chip.energy.terms import terms
from snn2chip.energy.text import energy, number, rate, time
from snn2chip.energy.unpriced import TIMED_BY, unpriced
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

    `table`: the price table in use, None for counts only. `notice`: what the prices are not. `low_pj`, `high_pj`: the
    least and the largest total of `tables`: those of the target that price the same terms. `edp_js`: energy times
    latency, joule seconds. `chips`: powered: those that hold cores. `unpriced`: terms without a price, with their
    counts. `counts`: as `Counts.to_dict()`, over all samples of the run.
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
            f"static power is {100 * self.static_share:.0f} % of it and falls with time; cores of several tiles: "
            f"{cores['shared_cores']} of {cores['cores']}; where they are the slowest, --share-cores none "
            "shortens the steps, for more cores",
        )

    @property
    def delay_product(self) -> str:
        """The energy-delay product, in words."""
        edp = "not priced" if self.edp_js is None else f"{self.edp_js:.3g} J·s"
        return f"energy-delay product {edp}"

    def _total(self) -> list[str]:
        if self.low_pj is None or self.high_pj is None:
            return []
        same = self.low_pj == self.high_pj
        span = energy(self.low_pj) if same else f"{energy(self.low_pj)} to {energy(self.high_pj)}"
        names = ", ".join(self.tables)
        tables = f" (by price table: {names}; no error bar)" if len(self.tables) > 1 else ""
        parts = f"{_part('dynamic', self.dynamic_pj)}, {_part('static', self.static_pj)}"
        total = f"  total {span}{tables}; {parts}"
        return [f"{total}; prices are {self.notice}" if self.notice else total]

    def _time(self) -> list[str]:
        if self.time is None:
            return []
        t = self.time
        speed = f"{rate(t.per_second)} samples a second; {self.delay_product}"
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
    priced = {} if table is None else {n: _priced(counts, t) for n, t in target.prices.items()}
    mine = None if table is None else priced[table]
    totals = {} if mine is None else _totals(priced, mine)
    sums = totals.values()
    return Estimate(
        target=target.name,
        samples=counts.samples,
        steps=counts.steps,
        table=table,
        tables=tuple(totals),
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
        unpriced=_left_out(counts, target, table, mine),
        convention=convention(counts),
        counts=counts.to_dict(),
    )


def _left_out(
    counts: Counts, target: Target, table: str | None, mine: "_Priced | None"
) -> tuple[str, ...]:
    if table is None or mine is None:
        return ()
    return unpriced(counts, target.prices[table], timed=mine.time is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Priced:
    """What one price table makes of the counts."""

    items: tuple[Line, ...]
    dynamic_pj: float | None
    static_pj: float | None
    time: Time | None

    @property
    def total_pj(self) -> float | None:
        known = [pj for pj in (self.dynamic_pj, self.static_pj) if pj is not None]
        return sum(known) if known else None

    @property
    def edp_js(self) -> float | None:
        if self.time is None or self.total_pj is None:
            return None
        return self.total_pj * 1e-12 * self.time.latency_us * 1e-6


def _totals(priced: Mapping[str, _Priced], mine: _Priced) -> dict[str, float]:
    """Total by price table, of those that price what `mine` prices: others would add up something else."""
    names = [i.name for i in mine.items]
    alike = {n: p.total_pj for n, p in priced.items() if [i.name for i in p.items] == names}
    return {name: pj for name, pj in alike.items() if pj is not None}


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


def _unpriced_lines(counts: Counts) -> tuple[Line, ...]:
    return tuple(
        Line(name=t.name, count=t.count, price=None, unit="", status="", source="", pj=None)
        for t in terms(counts)
    )


def _priced(counts: Counts, table: Mapping[str, Quantity]) -> _Priced:
    items = [
        _priced_line(t.name, t.count, table[f"{t.key}_pj"], 1.0)
        for t in terms(counts)
        if table[f"{t.key}_pj"].value != UNKNOWN
    ]
    spent, watts = _time(counts, table), table["static_w"]
    static = None
    if counts.cores is not None and spent is not None and watts.value != UNKNOWN:
        seconds = counts.cores.chips * spent.period_us * 1e-6
        static = _priced_line("static power, chip-seconds", seconds, watts, 1e12)
    return _Priced(
        items=(*items, static) if static else tuple(items),
        dynamic_pj=sum(i.pj or 0.0 for i in items) if items else None,
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
    """None where no program was given, or where no time follows from the table."""
    if counts.cores is None or any(table[k].value == UNKNOWN for k in TIMED_BY):
        return None
    period = counts.samples * counts.steps
    *ns, barrier = (float(table[k].value) for k in TIMED_BY)
    busy = counts.cores.step_ns(period, *ns)
    links = _links_ns(counts.cores, table)
    step_us = (np.maximum(busy, links) + barrier) / 1e3
    depth = counts.cores.synops.shape[1] - period
    mean = float(step_us.mean())
    if not mean:
        return None
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
    return np.maximum.reduce(times) if times else 0.0


def _part(name: str, pj: float | None) -> str:
    return f"{name} not priced" if pj is None else f"{name} {energy(pj)}"


def _line(i: Line) -> str:
    if i.price is None or i.pj is None:
        return f"{i.name}: {number(i.count)}"
    count = f"{i.count:.3g}" if i.unit == "W" else number(i.count)
    return f"{i.name}: {count} × {i.price:g} {i.unit} = {energy(i.pj)} [{i.status}: {i.source}]"
