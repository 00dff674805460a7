"""The zoo's networks: joins by hand, the recordings of the authors' code, small networks, training."""

import numpy as np
import pytest
import torch

from snn2chip.zoo import sew_resnet, spiking_resnet
from snn2chip.zoo.run import run_zoo, trace_zoo
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.readers.checkpoints import images, small, small_plain


@pytest.mark.parametrize(
    ("connect_f", "table"),
    [
        ("ADD", [0, 1, 1, 2]),
        ("AND", [0, 0, 0, 1]),
        ("IAND", [0, 1, 0, 0]),
        ("IAND_SWAPPED", [0, 0, 1, 0]),
    ],
)
def test_joins(connect_f, table):
    branch, identity = torch.tensor([0.0, 0, 1, 1]), torch.tensor([0.0, 1, 0, 1])
    assert sew_resnet.JOINS[connect_f](branch, identity).tolist() == table


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sew_resnet18_add_32", sew_resnet.sew_resnet18),
        ("spiking_resnet18_32", spiking_resnet.spiking_resnet18),
    ],
)
def test_fires_what_the_authors_code_recorded(name, make):
    state, x, expected = casegen.load_case(CASES / name)
    module = make(**casegen.read_case(CASES / name)["arch"]["args"])
    module.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})
    trace, logits = run_zoo(module, x)
    assert casegen.compare(CASES / name, trace) == []
    assert np.array_equal(logits, expected["output"]["array"])


def test_state_dicts_are_the_authors():
    for make in (sew_resnet.sew_resnet50, spiking_resnet.spiking_resnet50):
        with torch.device("meta"):
            module = make()
        assert len(module.state_dict()) == 320
        assert sum(p.numel() for p in module.parameters()) == 25_557_032


def test_frames_that_are_all_the_image_fire_as_the_image():
    net, x = small(), images().numpy()
    static, frames = trace_zoo(net, x), trace_zoo(net, np.stack([x] * 4))
    assert all(np.array_equal(static[name], frames[name]) for name in static)


def test_traces_name_neurons_joins_and_pools():
    names = set(trace_zoo(small(stem_pool=True), images().numpy()))
    assert names == {
        *("sn1", "maxpool#out", "layer1.0.sn1", "layer1.0.sn2", "layer1.0#out"),
        *("layer2.0.sn1", "layer2.0.sn2", "layer2.0.downsample.1", "layer2.0#out"),
    }
    plain = set(trace_zoo(small_plain(), images().numpy()))
    assert "layer1.1.sn2" in plain
    assert not any("#" in name for name in plain)


def test_tracing_leaves_the_module_as_it_was():
    net = small().train()
    trace_zoo(net, images().numpy())
    assert net.training
    assert not any(m._forward_hooks for m in net.modules())


def test_zero_init_makes_a_block_of_add_pass_its_input():
    net = sew_resnet.SEWResNet(
        sew_resnet.BasicBlock,
        (1,),
        zero_init_residual=True,
        in_channels=1,
        width=4,
        stem_kernel=3,
        stem_pool=False,
    )
    trace = trace_zoo(net, images().numpy())
    assert trace["layer1.0.sn2"].max() == 0
    assert np.array_equal(trace["layer1.0#out"], trace["sn1"])


def test_training_lowers_the_loss():
    torch.manual_seed(0)
    net = sew_resnet.small_sew_resnet(1, 3, width=4, blocks=(1, 1), T=2)
    x, y = images(24), torch.arange(24) % 3
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    losses: list[float] = []
    for _ in range(20):
        loss = torch.nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
