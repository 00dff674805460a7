"""A static image is one frame for all steps, whatever its bits: engines agree on a trained network."""

from pathlib import Path

import numpy as np
import pytest

from snn2chip.engines import dense, layer, spec
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions, QuantizeOptions
from snn2chip.progress import Silent
from snn2chip.stages.data import on_grid
from snn2chip.stages.levels import quantized
from tests.engines.same import same

DATA = Path(__file__).parents[2] / "examples" / "data"


@pytest.mark.parametrize("bits", [1, 2, 3, 5])
def test_engines_agree_on_images_of_any_bits(bits: int, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.load(DATA / "digits_test.npy")[:4])
    request = ModelRequest(
        path=str(DATA / "digits.pth"), input_path=str(tmp_path / "x.npy"), layout="NCHW"
    )
    options = BuildOptions(model=request, quantize=QuantizeOptions(input_bits=bits))
    levels = quantized(options, Silent())
    assert levels.model.inputs is not None
    integers = on_grid(levels.qc, levels.model.inputs, Silent()).integers
    expected = spec.run(levels.qc, integers)
    assert all(expected.outputs[p.name].any() for p in levels.qc.populations if p.name != "fc")
    same(layer.run(levels.qc, integers), expected)
    same(dense.run(levels.qc, integers), expected)
