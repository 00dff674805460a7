"""One training, from options to files: a checkpoint in the layout of the architecture's authors, and held-back input.

model.pth          the checkpoint
test.npy           the first held-back samples, test_labels.npy: their classes
calibration.npy    as many training samples, for `--method agree`, which must not see the held-back ones
state.pt           what a killed training goes on from
training.json      options, recipe, versions, and loss and accuracy of every epoch
"""

import argparse
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from snn2chip.errors import Snn2ChipError
from snn2chip.files import made_folder, write_array, write_whole
from snn2chip.options import one_of
from snn2chip.progress import Progress
from snn2chip.readers.claims import STORED_FRAME
from snn2chip.training import datasets
from snn2chip.training.architectures.registry import architecture
from snn2chip.training.architectures.types import Architecture, Finished, Values
from snn2chip.training.dataset import Dataset
from snn2chip.training.datasets import DataRequest
from snn2chip.training.loop import Trained, fit, seeded
from snn2chip.training.recipe import Recipe

PRESETS = ("small", "paper")
KEPT = 1000
"""Held-back samples that are written."""

STATE, CHECKPOINT, RECORD = "state.pt", "model.pth", "training.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What to train on what.

    `options`: the architecture's settings by name. `recipe`: fields of Recipe that are not the preset's. `preset`:
    small | paper; None: small for the data sets that come with packages. `threads`: another number may round, and so
    train, in another way.
    """

    arch: str
    data: str
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    recipe: Mapping[str, object] = field(default_factory=dict[str, object])
    preset: str | None = None
    source: DataRequest = field(default_factory=DataRequest)
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedRun:
    """What `run` did."""

    request: TrainRequest
    data: Dataset
    architecture: Architecture
    values: Values
    recipe: Recipe
    trained: Trained


def run(request: TrainRequest, out: Path, progress: Progress) -> TrainedRun:
    """Train, or go on where an earlier run in the folder `out` stopped; write the files."""
    arch = architecture(request.arch)
    data = datasets.load(request.data, request.source)
    preset = one_of(request.preset or _usual_preset(request.data), PRESETS, "--preset")
    values = arch.values(request.options, preset, data.frame, data.frames)
    data = arch.prepared(data, values)
    recipe = replace(arch.small if preset == "small" else arch.paper, **request.recipe)  # pyright: ignore[reportArgumentType]
    _make_folder(out, progress)
    with seeded(recipe.seed, threads=request.threads, device=request.device):
        net = arch.make(values, data)
        trained = fit(
            net,
            data,
            recipe,
            loss=None if arch.loss is None else arch.loss(values, recipe),
            device=request.device,
            state=out / STATE,
            identity=_identity(arch, values, recipe),
            progress=progress,
        )
    done = TrainedRun(
        request=request,
        data=data,
        architecture=arch,
        values=values,
        recipe=recipe,
        trained=trained,
    )
    accuracy = trained.epochs[-1].accuracy
    finished = Finished(net=net, values=values, recipe=recipe, accuracy=accuracy)
    _write(done, finished, out)
    return done


def _identity(arch: Architecture, values: Values, recipe: Recipe) -> dict[str, object]:
    """What decides the weights beside recipe, data and shapes."""
    options = {f"--option {k}": v for k, v in values.of.items()}
    fading = {"epochs of the loss": recipe.epochs} if arch.loss_fades(values) else {}
    return {"architecture": arch.name, **options, **fading}


def _usual_preset(data: str) -> str:
    return "small" if data in datasets.PACKAGED else "paper"


def _make_folder(out: Path, progress: Progress) -> None:
    """`out` for a new training, or for the one in it; what will be replaced is said."""
    begun = (out / STATE).exists()
    ours = not out.exists() or (
        out.is_dir() and (begun or (out / RECORD).exists() or not any(out.iterdir()))
    )
    if not ours:
        raise Snn2ChipError(
            "out-taken", str(out), "holds something else than a training", help="name another --out"
        )
    if (out / CHECKPOINT).exists() and not begun:
        progress.note(f"{out} has no {STATE} any more: its {CHECKPOINT} will be replaced")
    made_folder(out)


def _write(done: TrainedRun, finished: Finished, out: Path) -> None:
    data = done.data
    checkpoint = io.BytesIO()
    torch.save(_with_frame(done.architecture.pack(finished), data), checkpoint)
    write_whole(out / CHECKPOINT, checkpoint.getvalue())
    write_held_back(data, out / "test")
    write_array(out / "calibration.npy", data.train_x[:100])
    told = {
        "arch": done.architecture.name,
        "data": data.name,
        "options": dict(done.values.of),
        "recipe": asdict(done.recipe),
        "device": done.request.device,
        "threads": done.request.threads,
        "torch": torch.__version__,
        "epochs": [asdict(e) for e in done.trained.epochs],
    }
    write_whole(out / RECORD, json.dumps(told, indent=1) + "\n")


def write_held_back(data: Dataset, path: Path) -> tuple[Path, Path]:
    """Write the first held-back samples and their classes to `path`.npy and `path`_labels.npy; returns both."""
    files = (path.with_name(f"{path.name}.npy"), path.with_name(f"{path.name}_labels.npy"))
    for file, array in zip(files, (data.test_x, data.test_y), strict=True):
        write_array(file, array[:KEPT])
    return files


def _with_frame(content: object, data: Dataset) -> object:
    """A container with the frame of the data in its args, where it has args: most weights fit frames of any size."""
    arguments = content.get("args") if isinstance(content, dict) else None
    if isinstance(arguments, argparse.Namespace):
        setattr(arguments, STORED_FRAME, list(data.frame))
    return content
