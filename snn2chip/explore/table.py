"""The table of what-if points: a line each, the front marked, and what cannot be with its reason."""

from dataclasses import dataclass, fields

from snn2chip.energy.text import energy, time
from snn2chip.explore.front import front
from snn2chip.explore.points import AUTO, Point
from snn2chip.explore.row import Row
from snn2chip.inputs import few

HEADS = (
    "target",
    "bits",
    "T",
    "split",
    "share",
    "place",
    "coding",
    "top-1",
    "decisions",
    "spikes",
    "cores",
    "chips",
    "energy",
    "time",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All points in their order. `title`: of the network, `input`: name of its input's file."""

    title: str
    input: str
    rows: tuple[Row, ...]

    @property
    def possible(self) -> bool:
        """Whether any point can be."""
        return any(not r.findings for r in self.rows)

    @property
    def measures(self) -> tuple[str, ...]:
        """What the front is of: measures that every point which can be has."""
        done = [r for r in self.rows if _counts(r)]
        accuracy = "top1" if all(r.top1 is not None for r in done) else "decisions"
        priced = [
            m for m in ("energy_pj", "latency_us") if all(getattr(r, m) is not None for r in done)
        ]
        return (accuracy, *priced, "cores")

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets of the points that can be."""
        return tuple(dict.fromkeys(r.point.target for r in self.rows if not r.findings))

    @property
    def front(self) -> frozenset[int]:
        """Numbers (from 0) of the rows that no other of their target beats: as good in every measure, better in one.

        Targets are not weighed against each other, because their prices come from sources that do not compare.
        """
        fronts = (self._front(target) for target in self.targets)
        return frozenset[int]().union(*fronts)

    def _front(self, target: str) -> frozenset[int]:
        names = self.measures
        return front(
            {
                i: [_cost(row, name) for name in names]
                for i, row in enumerate(self.rows)
                if _counts(row) and row.point.target == target
            }
        )

    def lines(self) -> list[str]:
        """The table, then what its marks and columns mean."""
        best = self.front
        cells = [HEADS, *(cells_of(r) for r in self.rows)]
        widths = [max(len(c[i]) for c in cells) for i in range(len(HEADS))]
        width = len(str(len(self.rows)))
        head = f"{len(self.rows)} what-if points of {self.title} on {self.input}"
        lines = [head, "", " " * (width + 3) + _line(cells[0], widths)]
        for i, (row, shown) in enumerate(zip(self.rows, cells[1:], strict=True)):
            mark = "*" if i in best else " "
            text = _line(shown, widths) if not row.findings else _refused(row, widths)
            lines.append(f"{i + 1:>{width}} {mark} {text}")
        return [*lines, "", *self.notes()]

    def notes(self) -> list[str]:
        """Sentences that the table needs."""
        names = ", ".join(NAMES[m] for m in self.measures)
        done = [r for r in self.rows if not r.findings]
        several = len(self.targets) > 1
        of, other = ("its target's", " of its target") if several else ("the", "")
        notes = [
            f"* on {of} Pareto front of {names}: no other point{other} is as good in all and better in one"
        ]
        notes += [DO_NOT_COMPARE] * (several and any(r.table for r in done))
        notes += few(done[0].samples, "a front") if done else []
        notes += [
            f"point {i + 1}: silent on the chip, and not in floats: {', '.join(r.silent)}; it does not verify"
            for i, r in enumerate(self.rows)
            if r.silent
        ]
        if done:
            originals = {r.point.steps: r.original for r in done if r.original is not None}
            notes += [
                f"top-1 of the float network: {', '.join(f'{_percent(v)} with T = {t}' for t, v in originals.items())}"
            ] * bool(originals)
            notes.append(
                "decisions, spikes: part that is the float network's with the same T, "
                f"of {done[0].samples} samples and of all outputs of its layers"
            )
            notes += [f"{_listed(at)}: not priced: {text}" for text, at in self._unpriced().items()]
            notes.append("energy: of one inference, static power included; time: to the answer")
            notes += dict.fromkeys(
                f"{r.point.chip}: prices {r.table}" + (f", {r.notice}" if r.notice else "")
                for r in done
                if r.table is not None
            )
            notes += dict.fromkeys(
                f"{r.point.chip}: static power {r.static}" for r in done if several and r.static
            )
            notes += dict.fromkeys(f"{r.point.chip}: not priced" for r in done if r.table is None)
        return notes

    def _unpriced(self) -> dict[str, list[int]]:
        """What has no price -> numbers of the points."""
        found: dict[str, list[int]] = {}
        for i, row in enumerate(self.rows):
            for text in row.unpriced:
                found.setdefault(text, []).append(i + 1)
        return found

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        best = self.front
        return {
            "network": self.title,
            "input": self.input,
            "front_of": list(self.measures),
            "points": [
                {"number": i + 1, "front": i in best, **r.to_dict()}
                for i, r in enumerate(self.rows)
            ],
        }


DO_NOT_COMPARE = (
    "do not compare chips by these energies and times: the prices of each, static power most of all, come from other "
    "sources and conditions; so each target has a front of its own"
)

NAMES = {
    "top1": "top-1",
    "decisions": "decisions",
    "energy_pj": "energy",
    "latency_us": "time",
    "cores": "cores",
}


def cells_of(row: Row) -> tuple[str, ...]:
    """The cells of a row, in the order of `HEADS`."""
    point = _point(row.point, row.coding)
    if row.findings:
        return (*point, *[""] * (len(HEADS) - len(point)))
    return (
        *point,
        "–" if row.top1 is None else _percent(row.top1),
        _percent(row.decisions),
        _percent(row.spikes),
        f"{row.cores:,}",
        f"{row.chips:,}",
        "–" if row.energy_pj is None else energy(row.energy_pj),
        "–" if row.latency_us is None else time(row.latency_us),
    )


def one_line(row: Row) -> str:
    """A row while others are still running."""
    if row.findings:
        return f"{row.point}: {row.findings[0]}"
    accuracy = row.decisions if row.top1 is None else row.top1
    priced = "" if row.energy_pj is None else f", {energy(row.energy_pj)}"
    return f"{row.point}: {_percent(accuracy)}, {row.cores} core{'s' * (row.cores != 1)}{priced}"


def _listed(numbers: list[int]) -> str:
    return f"point{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def _point(point: Point, coding: str) -> tuple[str, ...]:
    values = [point.chip, *(str(getattr(point, f.name)) for f in fields(point)[1:])]
    if point.coding == AUTO and coding:
        values[-1] = f"{coding} ({AUTO})"
    return tuple(values)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    """Names to the left, numbers to the right."""
    left = {
        i for i, head in enumerate(HEADS) if head in ("target", "split", "share", "place", "coding")
    }
    return "  ".join(
        f"{c:<{w}}" if i in left else f"{c:>{w}}"
        for i, (c, w) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()


def _refused(row: Row, widths: list[int]) -> str:
    axes = len(fields(row.point))
    others = len(row.findings) - 1
    more = f" (and {others} more)" if others else ""
    return f"{_line(cells_of(row)[:axes], widths[:axes]):<{sum(widths[:axes]) + 2 * axes}}{row.findings[0]}{more}"


def _counts(row: Row) -> bool:
    """Whether a row is a candidate of the front."""
    return not row.findings and not row.silent


def _cost(row: Row, name: str) -> float:
    """Less is better."""
    value = float(getattr(row, name))
    return -value if name in ("top1", "decisions") else value


def _percent(part: float) -> str:
    return f"{100 * part:.2f} %"
