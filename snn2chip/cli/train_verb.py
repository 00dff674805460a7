"""The command that trains."""

import argparse
from typing import TYPE_CHECKING

from snn2chip.cli import arguments
from snn2chip.cli.verb import Result, Verb, show, verb
from snn2chip.errors import Snn2ChipError

if TYPE_CHECKING:
    from snn2chip.training.datasets import DataRequest
    from snn2chip.training.run import TrainRequest

DETAILS = """\
Architectures: sew_resnet, spiking_resnet, sew_resnet_dvs, s_resnet, mlf_ds_resnet, guo_resnet,
ledinauskas-like; `snn2chip train list` shows the options of each. Data sets: digits and mnist5k come with
Python packages (pip install 'snn2chip[train]'); cifar10, cifar100, imagenette, dvsgesture and cifar10dvs are
read from --data-root, a local folder in the format in which they are published. Nothing is downloaded.

Two presets: `small` trains digits or mnist5k in minutes on one core; `paper` is the paper's network and recipe.
The folder --out gets model.pth (in the layout of the paper's authors), test.npy, test_labels.npy, calibration.npy
and state.pt. Stopped or killed, the same command goes on after the last whole epoch and ends in the same weights,
bit for bit. The last line of the output is the command that deploys the network."""


DATA = "digits, mnist5k, cifar10, cifar100, imagenette, dvsgesture, cifar10dvs"
"""Names of the data sets, written out: the loaders import what --help must not."""


def _add_train(p: argparse.ArgumentParser) -> None:
    p.add_argument("arch", metavar="ARCH", help="architecture, or `list`")
    p.add_argument("--out", metavar="FOLDER", help="folder for the checkpoint (required)")
    p.add_argument("--preset", metavar="NAME", help="small or paper (default: by the data set)")
    p.add_argument(
        "--option",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="option of the architecture (connect_f=IAND, width=32, surrogate_width=0.5 ...)",
    )
    add_data(p)
    add_recipe(p, "the preset's")
    arguments.add_json(p)


def add_recipe(p: argparse.ArgumentParser, default: str) -> None:
    """How to train; `default`: whose values hold where nothing is said."""
    group = p.add_argument_group(f"recipe (default: {default})")
    group.add_argument("--epochs", metavar="E", type=int)
    group.add_argument("--batch", metavar="B", type=int, help="samples of a batch")
    group.add_argument("--lr", metavar="X", type=float, help="learning rate")
    group.add_argument("--optimizer", metavar="NAME", help="sgd, adam, adamw")
    group.add_argument("--schedule", metavar="NAME", help="cosine, step, onecycle, constant")
    group.add_argument("--weight-decay", metavar="X", type=float)
    group.add_argument("--label-smoothing", metavar="X", type=float)
    group.add_argument("--seed", metavar="N", type=int, help="of weights and order (default: 1)")
    group.add_argument("--device", metavar="NAME", default="cpu", help="cpu or cuda (default: cpu)")
    group.add_argument(
        "--threads",
        metavar="N",
        type=int,
        default=1,
        help="threads of torch (default: 1; another number may give other weights)",
    )


def add_data(p: argparse.ArgumentParser) -> None:
    """--data and where it lies."""
    group = p.add_argument_group("data")
    group.add_argument("--data", metavar="NAME", help=f"data set by name: {DATA} (required)")
    group.add_argument("--data-root", metavar="DIR", help="local folder that holds it")
    group.add_argument(
        "--frames", metavar="T", type=int, help="frames per sample, of events (default: 16)"
    )
    group.add_argument(
        "--size", metavar="S", type=int, help="rows and columns (imagenette 128, events 128)"
    )


def _train(a: argparse.Namespace) -> tuple[Result, int]:
    from snn2chip.stages.train import Trainable, train

    if a.arch == "list":
        return Trainable(), 0
    for name in ("data", "out"):
        if getattr(a, name) is None:
            raise Snn2ChipError("usage", "snn2chip train", f"--{name} is required")
    return train(_request(a), a.out, progress=show(a)), 0


def _request(a: argparse.Namespace) -> "TrainRequest":
    from snn2chip.training.run import TrainRequest

    return TrainRequest(
        arch=a.arch,
        data=a.data,
        options=arguments.options_of(a.option),
        recipe=recipe_of(a),
        preset=a.preset,
        source=source_of(a),
        device=a.device,
        threads=a.threads,
    )


def recipe_of(a: argparse.Namespace) -> dict[str, object]:
    """Fields of a Recipe that were given."""
    fields = {"learning_rate": a.lr} | {
        name: getattr(a, name)
        for name in (
            "epochs",
            "batch",
            "optimizer",
            "schedule",
            "weight_decay",
            "label_smoothing",
            "seed",
        )
    }
    return {k: v for k, v in fields.items() if v is not None}


def source_of(a: argparse.Namespace) -> "DataRequest":
    """Where the data set lies."""
    from pathlib import Path

    from snn2chip.training.datasets import DataRequest

    root = None if a.data_root is None else Path(a.data_root)
    return DataRequest(root=root, frames=a.frames, size=a.size)


TRAIN_VERB: Verb = verb(
    "train",
    "train a network of one of the systems, as a checkpoint to deploy",
    "train sew_resnet --data mnist5k --out trained",
    _add_train,
    _train,
    DETAILS,
    keeps=True,
)
