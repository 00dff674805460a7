"""The exported models are the spec: every output, every potential, the decision, in the window and step by step."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper

from snn2chip.arrays import ints
from snn2chip.circuit.types import Conv, InputKind
from snn2chip.engines import spec
from snn2chip.engines.onnx import execute, session
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits
from snn2chip.onnx_export.models import IR_VERSION, OPSET, step_model, window_model
from snn2chip.onnx_export.widths import Way, widths
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording
from tests.engines.one_population import RELAY, one_population
from tests.engines.random_circuits import FAMILIES, added_currents, added_spikes, every_neuron

FORMS = (True, False)


def kind(model: ModelProto) -> np.dtype:
    given = next(i for i in model.graph.input if i.name == "input")
    return onnx.helper.tensor_dtype_to_np_dtype(given.type.tensor_type.elem_type)


def whole(model: ModelProto, inputs: InputData) -> dict[str, np.ndarray]:
    names = [o.name for o in model.graph.output]
    loaded = session(model.SerializeToString())
    return execute(loaded, names, {"input": inputs.values.astype(kind(model))})


def differing(got: dict[str, np.ndarray], qc: QuantizedCircuit, expected: Recording) -> list[str]:
    """Names of the outputs, potentials and decisions that are not equal."""
    names: list[str] = []
    for p in qc.populations:
        quiet = p.neuron.emits is Emits.NOTHING
        name = f"potential/{p.name}" if quiet else f"output/{p.name}"
        theirs = expected.potentials[p.name] if quiet else expected.outputs[p.name]
        names += [] if np.array_equal(got[name], theirs) else [p.name]
    return names + ([] if np.array_equal(got["decision"], expected.decision) else ["decision"])


@pytest.mark.parametrize("floats", FORMS, ids=["floats", "integers"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_the_window_equals_spec(family, seed, floats):
    qc, inputs = family(seed)
    model = window_model(qc, floats=floats)
    onnx.checker.check_model(model, full_check=True)
    assert differing(whole(model, inputs), qc, spec.run(qc, inputs)) == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_step_by_step_it_is_the_window(family, seed):
    qc, inputs = family(seed)
    model = step_model(qc)
    onnx.checker.check_model(model, full_check=True)
    names = [o.name for o in model.graph.output]
    state = {
        i.name: np.zeros(
            (inputs.samples, *(d.dim_value for d in i.type.tensor_type.shape.dim[1:])), np.int64
        )
        for i in model.graph.input
        if i.name not in ("step", "input")
    }
    window, loaded = whole(window_model(qc), inputs), session(model.SerializeToString())
    for t in range(qc.steps):
        feed = {"step": np.array(t), "input": inputs.at(t).astype(kind(model)), **state}
        got = execute(loaded, names, feed)
        state = {name: got[f"{name}/next"] for name in state}
        for name in (n for n in names if n.startswith("output/")):
            np.testing.assert_array_equal(got[name], window[name][t], err_msg=name)
    for name in (n for n in window if n.startswith("potential/")):
        membrane = state[f"membrane/{name.removeprefix('potential/')}/0"]
        np.testing.assert_array_equal(membrane, window[name])


def test_every_way_is_taken():
    qc, _ = every_neuron(0)
    assert {p.way for p in widths(qc, floats=False).plans.values()} == {Way.BYTES, Way.WIDE}
    assert {p.way for p in widths(qc).plans.values()} == {Way.FLOAT, Way.WIDE}
    signed, _ = added_spikes(2)
    plans = widths(signed, floats=False).plans
    assert plans["stem:0"].way is Way.BYTES
    assert plans["stem:0"].low < 0


def all_bright(channels: int) -> tuple[QuantizedCircuit, InputData]:
    """One convolution of bytes at their largest, whose sums are odd: 255 · (127 · 9 · channels - 1)."""
    frames = ints(np.full((1, 1, channels, 3, 3), 255))
    weight = np.full((1, channels, 3, 3), 127)
    weight[0, 0, 0, 0] = 126
    qc = one_population(RELAY, frames, Conv(), weight, shape=(1, 1, 1))
    qc = replace(qc, input=replace(qc.input, bits=8, signed=False), v_limit=1 << 30)
    return qc, InputData(kind=InputKind.FRAMES, values=frames)


@pytest.mark.parametrize(
    ("channels", "operator"), [(56, "Conv"), (57, "Conv"), (58, "ConvInteger"), (64, "ConvInteger")]
)
def test_floats_are_used_up_to_their_bound(channels, operator):
    qc, inputs = all_bright(channels)
    assert (255 * (127 * 9 * channels - 1) < 1 << 24) is (operator == "Conv")
    model = window_model(qc)
    assert operator in {n.op_type for n in model.graph.node}
    assert differing(whole(model, inputs), qc, spec.run(qc, inputs)) == []


def test_floats_beyond_their_bound_would_be_wrong(monkeypatch):
    """An odd number above 2^24 is no float32."""
    monkeypatch.setattr("snn2chip.onnx_export.widths.FLOAT32", 1 << 31)
    qc, inputs = all_bright(58)
    model = window_model(qc)
    assert "Conv" in {n.op_type for n in model.graph.node}
    assert differing(whole(model, inputs), qc, spec.run(qc, inputs)) == ["n", "decision"]


@pytest.mark.parametrize("seed", [0, 2])
def test_sums_that_are_too_large_for_float32_are_int64(seed):
    qc, inputs = added_spikes(seed)
    large = tuple(replace(p, weight=ints(p.weight * 1000 + 1)) for p in qc.projections)
    qc = replace(qc, projections=large, v_limit=1 << 40)
    assert widths(qc).plans["stem:0"].way is Way.WIDE
    assert differing(whole(window_model(qc), inputs), qc, spec.run(qc, inputs)) == []


def test_numbers_that_leave_64_bits_are_refused_by_name():
    qc, _ = added_spikes(0)
    stem = replace(qc.projections[0], weight=ints(qc.projections[0].weight << 50))
    with pytest.raises(StatementError, match=r"onnx-width\] stem: .*2\^62"):
        window_model(replace(qc, projections=(stem, *qc.projections[1:])))


@pytest.mark.parametrize("family", [added_spikes, added_currents], ids=lambda f: f.__name__)
def test_a_mutated_weight_in_the_file_changes_the_outcome(family):
    qc, inputs = family(1)
    model = window_model(qc)
    expected = spec.run(qc, inputs)
    tensors = {i.name: i for i in model.graph.initializer}
    noticed = 0
    for k, projection in enumerate(qc.projections):
        tensor = tensors[f"weight/{projection.name}"]
        values = numpy_helper.to_array(tensor).copy()
        values.flat[0] = 127
        before, tensor.raw_data = tensor.raw_data, values.tobytes()
        got = whole(model, inputs)
        tensor.raw_data = before
        noticed += differing(got, qc, expected) != []
        # Where nobody notices, the spec does not either.
        weight = projection.weight.copy()
        weight.flat[0] = 127
        changed = list(qc.projections)
        changed[k] = replace(projection, weight=ints(weight))
        mutated = replace(qc, projections=tuple(changed))
        assert differing(got, mutated, spec.run(mutated, inputs)) == [], projection.name
    assert noticed > len(qc.projections) / 2
    assert differing(whole(model, inputs), qc, expected) == []


def test_only_standard_operators_of_a_fixed_version():
    for model in (window_model(every_neuron(0)[0]), step_model(every_neuron(0)[0])):
        assert [(o.domain, o.version) for o in model.opset_import] == [("", OPSET)]
        assert (model.ir_version, OPSET) == (IR_VERSION, 17)
        assert {n.domain for n in model.graph.node} == {""}


def test_metadata_says_what_a_user_needs():
    qc, _ = every_neuron(1)
    told = {p.key: p.value for p in window_model(qc).metadata_props}
    assert told["T"] == "4"
    assert (told["model"], told["input.kind"], told["input.type"]) == ("window", "frames", "uint8")
    assert float(told["input.scale"]) == qc.input.scale
    assert (told["input.bits"], told["input.low"], told["input.high"]) == ("2", "0", "3")
    populations = json.loads(told["populations"])
    assert [p["name"] for p in populations] == [p.name for p in qc.populations]
    assert populations[2] == {
        "name": "relay",
        "shape": list(qc.population("relay").shape),
        "layer": "relay",
        "role": "neuron",
        "emits": "graded",
        "unit": 1.0,
    }
    assert json.loads(told["layers"])["levels"] == ["levels"]
    assert json.loads(told["readout"])["population"] == "answer"


def test_bytes_are_the_same_each_time():
    qc, _ = every_neuron(2)
    assert window_model(qc).SerializeToString() == window_model(qc).SerializeToString()
