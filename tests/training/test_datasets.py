"""Data sets: what is held back is never trained on, and grids."""

import numpy as np
import pytest

from snn2chip.errors import Snn2ChipError
from snn2chip.training import datasets
from snn2chip.training.dataset import dataset


@pytest.mark.parametrize(
    ("name", "train", "test", "frame", "levels"),
    [("digits", 1437, 360, (1, 8, 8), 16), ("mnist5k", 4000, 1000, (1, 28, 28), 256)],
)
def test_the_ones_that_come_with_packages(name, train, test, frame, levels):
    data = datasets.load(name)
    assert (len(data.train_x), len(data.test_x), data.frame) == (train, test, frame)
    assert (data.frames, data.classes, data.train_x.dtype) == (None, 10, np.float32)
    assert np.array_equal(data.test_x * levels, np.round(data.test_x * levels))
    held = {image.tobytes() for image in data.test_x}
    assert not any(image.tobytes() in held for image in data.train_x)
    assert set(data.test_y) == set(range(10))


def test_the_split_is_fixed():
    assert (
        datasets.load("digits").test_y[:8].tolist() == datasets.load("digits").test_y[:8].tolist()
    )


def test_unknown_names_are_answered_with_the_known():
    with pytest.raises(Snn2ChipError, match="did you mean 'digits'") as e:
        datasets.load("digit")
    assert "mnist5k" in str(e.value)


def test_samples_and_labels_must_fit():
    x, y = np.zeros((3, 1, 2, 2), np.float32), np.array([0, 1, 2])
    for train, classes, said in (((x[:2], y), 3, "one label"), ((x, y), 2, r"0\.\.2")):
        with pytest.raises(Snn2ChipError, match=said):
            dataset("mine", train, (x, y), classes)
