"""Twins of every system: written in the source's layout, they fire the chip's spikes in plain float32."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from snn2chip.arrays import ints
from snn2chip.chip.target import load_target
from snn2chip.circuit.layers import layer_outputs
from snn2chip.engines.layer import run
from snn2chip.errors import StatementError
from snn2chip.lowering import lower
from snn2chip.model import LoadedModel, ModelRequest, load_model
from snn2chip.quantize.float32 import equal_in_float32
from snn2chip.quantize.input import choose_input, dequantize_input, quantize_input
from snn2chip.quantize.quantize import quantize
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.checkpoint import load_container
from snn2chip.readers.mlf_twin import _middle
from snn2chip.zoo.dvs_resnet import BlockType
from snn2chip.zoo.mlf import MLFNeurons, MLFResNet
from snn2chip.zoo.run import trace_zoo
from tests.readers import test_dvs_resnet as dvs
from tests.readers import test_guo as guo
from tests.readers import test_mlf as mlf
from tests.readers.checkpoints import dyadic
from tests.readers.on_grid import with_population
from tests.readers.recorded import load_case

LOIHI2 = load_target("loihi2")


def load(net, folder, x, *, layout=None, **options) -> LoadedModel:
    torch.save({"net": net.state_dict()}, folder / "net.pth")
    np.save(folder / "x.npy", x)
    return load_model(
        ModelRequest(
            path=str(folder / "net.pth"),
            input_path=str(folder / "x.npy"),
            options=options,
            layout=layout,
        )
    )


def quantized(model: LoadedModel) -> QuantizedCircuit:
    circuit = lower(model.network).circuit
    grid = choose_input(circuit.input.shape, circuit.input.kind, model.inputs)
    return quantize(circuit, LOIHI2.widths, target="loihi2", input=grid)[0]


def write(model: LoadedModel, qc: QuantizedCircuit, path) -> tuple[str, ...]:
    assert model.write_twin is not None
    return model.write_twin(qc, path)


def reread(model: LoadedModel, folder, options: Mapping[str, object], qc) -> LoadedModel:
    return load_model(
        ModelRequest(path=str(folder / "twin.pth"), options=options, shape=qc.input.shape)
    )


def fires_the_chips_spikes(model, folder, **options) -> tuple[QuantizedCircuit, tuple[str, ...]]:
    """Write the twin, run it in the zoo's module, compare every layer with the integers."""
    qc = quantized(model)
    caveats = write(model, qc, folder / "twin.pth")
    twin = reread(model, folder, options, qc)
    integers, _ = quantize_input(qc.input, model.inputs)
    chip = layer_outputs(qc, run(qc, integers).outputs)
    assert twin.zoo is not None
    code = trace_zoo(twin.zoo(), dequantize_input(qc.input, integers).values)
    shared = [k for k in code if k in chip]
    assert len(shared) > 3
    for layer in shared:
        assert np.array_equal(chip[layer].reshape(code[layer].shape), code[layer]), layer
        assert code[layer].any(), layer
    again = quantized(replace(twin, inputs=model.inputs))
    for a, b in zip(qc.populations, again.populations, strict=True):
        assert np.array_equal(a.neuron.levels[0], b.neuron.levels[0])
        assert np.array_equal(a.scale, b.scale)
    for a, b in zip(qc.projections, again.projections, strict=True):
        assert np.array_equal(a.weight, b.weight)
    return qc, caveats


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (BlockType.SEW, {"connect_f": "ADD"}),
        (BlockType.SEW, {"connect_f": "IAND"}),
        (BlockType.PLAIN, {"block_type": "plain"}),
        (BlockType.BASIC, {}),
    ],
)
def test_dvs(tmp_path, kind, options):
    net = dvs.small(kind, options.get("connect_f", "ADD"), pools=(2, 2))
    model = load(net, tmp_path, dvs.frames(), layout="TNCHW", T=4, **options)
    qc, caveats = fires_the_chips_spikes(model, tmp_path, T=4, **options)
    assert caveats == ()
    assert equal_in_float32(qc)[0]


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("stem", [0, 2])
def test_guo(tmp_path, stem, norm):
    net = guo.small(stem, norm)
    if norm:  # on every other channel the comparison turns round, shortcuts included
        for name, tensor in net.state_dict().items():
            if (".relu" in name or "_act" in name or name.endswith(".2.bn.weight")) and (
                name.endswith("bn.weight")
            ):
                tensor[::2] *= -1
    model = load(net, tmp_path, guo.images())
    _, caveats = fires_the_chips_spikes(model, tmp_path)
    assert caveats == ()
    before, after = (load_container(tmp_path / f).tensors for f in ("net.pth", "twin.pth"))
    assert list(before) == list(after)
    if norm:
        name = "model.layer1.0.output_act.bn.weight"
        assert np.array_equal(np.sign(before[name]), np.sign(after[name]))


def test_mlf(tmp_path):
    model = load(mlf.small(), tmp_path, mlf.images(), **mlf.HALVES)
    _, caveats = fires_the_chips_spikes(model, tmp_path, **mlf.HALVES)
    assert caveats == ()


def test_a_factor_that_is_no_power_of_two_is_exact_where_sums_are_moved(tmp_path):
    """0.6 · x rounds; between 1 and 1.67 times a power of two it divides back."""
    largest = 10_000
    middle = _middle(float(np.float32(0.6)), largest)
    assert middle is not None and middle > largest
    x = torch.arange(-largest, largest + 1, dtype=torch.float32)[None, :, None, None, None]
    norm = MLFNeurons().norm(1).eval()
    variance = torch.tensor([(float(np.float32(0.6)) * 2.0**38) ** 2])
    norm.load_state_dict(
        {
            "bn.weight": torch.tensor([2.0**38]),
            "bn.bias": torch.tensor([-middle]),
            "bn.running_mean": torch.tensor([-middle]),
            "bn.running_var": variance,
        },
        strict=False,
    )
    assert torch.equal(norm(x.transpose(0, 1)), x.transpose(0, 1))
    norm.load_state_dict(
        {"bn.bias": torch.zeros(1), "bn.running_mean": torch.zeros(1)}, strict=False
    )
    assert not torch.equal(norm(x.transpose(0, 1)), x.transpose(0, 1))


def test_mlf_with_the_authors_thresholds_says_what_it_cannot_prove(tmp_path):
    net = dyadic(MLFResNet((1, 1), 3, in_channels=1, width=4))
    model = load(net, tmp_path, mlf.images())
    qc = quantized(model)
    caveats = write(model, qc, tmp_path / "twin.pth")
    assert all("factor 0.6" in c for c in caveats)


def test_a_rounded_bias_at_the_borders_is_refused(tmp_path):
    net = mlf.small(input_norm=True)
    state = net.state_dict()
    state["bn0.bn.running_mean"].fill_(0.25)
    state["bn0.bn.running_var"].fill_((0.5 - 1e-5) ** 2)  # with the factor of 0.5, almost x - mean
    model = load(net, tmp_path, mlf.images(), **mlf.HALVES)
    qc = quantized(model)
    assert write(model, qc, tmp_path / "twin.pth") == ()
    bias = np.array(qc.population("spike_func").bias)
    assert bias.shape == (4, 8, 8)
    bias[0, 0, 0] += 1
    with pytest.raises(StatementError, match="borders"):
        write(model, with_population(qc, "spike_func", bias=ints(bias)), tmp_path / "other.pth")


def test_a_window_of_different_weights_is_refused(tmp_path):
    model = load(guo.small(2), tmp_path, guo.images())
    qc = quantized(model)
    name = "model.layer1.0.conv1.pool"
    changed = []
    for q in qc.projections:
        weight = np.array(q.weight)
        if q.name == name:
            weight[0, 0, 0, 0] += 1
        changed.append(replace(q, weight=ints(weight)))
    with pytest.raises(StatementError, match="within a window"):
        write(model, replace(qc, projections=tuple(changed)), tmp_path / "other.pth")


@pytest.mark.parametrize(
    "name", ["guo_mpbn_res20m_exact", "mlf_resnet20_gesture_exact", "dvsgesture_sew_add"]
)
def test_recorded_cases(tmp_path, name):
    model = load_case(name, tmp_path)
    qc = quantized(model)
    assert write(model, qc, tmp_path / "twin.pth") == ()
    twin = load_model(
        ModelRequest(
            path=str(tmp_path / "twin.pth"),
            options=dict(model.network.provenance.options) if "mlf" in name else {},
            shape=qc.input.shape,
            steps=qc.steps,
        )
    )
    assert model.inputs is not None and twin.zoo is not None
    integers, _ = quantize_input(qc.input, model.inputs)
    chip = layer_outputs(qc, run(qc, integers).outputs)
    code = trace_zoo(twin.zoo(), dequantize_input(qc.input, integers).values)
    assert all(np.array_equal(chip[k].reshape(v.shape), v) for k, v in code.items() if k in chip)
