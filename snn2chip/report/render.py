"""ReportData to one HTML page that needs nothing but itself."""

from collections.abc import Sequence

from snn2chip.report.data import Branch, Node, ReportData
from snn2chip.report.page import page
from snn2chip.report.plain import changed

ROW = 44
LANE = 16
RAIL = 22
"""Geometry of the picture in pixels: height of a row, width of a lane, distance of the rail from the lanes."""


def render(data: ReportData) -> str:
    """The page of a build."""
    lanes = 1 + max((b.lane for b in data.picture.branches), default=-1)
    rail = lanes * LANE + RAIL
    return page(
        "report.html",
        data=data,
        row=ROW,
        rail=rail,
        lines=[_line(b, data.picture.nodes, rail) for b in data.picture.branches],
        most_changed=max((changed(r) for r in data.layers), default=0.0),
        most_energy=max((r.energy_pj or 0.0 for r in data.energy.layers), default=0.0)
        if data.energy
        else 0.0,
    )


def branch_path(branch: Branch, rail: int) -> str:
    """SVG path from the source's row to the left, down its lane, and back into every target's row."""
    x = rail - RAIL - branch.lane * LANE
    start = branch.source * ROW + ROW // 2 + 6
    down = f"M{rail} {start}C{x} {start} {x} {start} {x} {start + 12}"
    parts = [down]
    for target in branch.targets:
        end = target * ROW + ROW // 2 - 6
        parts.append(f"M{x} {start + 12}V{end - 12}C{x} {end} {x} {end} {rail} {end}")
    return "".join(parts)


def _line(branch: Branch, nodes: Sequence[Node], rail: int) -> dict[str, object]:
    """A branch as the template draws it: its path, the rows that it joins, and the same in words."""
    targets = ", ".join(nodes[t].name for t in branch.targets)
    return {
        "path": branch_path(branch, rail),
        "rows": (branch.source, *branch.targets),
        "text": f"{nodes[branch.source].name} → {targets}",
    }
