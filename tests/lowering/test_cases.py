"""The authors' own recordings: the float engine and the lowered circuit fire as their code did."""

import numpy as np
import pytest

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.lowering import lower
from snn2chip.model import ModelRequest, load_model
from snn2chip.network.engine import run
from tests.cases import casegen
from tests.cases.paths import CASES


@pytest.mark.parametrize("name", ["sew_resnet18_add_32", "spiking_resnet18_32"])
def test_networks_and_circuits_fire_as_recorded(tmp_path, name):
    case = casegen.read_case(CASES / name)
    casegen.save_checkpoint(CASES / name, tmp_path / "checkpoint.pth")
    _, x, expected = casegen.load_case(CASES / name)
    np.save(tmp_path / "x.npy", x)
    model = load_model(
        ModelRequest(
            path=str(tmp_path / "checkpoint.pth"),
            steps=case["T"],
            input_path=str(tmp_path / "x.npy"),
            layout=case["input"]["layout"],
            **case["cli"],
        )
    )
    assert model.inputs is not None
    circuit = lower(model.network).circuit
    in_floats = run(model.network, model.inputs)
    in_float32 = run(model.network, model.inputs, dtype="float32")
    lowered = run_circuit(circuit, model.inputs)
    assert casegen.compare(CASES / name, in_floats.outputs) == []
    assert casegen.compare(CASES / name, in_float32.outputs) == []
    assert casegen.compare(CASES / name, layer_outputs(circuit, lowered.outputs)) == []
    assert np.array_equal(lowered.decision, expected["output"]["array"])
    assert np.array_equal(in_floats.decision, expected["output"]["array"])
