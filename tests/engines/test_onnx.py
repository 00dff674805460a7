"""The onnx engine equals the spec engine: values, types, decisions; the authors' recorded case; what is missing."""

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from snn2chip.circuit.layers import layer_outputs
from snn2chip.engines import onnx as engine
from snn2chip.engines import registry, spec
from snn2chip.errors import Snn2ChipError
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.progress import Silent
from snn2chip.stages.data import on_grid
from snn2chip.stages.levels import quantized
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.engines.lava.small_networks import networks
from tests.engines.random_circuits import FAMILIES, added_spikes
from tests.engines.same import same


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_equals_spec(family, seed):
    qc, inputs = family(seed)
    same(engine.run(qc, inputs), spec.run(qc, inputs))


@given(networks())
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
def test_equals_spec_on_small_networks(job):
    """Those that Lava runs, and many more of them."""
    same(engine.run(*job), spec.run(*job))


def test_nothing_is_recorded_that_was_not_asked_for():
    qc, inputs = added_spikes(1)
    seen: list[float] = []
    got = engine.run(qc, inputs, record=False, progress=seen.append)
    expected = spec.run(qc, inputs)
    assert not got.outputs
    assert np.array_equal(got.decision, expected.decision)
    assert np.array_equal(got.potentials["answer"], expected.potentials["answer"])
    assert seen == [1.0]


def test_the_recorded_case_fires_as_recorded(tmp_path):
    case = CASES / "sew_resnet18_add_32"
    told = casegen.read_case(case)
    casegen.save_checkpoint(case, tmp_path / "c.pth")
    _, x, _ = casegen.load_case(case)
    np.save(tmp_path / "x.npy", x)
    request = ModelRequest(
        path=str(tmp_path / "c.pth"),
        input_path=str(tmp_path / "x.npy"),
        layout=told["input"]["layout"],
        steps=told["T"],
        **told["cli"],
    )
    levels = quantized(BuildOptions(model=request), Silent())
    assert levels.model.inputs is not None
    inputs = on_grid(levels.qc, levels.model.inputs, Silent()).integers
    got = engine.run(levels.qc, inputs)
    same(got, spec.run(levels.qc, inputs))
    assert casegen.compare(case, layer_outputs(levels.qc, got.outputs)) == []


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "snn2chip.engines.onnx")
    with pytest.raises(Snn2ChipError, match=r"package-missing.*onnxruntime.*snn2chip\[onnx\]"):
        registry.engine("onnx").load()
