"""Reading networks of Guo's group: layouts, norms on membranes, options, and the errors of what does not fit."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.lowering import lower
from snn2chip.model import ModelRequest, load_model
from snn2chip.network.engine import run
from snn2chip.network.types import Neuron
from snn2chip.neuron import Compare, Reset
from snn2chip.zoo.guo import GuoResNet
from snn2chip.zoo.run import run_zoo
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.readers.checkpoints import dyadic
from tests.readers.test_sew_resnet import agree, load, refused

CASE = CASES / "guo_mpbn_res20m_exact"


def small(stem=2, norm=False, blocks=(1, 2), kernel=3):
    net = GuoResNet(
        blocks, 3, in_channels=1, width=4, stem=stem, stem_kernel=kernel, membrane_norm=norm
    )
    return dyadic(net)


def images(side=8):
    g = torch.Generator().manual_seed(1)
    return torch.randint(0, 17, (2, 1, side, side), generator=g).float().numpy() / 4


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pth"


def test_the_authors_recording(path):
    casegen.save_checkpoint(CASE, path)
    _, x, _ = casegen.load_case(CASE)
    model = load(str(path), x, options={"step": 4})
    assert model.inputs is not None
    assert casegen.compare(CASE, run(model.network, model.inputs).outputs) == []
    assert model.network.provenance.system == "guo_resnet"
    assert "MPBN" in model.network.provenance.arch


@pytest.mark.parametrize("stem", [0, 2])
@pytest.mark.parametrize("norm", [False, True])
def test_every_layout_fires_as_the_zoo(path, stem, norm):
    torch.save(small(stem, norm).state_dict(), path)
    model = load(str(path), images())
    trace = agree(model)
    assert {"model.layer1.0.relu1", "model.layer2.1.output_act"} < set(trace)
    assert trace["model.layer2.0.output_act"].any()
    assert ("plain LIF" in model.network.provenance.arch) is not norm


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("side", [16, 14, 13])
def test_the_imagenet_layout_fires_as_the_zoo(path, side, norm):
    """Ninths are no binary fractions, so weights are random numbers, and nothing is at a threshold in float64."""
    net = small(0, norm, kernel=7).double()
    g = torch.Generator().manual_seed(3)
    for name, p in net.named_parameters():
        if "norm" not in name:
            p.data *= 1 + torch.rand(p.shape, generator=g, dtype=torch.float64) / 8
    torch.save(net.state_dict(), path)
    model = load(str(path), images(side))
    trace = agree(model)
    assert trace["model.layer2.0.output_act"].any()
    assert model.write_twin is None
    lowered = lower(model.network)
    assert model.inputs is not None
    got = run_circuit(lowered.circuit, model.inputs)
    outputs = layer_outputs(lowered.circuit, got.outputs)
    for name, values in run(model.network, model.inputs).outputs.items():
        assert np.array_equal(outputs[name], values), name
    relayed = any("model.pool" in n.did for n in lowered.passes if n.name == "graded pools")
    assert relayed is (side == 16)  # where the stem's map is odd, one kernel says the same


def test_the_imagenet_layout_is_known_by_its_kernel(path):
    torch.save(small(0, kernel=7).state_dict(), path)
    network = load_model(ModelRequest(path=str(path))).network
    assert network.input.shape == (1, 224, 224)
    assert any("224 x 224 pixels (ImageNet)" in a for a in network.provenance.assumed)
    state = small(0, kernel=7).state_dict()
    state["model.conv1.pool.weight"] = torch.zeros(4, 1, 5, 5)
    torch.save(state, path)
    assert "model.conv1.pool.weight" in refused(str(path))


def test_negative_norms_of_membranes_turn_the_comparison_round(path):
    net = small(0, True)
    norm = net.get_submodule("model.relu.bn")
    assert isinstance(norm, torch.nn.BatchNorm2d) and norm.running_var is not None
    norm.weight.data = torch.tensor([1.0, -1.0, 2.0, -2.0]) * 2.0**20
    torch.save(net.state_dict(), path)
    model = load(str(path), images())
    assert "model.relu#sign" in [x.name for x in model.network.layers]
    assert agree(model)["model.relu"].any()


def test_a_norm_of_weight_zero_is_refused(path):
    state = small(0, True).state_dict()
    state["model.relu.bn.weight"] = torch.tensor([1.0, 0.0, 1.0, 1.0])
    torch.save(state, path)
    said = refused(str(path))
    assert "model.relu.bn.weight" in said
    assert "channel 1" in said


def test_neurons_and_what_is_assumed(path):
    torch.save(small().state_dict(), path)
    network = load(str(path), images()).network
    op = network.layer("model.conv1.2").op
    assert isinstance(op, Neuron)
    assert (float(op.model.threshold.item()), float(op.model.decay.item())) == (0.5, 0.25)
    assert (op.model.compare, op.model.reset) == (Compare.GREATER, Reset.ZERO)
    assumed = " ".join(network.provenance.assumed)
    assert all(x in assumed for x in ("T = 4", "decay = 0.25", "threshold = 0.5"))


def test_options(path):
    torch.save(small().state_dict(), path)
    assert load(str(path), images(), options={"step": 2}).network.steps == 2
    assert "decay" in refused(str(path), x=images(), options={"decay": 3})
    assert "contradicts the shape" in refused(str(path), options={"num_classes": 4})


def test_what_does_not_fit_is_named(path):
    state = small().state_dict()
    del state["model.layer2.0.downsample.2.bn.bias"]
    torch.save(state, path)
    assert "model.layer2.0.downsample.2.bn.bias" in refused(str(path))
    torch.save(small().state_dict(), path)
    assert "even numbers of rows" in refused(str(path), x=np.zeros((1, 1, 7, 8)))
    assert "number of channels" in refused(str(path), x=np.zeros((1, 3, 8, 8)))


def _listed(value):
    return value if isinstance(value, tuple) else (value,)


def with_branches():
    return dyadic(GuoResNet((1, 2, 1), 3, in_channels=1, width=4, stem=2, branches=True))


def test_branches_are_dropped_and_listed_and_the_main_path_stays(path):
    net = with_branches()
    torch.save(net.state_dict(), path)
    model = load(str(path), images())
    names = [x.name for x in model.network.layers if x.name.startswith("shortcut.")]
    assert names == [f"shortcut.{i}{part}" for i in (0, 1) for part in (".pool", ".flatten", "")]
    assert not [k for k in model.network.provenance.unused if k.startswith("shortcut")]
    done = lower(model.network)
    (note,) = [n for n in done.passes if n.name == "drop training branches"]
    assert all(name in note.did for name in names)
    # The same file without branches is the same circuit, and it fires and answers as the network that was trained.
    bare = {k: v for k, v in net.state_dict().items() if not k.startswith("shortcut.")}
    torch.save(bare, path)
    plain = load(str(path), images())
    for part in ("input", "populations", "projections", "readout"):
        first, second = (
            [asdict(v) for v in _listed(getattr(lower(n).circuit, part))]
            for n in (plain.network, model.network)
        )
        np.testing.assert_equal(first, second)
    assert model.inputs is not None
    deployed = run_circuit(done.circuit, model.inputs)
    trace, logits = run_zoo(net, images())
    assert np.array_equal(deployed.decision.argmax(1), logits.argmax(1))
    agree(model)
    layers = layer_outputs(done.circuit, deployed.outputs)
    assert all(np.array_equal(layers[name], spikes) for name, spikes in trace.items())
    assert trace["model.layer3.0.output_act"].any()


def test_a_layer_of_another_prefix_is_not_dropped(path):
    state = with_branches().state_dict()
    renamed = {k.replace("shortcut.1", "shortcat.1"): v for k, v in state.items()}
    torch.save(renamed, path)
    assert "shortcat.1.weight (no part of the network)" in " ".join(
        load(str(path), images()).network.provenance.unused
    )


def test_branches_of_a_wrong_shape_are_named(path):
    state = with_branches().state_dict()
    state["shortcut.1.weight"] = torch.zeros(3, 5)
    torch.save(state, path)
    assert "shortcut.1.weight" in refused(str(path))
