"""S-ResNets of random dyadic numbers: circuits fire as the zoo's PyTorch, and relays carry its real-valued joins."""

import numpy as np
import pytest
import torch

from snn2chip.circuit.check import check
from snn2chip.circuit.engine import run
from snn2chip.circuit.layers import layer_outputs
from snn2chip.circuit.nir import read, write
from snn2chip.circuit.types import Role
from snn2chip.lowering import lower
from snn2chip.neuron import Emits
from snn2chip.zoo.run import run_zoo
from snn2chip.zoo.s_resnet import SResnet, SResnetNM
from tests.circuit.test_nir import assert_same
from tests.readers.checkpoints import dyadic
from tests.readers.test_sew_resnet import load

NETWORKS = {
    "one pair a stage": lambda: SResnet(1, 4, 3, 0.875, 8, 3),
    "two pairs a stage": lambda: SResnet(2, 2, 3, 0.5, 8, 3),
    "boosted": lambda: SResnet(1, 4, 3, 1.0, 8, 3, boosting=True),
    "event frames, halved": lambda: SResnetNM(1, 4, 3, 0.75, 8, 3),
}


def gains(net, seed):
    """Gains of any sign, some 0: a division by them would show."""
    g = torch.Generator().manual_seed(seed)
    choices = torch.tensor([-1.0, 0.0, 0.5, 1.0, 1.0, 2.0]) * 2.0**20
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            drawn = torch.randint(0, len(choices), module.weight.shape, generator=g)
            module.weight.data = choices[drawn]
    return net


def loaded(name, seed, tmp_path):
    net = gains(dyadic(NETWORKS[name](), seed), seed)
    path = tmp_path / "net.pth"
    torch.save({"state_dict": net.state_dict()}, path)
    events = isinstance(net, SResnetNM)
    shape = (2, net.num_steps, 2, 16, 16) if events else (2, 3, 8, 8)
    x = torch.randint(-8, 9, shape, generator=torch.Generator().manual_seed(seed)).numpy() / 8
    options = {"leak_mem": net.neurons[0].leak, "img_size": 8}
    if not events:
        options["boosting"] = net.boosting
    return load(
        str(path), x.astype(np.float32), options=options, layout="NTCHW" if events else None
    )


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", NETWORKS)
def test_circuits_fire_as_pytorch(tmp_path, name, seed):
    model = loaded(name, seed, tmp_path)
    assert model.inputs is not None and model.zoo is not None
    circuit = lower(model.network).circuit
    check(circuit)
    recording = run(circuit, model.inputs)
    outputs = recording.outputs
    trace, logits = run_zoo(model.zoo(), model.inputs.values.astype(np.float32))
    shown = layer_outputs(circuit, outputs)
    for layer, values in trace.items():
        assert values.any(), layer
        assert np.array_equal({**outputs, **shown}[layer], values), layer
    np.testing.assert_allclose(recording.decision, logits, rtol=1e-6)


def test_there_is_one_relay_for_each_join_and_one_weight_for_each_convolution(tmp_path):
    model = loaded("two pairs a stage", 0, tmp_path)
    circuit = lower(model.network).circuit
    relays = [p.name for p in circuit.populations if p.neuron.emits is Emits.GRADED]
    joins = [f"conv_list.{i}#out" for i in (6, 8, 10, 12)]
    assert set(relays) == {*joins, "bn_conv1x1_list.0", "bn_conv1x1_list.1"}
    assert {p.origin.role for p in circuit.populations if p.name in relays} == {Role.RELAY}
    convolutions = [p.name for p in circuit.projections if p.weight.ndim == 4]
    assert len(convolutions) == 6 * 2 + 1 + 2
    assert [p.sources for p in circuit.into("fc")] == [("conv_list.12#out",)]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_circuit_survives_a_nir_file(tmp_path, name):
    circuit = lower(loaded(name, 0, tmp_path).network).circuit
    write(circuit, tmp_path / "net.nir")
    assert_same(read(tmp_path / "net.nir"), circuit)
