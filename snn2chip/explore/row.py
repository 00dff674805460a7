"""One what-if point: compiled, run and priced; kept as one file, so that it is done once."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from snn2chip.build import versions
from snn2chip.energy.counts import count
from snn2chip.energy.estimate import Estimate, Line, estimate
from snn2chip.errors import Finding, Snn2ChipError
from snn2chip.explore.network import Ran, ran
from snn2chip.explore.points import AUTO, Point
from snn2chip.files import write_whole
from snn2chip.options import BuildOptions
from snn2chip.parallel import Files, check_files
from snn2chip.progress import Silent
from snn2chip.stages.compile import Mapped, mapped

FORMAT = 1
"""Version of a row's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A point, and all that decides its row.

    `options`: of everything that is no axis, `model.steps` included where the user says it. `own_steps`: the T that the
    network has without it. `samples`: the first so many are run. `files`: every file that is read.
    """

    point: Point
    options: BuildOptions
    own_steps: int
    samples: int
    files: Files

    def build(self) -> BuildOptions:
        """What `compile` or `deploy` of this point takes."""
        o, p = self.options, self.point
        steps = o.model.steps if p.steps == self.own_steps else p.steps
        return replace(
            o,
            model=replace(o.model, steps=steps),
            target=p.target,
            split=p.split,
            share_cores=p.share,
            place=replace(o.place, method=p.place),
            quantize=replace(
                o.quantize,
                weight_bits=p.weight_bits,
                coding=None if p.coding == AUTO else p.coding,
            ),
        )

    @property
    def digest(self) -> str:
        """Of what decides the row: contents of files, not where they lie, and versions."""
        tree = _by_content(self.build().to_dict(), dict(self.files))
        text = json.dumps([FORMAT, versions(), tree, self.samples], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def file(self, folder: Path) -> Path:
        """Where its row is kept."""
        return folder / f"point-{self.digest}.json"


def _by_content(tree: Any, files: Mapping[str, str]) -> Any:
    """`tree` with what is in a file in place of its path."""
    if isinstance(tree, dict):
        return {k: _by_content(v, files) for k, v in tree.items()}
    return files.get(tree, tree) if isinstance(tree, str) else tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came out at a point.

    `findings`: errors, if it cannot be; everything else is 0 or None then. `top1`, `original`: part that is right, None
    without labels; `original`: of the float network with the same T. `decisions`, `spikes`: parts of decisions, and of
    single outputs of all layers, that are the float network's. `silent`: layers that fire in floats and not on the
    chip: such a program does not verify.

    `energy_pj`: of one inference with `table`, static power included; `static`: price, status and source of static
    power; `low_pj`, `high_pj`: with the cheapest and the dearest table. `unpriced`: what has no price. `latency_us`: to
    the answer; `period_us`: from sample to sample.
    """

    point: Point
    findings: tuple[Finding, ...] = ()
    samples: int = 0
    coding: str = ""
    top1: float | None = None
    original: float | None = None
    decisions: float = 0.0
    spikes: float = 0.0
    silent: tuple[str, ...] = ()
    cores: int = 0
    chips: int = 0
    spike_hops: int = 0
    table: str | None = None
    notice: str = ""
    static: str = ""
    energy_pj: float | None = None
    low_pj: float | None = None
    high_pj: float | None = None
    latency_us: float | None = None
    period_us: float | None = None
    unpriced: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {**asdict(self), "findings": [f.to_dict() for f in self.findings]}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> "Row":
        """What `to_dict` wrote."""
        parts: dict[str, Any] = {
            "point": Point(**tree["point"]),
            "findings": tuple(Finding.from_dict(f) for f in tree["findings"]),
            "silent": tuple(tree["silent"]),
            "unpriced": tuple(tree["unpriced"]),
        }
        return cls(**{**tree, **parts})


def row_of(task: Task) -> Row:
    """The row of a point. What it cannot be is in the row; files that are not those of the task are an error."""
    check_files(task.files)
    build = task.build()
    try:
        network = ran(build, task.samples, task.options.labels)
        made = mapped(network.levels, build, Silent())
    except Snn2ChipError as e:
        if e.finding.code == "package-missing":
            raise
        return Row(point=task.point, findings=(e.finding, *e.others))
    counts = count(
        network.levels.qc,
        network.recording,
        made.program,
        network.levels.target,
        inputs=network.integers,
    )
    found = estimate(counts, network.levels.target, prices=task.options.prices)
    return _row(task.point, network, made, found)


def _row(point: Point, network: Ran, made: Mapped, found: Estimate) -> Row:
    priced = None if found.dynamic_pj is None else found.dynamic_pj + (found.static_pj or 0.0)
    return Row(
        point=point,
        samples=found.samples,
        coding=made.program.coding.value,
        top1=network.measures.get("top1_twin"),
        original=network.measures.get("top1_original"),
        decisions=network.measures["agreement"],
        spikes=network.spikes,
        silent=network.silent,
        cores=len(made.program.cores),
        chips=made.program.chips,
        spike_hops=made.program.placement.spike_hops,
        table=found.table,
        notice=found.notice,
        static=next((_static(i) for i in found.items if i.unit == "W"), ""),
        energy_pj=priced,
        low_pj=found.low_pj,
        high_pj=found.high_pj,
        latency_us=None if found.time is None else found.time.latency_us,
        period_us=None if found.time is None else found.time.period_us,
        unpriced=found.unpriced,
    )


def _static(line: Line) -> str:
    return f"{line.price:g} W per chip [{line.status}: {line.source}]"


def keep(task: Task, row: Row, folder: Path) -> None:
    """Write the row's file, whole or not at all."""
    write_whole(task.file(folder), json.dumps(row.to_dict(), indent=1) + "\n")


def kept(task: Task, folder: Path) -> Row | None:
    """The row that is there already. Errors: explore-row."""
    path = task.file(folder)
    if not path.exists():
        return None
    try:
        row = Row.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise Snn2ChipError(
            "explore-row",
            str(path),
            "is no row of a what-if point, or is damaged",
            help="remove it",
        ) from e
    return replace(row, point=task.point)
