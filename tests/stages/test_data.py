"""Labels that belong to other samples, or to another network."""

import numpy as np
import pytest

from snn2chip.errors import Snn2ChipError
from snn2chip.stages.data import load_labels


def test_labels_are_whole_numbers_whatever_their_type(tmp_path):
    np.save(tmp_path / "y.npy", np.array([0, 9, 3], np.uint8))
    found = load_labels(str(tmp_path / "y.npy"), 3, 10)
    assert found is not None
    assert (found.dtype, found.tolist()) == (np.int64, [0, 9, 3])
    assert load_labels(None, 3, 10) is None


@pytest.mark.parametrize(
    ("labels", "code", "says"),
    [
        ([0, 1], "labels-shape", "is not one label for each sample (have [2]; need [3])"),
        ([[0], [1], [2]], "labels-shape", "have [3, 1]; need [3]"),
        ([0.0, 1.0, 2.0], "labels-dtype", "labels are not integers (have float64)"),
        ([True, False, True], "labels-dtype", "have bool"),
        ([0, 10, 3], "labels-range", "no class of this network (have 0..10; need 0..9)"),
        ([0, -1, 3], "labels-range", "have -1..3"),
    ],
)
def test_labels_that_do_not_fit(tmp_path, labels, code, says):
    path = str(tmp_path / "y.npy")
    np.save(path, np.array(labels))
    with pytest.raises(Snn2ChipError) as refused:
        load_labels(path, 3, 10)
    assert refused.value.finding.code == code
    assert str(refused.value).startswith(f"error[{code}] {path}: ")
    assert says in str(refused.value)
