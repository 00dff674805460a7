"""Three recorded cases in every executor: the authors' code fired what the spec, Lava and all the others fire."""

from pathlib import Path

import numpy as np
import pytest

from snn2chip.chip.map import map_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.engines import core, dense, layer, onnx, spec
from snn2chip.engines.lava import engine
from snn2chip.inputs import InputData
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.progress import Silent
from snn2chip.stages.data import on_grid
from snn2chip.stages.levels import Levels, quantized
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.engines.same import same

NAMES = ("mlf_resnet14_exact", "s_resnet_n1_exact", "sew_resnet18_add_32")
"""A case of three of the systems: several thresholds, gains of single steps, sums of spikes."""


def read(name: str, folder: Path) -> tuple[Levels, InputData]:
    """The levels and integers of a case."""
    told = casegen.read_case(CASES / name)
    casegen.save_checkpoint(CASES / name, folder / f"{name}.pth")
    _, x, _ = casegen.load_case(CASES / name)
    np.save(folder / f"{name}.npy", x)
    request = ModelRequest(
        path=str(folder / f"{name}.pth"),
        arch=told["cli"]["arch"],
        options=told["cli"]["options"],
        input_path=str(folder / f"{name}.npy"),
        layout=told["input"]["layout"],
        steps=told["T"] if told["input"]["layout"] == "NCHW" else None,
    )
    levels = quantized(BuildOptions(model=request), Silent())
    assert levels.model.inputs is not None
    return levels, on_grid(levels.qc, levels.model.inputs, Silent()).integers


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_case_fires_the_same_in_every_executor(tmp_path, name):
    levels, x = read(name, tmp_path)
    qc = levels.qc
    expected = spec.run(qc, x)
    different = casegen.compare(CASES / name, layer_outputs(qc, expected.outputs))
    # What S-ResNet adds up between blocks is real: no population sends it.
    assert [d for d in different if not d.endswith("#out: missing")] == []
    for run in (layer.run, dense.run, onnx.run):
        same(run(qc, x), expected)
    program = map_circuit(qc, levels.target).program
    same(core.run(program, levels.target, x, qc=qc), expected)
    same(engine.run(qc, x, fast=True), expected)
