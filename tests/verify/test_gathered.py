"""Counts of chunks, added in their order, are those of all samples."""

import numpy as np

from snn2chip.verify.chunk import Gathered
from snn2chip.verify.compare import Tally


def test_counts_of_later_samples_are_added():
    rng = np.random.default_rng(1)
    left, right = rng.integers(0, 2, (2, 3, 8, 2, 2, 2))
    whole, parts = Tally(), Tally()
    whole.add({"sn": left}, {"sn": right})
    for first in (0, 4):
        part = Tally()
        part.add({"sn": left[:, first : first + 4]}, {"sn": right[:, first : first + 4]}, first)
        parts.merge(part)
    assert (parts.compared, parts.differing, parts.layers) == (
        whole.compared,
        whole.differing,
        whole.layers,
    )
    assert whole.first is not None and parts.first is not None
    assert parts.first.sample < 4, "the first difference is one of the first chunk"


def test_an_executor_that_was_left_out_once_is_left_out():
    run = Gathered(engines={"layer": Tally(compared=5), "onnx": Tally(compared=5)})
    run.add(Gathered(engines={"layer": Tally(compared=2)}, unable=["executor onnx: cannot"]))
    run.add(Gathered(engines={"layer": Tally(compared=2)}, unable=["executor onnx: cannot"]))
    assert {n: t.compared for n, t in run.engines.items()} == {"layer": 9}
    assert run.unable == ["executor onnx: cannot"]
