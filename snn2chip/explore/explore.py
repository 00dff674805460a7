"""`explore`: what-if points of a model, as a table and a plot; every finished point is a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from snn2chip.chip.place.placing import METHODS
from snn2chip.chip.program import Coding
from snn2chip.chip.split import SLACKS
from snn2chip.chip.target import available, load_target
from snn2chip.energy.estimate import price_table
from snn2chip.errors import Snn2ChipError
from snn2chip.explore.page import page_of
from snn2chip.explore.points import AUTO, SHARES, Axes, points_of
from snn2chip.explore.row import Row, Task, keep, kept, row_of
from snn2chip.explore.table import Table, one_line
from snn2chip.files import full_path, made_folder, write_whole
from snn2chip.model import IN_MEMORY, LoadedModel
from snn2chip.network.shapes import shapes
from snn2chip.options import BuildOptions, one_of
from snn2chip.parallel import Workers, files_of, run_tasks
from snn2chip.progress import Progress, Silent
from snn2chip.stages.data import load_labels
from snn2chip.stages.levels import read

PAGE = "explore.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """The table of all points, and its page."""

    table: Table
    page: Path

    def lines(self) -> list[str]:
        """The table, the front, what the columns mean."""
        return [*self.table.lines(), f"plot: {self.page}"]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {**self.table.to_dict(), "page": str(self.page)}


def explore_model(
    options: BuildOptions,
    axes: Axes,
    out: str | Path,
    *,
    samples: int | None = None,
    workers: Workers | None = None,
    progress: Progress | None = None,
) -> Explored:
    """Compile, run and price every point of `axes`; all else is as in `options`.

    `samples`: only the first so many of the input. `out`: a folder that keeps a file for every finished point, which is
    not done again, and the page. A point that cannot be is a row with its findings.

    Errors: Snn2ChipError for what no point could be; scheduler-lost, worker-lost where the work was cut short.
    """
    tell = progress or Silent()
    _check_words(axes)
    folder = made_folder(Path(out))
    options = _absolute(options)
    found = {name: load_target(name) for name in axes.targets}
    for target in found.values():
        price_table(target, options.prices)
    own = {name: str(Path(name).resolve()) for name in found if name not in available()}
    axes = replace(axes, targets=tuple(own.get(name, name) for name in axes.targets))
    targets = {own.get(name, name): target for name, target in found.items()}
    model = read(options, tell)
    count = _samples(model, options, samples)
    points = points_of(axes, targets, model.network.steps, model.network.input.kind)
    files = files_of(
        options.model.path,
        options.model.input_path,
        options.labels,
        options.quantize.calibration,
        *own.values(),
    )
    tasks = [
        Task(
            point=point,
            options=options,
            own_steps=model.network.steps,
            samples=count,
            files=files,
        )
        for point in points
    ]
    rows = _rows(tasks, folder, workers or Workers(), tell)
    table = Table(
        title=model.network.provenance.title,
        input=Path(str(options.model.input_path)).name,
        rows=tuple(rows),
    )
    write_whole(folder / PAGE, page_of(table, tasks))
    return Explored(table=table, page=folder / PAGE)


def _rows(tasks: Sequence[Task], folder: Path, workers: Workers, tell: Progress) -> list[Row]:
    """The rows in the order of the tasks: those that are kept, and the rest once they are done."""
    found: dict[int, Row] = {}
    for i, task in enumerate(tasks):
        row = kept(task, folder)
        if row is not None:
            found[i] = row
    if found:
        tell.note(f"{len(found)} of {len(tasks)} points are in {folder} already")
    missing = [i for i in range(len(tasks)) if i not in found]
    with tell.stage("explore") as part:

        def finished(number: int, row: Row) -> None:
            i = missing[number]
            keep(tasks[i], row, folder)
            found[i] = row
            part(len(found) / len(tasks))
            tell.note(f"{len(found)}/{len(tasks)} {one_line(row)}")

        run_tasks(row_of, [tasks[i] for i in missing], workers, finished, tell)
    return [found[i] for i in range(len(tasks))]


def _check_words(axes: Axes) -> None:
    codings = (AUTO, *(c.value for c in Coding))
    known: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "--split": (axes.splits, tuple(SLACKS)),
        "--share-cores": (axes.shares, SHARES),
        "--place": (axes.places, METHODS),
        "--coding": (axes.codings, codings),
    }
    for option, (words, allowed) in known.items():
        for word in words:
            one_of(word, allowed, option)
    for option, numbers in (("--weight-bits", axes.weight_bits), ("--steps", axes.steps)):
        if any(n < 1 for n in numbers):
            raise Snn2ChipError(
                "option-value", option, "must be at least 1", have=str(min(numbers))
            )


def _absolute(options: BuildOptions) -> BuildOptions:
    """The same files, wherever a worker runs."""
    m, q = options.model, options.quantize
    if m.path.startswith(IN_MEMORY):
        why = "is a module in memory, which other processes cannot read"
        raise Snn2ChipError("usage", m.path, why, help="write a checkpoint or a .nir file first")
    return replace(
        options,
        model=replace(m, path=str(Path(m.path).resolve()), input_path=full_path(m.input_path)),
        quantize=replace(q, calibration=full_path(q.calibration)),
        labels=full_path(options.labels),
    )


def _samples(model: LoadedModel, options: BuildOptions, asked: int | None) -> int:
    """How many samples are run; labels are looked at before anything slow."""
    if model.inputs is None:
        raise Snn2ChipError("usage", "explore", "needs an input", help="give --input X.npy")
    have = model.inputs.samples
    if asked is not None and not 1 <= asked <= have:
        raise Snn2ChipError(
            "option-value", "--samples", "is out of range", have=str(asked), need=f"1..{have}"
        )
    answers = shapes(model.network)[model.network.readout.layer]
    load_labels(options.labels, have, int(answers[0]))
    return asked or have
