"""The zoo table: each of the five systems with its paper's method and without it, trained, deployed and verified."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from snn2chip.errors import Snn2ChipError
from snn2chip.files import made_folder, write_whole
from snn2chip.options import one_of
from snn2chip.progress import Progress, Silent
from snn2chip.training.architectures.registry import architecture
from snn2chip.zoo_table.row import SYSTEMS, Row, Run, row_of

COLUMNS = (
    "system",
    "method",
    "float top-1, all held back",
    "float top-1",
    "twin top-1",
    "decisions agree",
    "cores",
    "energy of one inference",
)
RUNGS = ("0", "1", "2", "2b", "2c", "3", "4")


@dataclass(frozen=True, slots=True, kw_only=True)
class ZooTable:
    """All rows, system by system, first with the method."""

    rows: tuple[Row, ...]

    @property
    def verified(self) -> bool:
        """Every network was deployed, and every rung passed."""
        return all(not r.refused and all(ok for _, _, ok in r.rungs.values()) for r in self.rows)

    def lines(self) -> list[str]:
        """The table as Markdown."""
        groups = [g for s in SYSTEMS for on in (True, False) if (g := self._group(s, on))]
        refused = [f"- {r.run.name}: {r.refused}" for r in self.rows if r.refused]
        return [
            *_head(self.rows[0].run, max(len(g) for g in groups)),
            "",
            f"| {' | '.join(COLUMNS)} |",
            f"|{'---|' * len(COLUMNS)}",
            *(_accuracy(g) for g in groups),
            "",
            f"| system | method | {' | '.join(f'rung {r}' for r in RUNGS)} |",
            f"|---|---|{'---|' * len(RUNGS)}",
            *(_rungs(g) for g in groups),
            *(["", "Not deployed:", "", *refused] if refused else []),
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {"verified": self.verified, "rows": [asdict(r) for r in self.rows]}

    def _group(self, system: str, on: bool) -> list[Row]:
        return [r for r in self.rows if (r.run.system, r.run.on) == (system, on)]


def zoo_table(
    folder: str | Path,
    *,
    systems: Sequence[str] = SYSTEMS,
    data: str = "mnist5k",
    target: str = "loihi2",
    seeds: int = 3,
    samples: int = 100,
    epochs: int | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> ZooTable:
    """Train, deploy and compare; `folder` keeps a file for every finished run, which is not done again.

    `out`: a Markdown page to write.
    """
    for name, value in (("--seeds", seeds), ("--samples", samples)):
        if value < 1:
            raise Snn2ChipError("option-value", name, "must be at least 1", have=str(value))
    chosen = [one_of(s, SYSTEMS, "--system") for s in systems]
    rows_at = made_folder(Path(folder))
    runs = [
        Run(
            system=system,
            on=on,
            seed=seed,
            data=data,
            target=target,
            samples=samples,
            epochs=epochs,
        )
        for system in chosen
        for on in (True, False)
        for seed in range(1, seeds + 1)
    ]
    table = ZooTable(rows=tuple(row_of(run, rows_at, progress or Silent()) for run in runs))
    if out is not None:
        write_whole(Path(out), "\n".join(["# The zoo table", "", *table.lines(), ""]))
    return table


def _head(run: Run, seeds: int) -> list[str]:
    return [
        f"Trained on {run.data} with {seeds} seed(s) each and the `small` preset, deployed on {run.target}.",
        "Where there are several seeds, a cell is their mean, with the lowest and the highest.",
        f"The first accuracy is over all samples held back, everything else over the first {run.samples} of them.",
        "A rung's cell is differing of compared outputs, summed over the seeds. Those of rungs 0 and 1 are proved",
        "ties at a threshold; 2b measures rounding; 2c counts where equality is not proved.",
        "Printed by `snn2chip zoo table --rows DIR`.",
    ]


def _accuracy(group: list[Row]) -> str:
    deployed = [r for r in group if not r.refused]
    cells = [_percent([r.trained for r in group])]
    parts: tuple[Callable[[Row], float], ...] = (
        lambda r: r.original,
        lambda r: r.twin,
        lambda r: r.agreement,
    )
    cells += [_percent([part(r) for r in deployed]) for part in parts]
    cells.append(_range([str(n) for n in sorted({r.cores for r in deployed})]))
    energies = [r.energy_pj for r in deployed if r.energy_pj is not None]
    cells.append(f"{sum(energies) / len(energies) / 1e6:.1f} µJ" if energies else "–")
    return f"{_name(group)} | {' | '.join(cells)} |"


def _rungs(group: list[Row]) -> str:
    cells: list[str] = []
    for rung in RUNGS:
        found = [r.rungs[rung] for r in group if rung in r.rungs]
        compared, differing = sum(c for c, _, _ in found), sum(d for _, d, _ in found)
        failed = "" if all(ok for _, _, ok in found) else " **fails**"
        cells.append(f"{differing:,} of {compared:,}{failed}" if found else "–")
    return f"{_name(group)} | {' | '.join(cells)} |"


def _name(group: list[Row]) -> str:
    run = group[0].run
    method = architecture(run.system).method
    return f"| {run.system} | {method if run.on else f'without {method}'}"


def _percent(values: list[float]) -> str:
    if not values:
        return "–"
    mean = f"{100 * sum(values) / len(values):.2f} %"
    return (
        mean if len(values) == 1 else f"{mean} ({100 * min(values):.1f} … {100 * max(values):.1f})"
    )


def _range(values: list[str]) -> str:
    return " … ".join(dict.fromkeys((values[0], values[-1]))) if values else "–"
