"""The page of `explore`: a plot for each cost, the table, and the commands that deploy what is on the front."""

from collections.abc import Sequence
from dataclasses import dataclass

from snn2chip.explore.row import Row, Task
from snn2chip.explore.table import HEADS, NAMES, Table, cells_of, one_line
from snn2chip.report.chart import Axis, Chart, Line, Mark, axis, log_axis
from snn2chip.report.page import page
from snn2chip.report.statement import deploy_command

WIDE = 30
"""Where the largest cost is more than so many times the smallest, decades are equally long."""

UNITS = {"energy_pj": ("µJ", 1e6), "latency_us": ("ms", 1e3), "cores": ("", 1.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A row of the page's table. `sort`: what each cell is sorted by, None: its text."""

    number: int
    front: bool
    cells: tuple[str, ...]
    sort: tuple[float | None, ...]
    findings: tuple[str, ...]


def page_of(table: Table, tasks: Sequence[Task]) -> str:
    """The page as HTML. `tasks`: of the rows."""
    best = table.front
    rows = [
        Shown(
            number=i + 1,
            front=i in best,
            cells=cells_of(row),
            sort=_sort(row),
            findings=tuple(map(str, row.findings)),
        )
        for i, row in enumerate(table.rows)
    ]
    return page(
        "explore.html",
        title=f"What-if points of {table.title}",
        subtitle=f"{len(rows)} points on {table.input}",
        kind="explore",
        heads=HEADS,
        rows=rows,
        plots=plots(table),
        notes=table.notes(),
        commands=[
            (i + 1, deploy_command(tasks[i].build(), f"build-{i + 1}")) for i in sorted(best)
        ],
        refused=sum(bool(r.findings) for r in table.rows),
    )


def plots(table: Table) -> tuple[Chart, ...]:
    """Accuracy over each cost of the front; points that cannot be are left to the table."""
    accuracy, *costs = table.measures
    done = [(i, r) for i, r in enumerate(table.rows) if not r.findings]
    return tuple(_plot(table.front, done, accuracy, cost) for cost in costs) if done else ()


def _plot(best: frozenset[int], done: list[tuple[int, Row]], accuracy: str, cost: str) -> Chart:
    unit, scale = UNITS[cost]
    at = {i: (getattr(r, cost) / scale, 100 * getattr(r, accuracy)) for i, r in done}
    label = NAMES[cost] + (f", {unit}" if unit else "")
    marks = [
        Mark(
            x=at[i][0],
            y=at[i][1],
            kind="plain" if i in best else "hollow",
            text=f"point {i + 1}: {one_line(r)}",
        )
        # What is on the front is drawn last: marks can lie on each other.
        for i, r in sorted(done, key=lambda x: x[0] in best)
    ]
    return Chart(
        name=f"{NAMES[accuracy]} over {NAMES[cost]}",
        x=_costs([x for x, _ in at.values()], label),
        y=axis(
            f"{NAMES[accuracy]}, %", min(y for _, y in at.values()), max(y for _, y in at.values())
        ),
        marks=tuple(marks),
        lines=tuple(
            line
            for target in dict.fromkeys(r.point.target for _, r in done)
            for line in _stairs([at[i] for i, r in done if i in best and r.point.target == target])
        ),
        height=300,
    )


def _costs(values: list[float], label: str) -> Axis:
    low, high = min(values), max(values)
    return log_axis(label, low, high) if 0 < low * WIDE < high else axis(label, low, high)


def _stairs(points: list[tuple[float, float]]) -> tuple[Line, ...]:
    """The front of these two measures alone, from the cheapest on; each step is better than all cheaper ones."""
    way: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda p: (p[0], -p[1])):
        if not way:
            way.append((x, y))
        elif y > way[-1][1]:
            way += [(x, way[-1][1]), (x, y)]
    return (Line(points=tuple(way)),) if len(way) > 1 else ()


def _sort(row: Row) -> tuple[float | None, ...]:
    names = ("top1", "decisions", "spikes", "cores", "chips", "energy_pj", "latency_us")
    p = row.point
    return (
        None,
        p.weight_bits,
        p.steps,
        *[None] * 4,
        *(-1.0 if row.findings or getattr(row, n) is None else getattr(row, n) for n in names),
    )
