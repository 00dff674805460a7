"""The network after Ledinauskas et al.: its neuron by hand, torchvision's names and sizes, and training by width."""

import pytest
import torch

from snn2chip.zoo.ledinauskas_like import CurrentLIF, LedinauskasLike, Neurons
from snn2chip.zoo.surrogates import Surrogate


def fire(soft: bool, *currents: float) -> list[float]:
    neuron = CurrentLIF(0.5, 1.0, soft, Surrogate(shape="atan"))
    return neuron(torch.tensor(currents)[:, None]).reshape(-1).tolist()


def test_soft_reset_keeps_what_is_above():
    # v: 1.5 → .5;  .25 + .875 = 1.125 → .125;  .0625 + .9375 = 1: at the threshold, no spike
    assert fire(True, 1.5, 0.875, 0.9375) == [1, 1, 0]


def test_hard_reset_keeps_nothing():
    # v: 1.5 → 0;  .875;  .4375 + .9375 → fires
    assert fire(False, 1.5, 0.875, 0.9375) == [1, 0, 1]


def test_resnet50_has_torchvisions_size_and_names():
    with torch.device("meta"):
        net = LedinauskasLike((3, 4, 6, 3), 1000, bottleneck=True, stem_kernel=7)
    assert sum(p.numel() for p in net.parameters()) == 25_557_032  # torchvision's resnet50
    assert len(net.state_dict()) == 320
    keys = {"layer1.0.downsample.0.weight", "layer4.2.bn3.running_var", "fc.bias"}
    assert keys < set(net.state_dict())


@pytest.mark.parametrize("bottleneck", [False, True])
def test_shapes_and_strides(bottleneck):
    net = LedinauskasLike(
        (1, 1), 3, bottleneck=bottleneck, width=4, T=2, in_channels=1, stem_pool=True
    )
    shapes = []
    for block in (net.get_submodule("layer1.0"), net.get_submodule("layer2.0")):
        block.register_forward_hook(lambda _m, _i, y: shapes.append(tuple(y.shape)))
    assert net(torch.rand(5, 1, 8, 8)).shape == (5, 3)
    wide = 4 if bottleneck else 1
    assert shapes == [(2, 5, 4 * wide, 4, 4), (2, 5, 8 * wide, 2, 2)]


def test_the_width_decides_how_much_gradient_reaches_the_stem():
    norms = []
    for width in (0.02, 0.1, 10.0):
        torch.manual_seed(0)
        surrogate = Surrogate(shape="fast_sigmoid", width=width)
        net = LedinauskasLike(
            (2, 2), 3, width=4, T=4, in_channels=1, neuron=Neurons(surrogate=surrogate)
        )
        net(torch.rand(8, 1, 8, 8)).square().sum().backward()
        grad = net.conv1.weight.grad
        assert grad is not None
        norms.append(float(grad.norm()))
    assert norms[0] < norms[1] < norms[2]
