"""One run of the zoo table: a system trained with its method or without, deployed, verified; kept as one file."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.files import write_whole
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.pipeline import Deployment, deploy
from snn2chip.progress import Progress
from snn2chip.stages.train import TrainedNetwork, train
from snn2chip.training.architectures.registry import architecture
from snn2chip.training.run import TrainRequest

SYSTEMS = ("sew_resnet", "s_resnet", "mlf_ds_resnet", "guo_resnet", "ledinauskas-like")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one row is of. `on`: with the paper's method. `samples`: held-back samples that the deployment runs."""

    system: str
    on: bool
    seed: int
    data: str
    target: str
    samples: int
    epochs: int | None = None

    @property
    def name(self) -> str:
        """Of its file, its folder, and its progress."""
        return f"{self.system}-{'on' if self.on else 'off'}-seed{self.seed}"

    @property
    def digest(self) -> str:
        """Of everything that the caller chose; a row of another choice is another row."""
        return hashlib.sha256(repr(asdict(self)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came out. `trained`: part of all held-back samples right, in floats, after training.

    Of the deployed samples: `original`, `twin`: part that is right, `agreement`: part with the same decision. `rungs`:
    (compared, differing, passed) by rung. `refused`: the error where the network could not be deployed, else empty.
    """

    run: Run
    trained: float
    original: float = 0.0
    twin: float = 0.0
    agreement: float = 0.0
    rungs: Mapping[str, tuple[int, int, bool]]
    cores: int = 0
    energy_pj: float | None = None
    refused: str = ""


def row_of(run: Run, folder: Path, progress: Progress) -> Row:
    """The row of `run`: read where its file is in `folder`, else trained and deployed, and written there."""
    path = folder / f"{run.name}-{run.digest}.json"
    if path.exists():
        return _read(path)
    progress.note(f"{run.name}: training")
    work = folder / f"{run.name}-{run.digest}"
    made = train(_request(run), work, progress=progress)
    row = _deployed(run, made, work, progress)
    write_whole(path, json.dumps(asdict(row), indent=1) + "\n")
    shutil.rmtree(work)
    return row


def _request(run: Run) -> TrainRequest:
    arch = architecture(run.system)
    recipe = {"seed": run.seed} | ({} if run.epochs is None else {"epochs": run.epochs})
    options = {} if run.on else dict(arch.off)
    return TrainRequest(
        arch=run.system, data=run.data, options=options, recipe=recipe, preset="small"
    )


def _deployed(run: Run, made: TrainedNetwork, work: Path, progress: Progress) -> Row:
    trained = made.run.trained.epochs[-1].accuracy
    few = {name: work / f"few_{name}.npy" for name in ("test", "test_labels")}
    for name, path in few.items():
        np.save(path, np.load(work / f"{name}.npy")[: run.samples])
    model = ModelRequest(
        path=str(made.checkpoint),
        options=made.deploy_options(),
        input_path=str(few["test"]),
        layout="NCHW",
    )
    options = BuildOptions(model=model, target=run.target, labels=str(few["test_labels"]))
    try:
        done = deploy(options, work / "build", progress=progress)
    except StatementError as e:
        return Row(run=run, trained=trained, rungs={}, refused=str(e))
    return _row(run, trained, done)


def _row(run: Run, trained: float, done: Deployment) -> Row:
    loss = next(r.measures for r in done.verdict.rungs if r.rung == "2b")
    return Row(
        run=run,
        trained=trained,
        original=loss["top1_original"],
        twin=loss["top1_twin"],
        agreement=loss["agreement"],
        rungs={r.rung: (r.compared, r.differing, r.passed) for r in done.verdict.rungs},
        cores=len(done.compiled.program.cores),
        energy_pj=done.estimate.high_pj,
    )


def _read(path: Path) -> Row:
    try:
        tree: dict[str, Any] = json.loads(path.read_text())
        rungs = {k: (int(c), int(d), bool(p)) for k, (c, d, p) in tree["rungs"].items()}
        fields: dict[str, Any] = {**tree, "run": Run(**tree["run"]), "rungs": rungs}
        return Row(**fields)
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise Snn2ChipError(
            "zoo-row", str(path), "is no row of a zoo table, or is damaged", help="remove it"
        ) from e
