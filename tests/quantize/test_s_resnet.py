"""S-ResNets in integers: scales of relays and their summands, the twin, every engine, and targets that cannot."""

from typing import Any

import numpy as np
import pytest
import torch

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.engines.registry import ENGINES
from snn2chip.engines.spec import run as run_spec
from snn2chip.lowering import lower
from snn2chip.neuron import Emits
from snn2chip.quantize.grid import is_power_of_two
from snn2chip.quantize.input import choose_input, dequantize_input, quantize_input
from snn2chip.quantize.quantize import quantize
from snn2chip.quantize.twin import twin
from snn2chip.zoo.s_resnet import SResnet
from tests.lowering.test_s_resnet import NETWORKS, loaded
from tests.quantize.build import STRICT_WIDTHS, WIDTHS
from tests.readers.test_sew_resnet import load


def natural(tmp_path, seed, shortcut=1.0):
    """A network of random weights whose norms have seen random images; those of shortcuts scaled by `shortcut`."""
    torch.manual_seed(seed)
    net = SResnet(2, 4, 3, 0.874, 8, 3)
    with torch.no_grad():
        for _ in range(3):
            net.train()(torch.randn(4, 3, 8, 8))
    for norm in net.bn_conv1x1_list.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.weight.data.mul_(shortcut)
    torch.save(net.state_dict(), tmp_path / "net.pth")
    x = np.random.default_rng(seed).normal(size=(2, 3, 8, 8)).astype(np.float32)
    return load(str(tmp_path / "net.pth"), x, options={"leak_mem": 0.874})


def quantized(model, **more):
    circuit = lower(model.network).circuit
    grid = choose_input(circuit.input.shape, circuit.input.kind, model.inputs)
    qc, findings = quantize(circuit, WIDTHS, target="test", input=grid, **more)
    assert not [f for f in findings if f.severity.value == "error"]
    return circuit, qc, quantize_input(grid, model.inputs)[0]


def same_everywhere(qc, integers):
    """Spec, twin and the engines of integers; returns the spec's recording."""
    spec = run_spec(qc, integers)
    floats = run_circuit(twin(qc), dequantize_input(qc.input, integers))
    others: list[Any] = [ENGINES[name].load()(qc, integers) for name in ("layer", "dense", "onnx")]
    for name, values in spec.outputs.items():
        assert all(np.array_equal(values, r.outputs[name]) for r in (floats, *others)), name
    for name, values in spec.potentials.items():
        assert all(np.array_equal(values, r.potentials[name]) for r in others), name
    return spec


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_on_the_grid_lose_nothing(tmp_path, name):
    model = loaded(name, 0, tmp_path)
    assert model.inputs is not None
    circuit, qc, integers = quantized(model)
    spec = same_everywhere(qc, integers)
    expected = layer_outputs(circuit, run_circuit(circuit, model.inputs).outputs)
    for layer, values in layer_outputs(qc, spec.outputs).items():
        assert np.array_equal(values, expected[layer]), layer


@pytest.mark.parametrize(("method", "free_scales"), [("max", False), ("mse", False), ("max", True)])
def test_natural_weights_give_the_same_spikes_everywhere(tmp_path, method, free_scales):
    _, qc, integers = quantized(natural(tmp_path, 0), method=method, free_scales=free_scales)
    spec = same_everywhere(qc, integers)
    assert [name for name, values in spec.outputs.items() if not values.any()] == ["fc"]


@pytest.mark.parametrize("shortcut", [1.0, 2.0**-8])
def test_summands_of_a_relay_share_its_scale_by_powers_of_two(tmp_path, shortcut):
    """However small the numbers beside the spikes are: none is rounded away."""
    _, qc, _ = quantized(natural(tmp_path, 1, shortcut))
    relays = [p for p in qc.populations if p.neuron.emits is Emits.GRADED and p.neuron.gain is None]
    assert [p.name for p in relays] == [f"conv_list.{i}#out" for i in (6, 8, 10, 12)]
    for relay in relays:
        assert len(set(relay.scale)) == 1
        spikes, graded = qc.into(relay.name)
        unit = {"": 1.0} | {p.name: p.unit for p in qc.populations}
        for projection, worth in ((spikes, 1.0), (graded, unit[graded.sources[0]])):
            assert is_power_of_two(projection.weight)
            real = projection.weight * 2.0**projection.exponent * relay.scale
            assert np.array_equal(real, np.full(len(real), worth))


def test_targets_without_the_features_name_layer_and_feature(tmp_path):
    circuit = lower(natural(tmp_path, 0).network).circuit
    _, findings = quantize(circuit, STRICT_WIDTHS, target="test")
    found = {(f.code, f.where) for f in findings}
    assert {
        ("feature-per-step", "conv_list.3"),
        ("feature-subtract", "conv_list.3"),
        ("feature-graded", "bn_conv1x1_list.0"),
        ("feature-per-step", "bn_conv1x1_list.0"),
        ("feature-graded", "conv_list.6#out"),
    } <= found
