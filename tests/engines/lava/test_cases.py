"""Three recorded cases in every executor: the authors' code fired what the spec, Lava and all the others fire."""

import numpy as np
import pytest

from snn2chip.chip.map import map_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.engines import core, dense, layer, onnx, spec
from snn2chip.engines.lava import engine
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.progress import Silent
from snn2chip.stages.data import on_grid
from snn2chip.stages.levels import quantized
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.engines.same import same

NAMES = ("mlf_resnet14_exact", "sew_resnet18_add_32", "spiking_resnet18_32")


def read(name: str, folder):
    """(levels, integers) of a case."""
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
def test_recorded_cases_fire_the_same_in_every_executor(tmp_path):
    read_cases = [read(name, tmp_path) for name in NAMES]
    runs = engine.run_many([(levels.qc, x) for levels, x in read_cases], fast=True)
    for name, (levels, x), got in zip(NAMES, read_cases, runs, strict=True):
        qc, expected = levels.qc, spec.run(levels.qc, x)
        same(got, expected)
        same(layer.run(qc, x), expected)
        same(dense.run(qc, x), expected)
        same(onnx.run(qc, x), expected)
        program = map_circuit(qc, levels.target).program
        same(core.run(program, levels.target, x, qc=qc), expected)
        assert casegen.compare(CASES / name, layer_outputs(qc, got.outputs)) == []
