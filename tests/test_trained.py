"""The two trained networks on all images held back: what rounding costs, and the twin checkpoint in plain PyTorch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.engines.layer import run as run_layer
from snn2chip.model import ModelRequest, load_model
from snn2chip.options import BuildOptions
from snn2chip.progress import Silent
from snn2chip.quantize.input import dequantize_input
from snn2chip.stages.data import on_grid
from snn2chip.stages.levels import quantized
from snn2chip.zoo.run import trace_zoo

DATA = Path(__file__).parent.parent / "examples" / "data"


@pytest.mark.parametrize(("name", "agreement"), [("digits", 0.99), ("mnist", 0.985)])
def test_rounding_keeps_decisions_and_the_twin_fires_the_chips_spikes(
    name: str, agreement: float, tmp_path: Path
) -> None:
    request = ModelRequest(
        path=str(DATA / f"{name}.pth"), input_path=str(DATA / f"{name}_test.npy"), layout="NCHW"
    )
    levels = quantized(BuildOptions(model=request), Silent())
    assert levels.model.inputs is not None
    assert levels.model.write_twin is not None
    data = on_grid(levels.qc, levels.model.inputs, Silent())
    chip = run_layer(levels.qc, data.integers)
    labels = np.load(DATA / f"{name}_test_labels.npy")
    original = run_circuit(levels.circuit, data.real, record=False).decision.argmax(1)
    ours = chip.decision.argmax(1)
    assert (original == ours).mean() >= agreement
    assert abs((original == labels).mean() - (ours == labels).mean()) <= 0.005

    levels.model.write_twin(levels.qc, tmp_path / "twin.pth")
    twin = load_model(
        replace(
            request, path=str(tmp_path / "twin.pth"), input_path=None, shape=levels.qc.input.shape
        )
    )
    assert twin.zoo is not None
    spikes = trace_zoo(twin.zoo(), dequantize_input(levels.qc.input, data.integers).values)
    layers = layer_outputs(levels.qc, chip.outputs)
    assert set(layers) == set(spikes)
    for layer, values in layers.items():
        assert np.array_equal(values, spikes[layer]), layer
        assert 0.02 <= (values > 0).mean() <= 0.75, layer
