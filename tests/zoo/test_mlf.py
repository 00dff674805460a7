"""The zoo's MLF network: the recording, sizes of the paper's networks, and training."""

import torch

from snn2chip.zoo.mlf import MLFNeurons, MLFResNet, MLFUnit
from snn2chip.zoo.run import run_zoo
from tests.cases import casegen
from tests.cases.paths import CASES

CASE = CASES / "mlf_resnet20_gesture_exact"


def test_levels_have_membranes_of_their_own():
    unit = MLFUnit((0.5, 1.5), 0.5)
    # level 1: 1.0 fires, then 0 + 0.5 does not; level 2: 1.0 and 0.5 + 0.5, then 0.5 + 1.25 fires
    out = unit(torch.tensor([[1.0], [0.5], [1.25]]))
    assert out[:, 0].tolist() == [1.0, 0.0, 2.0]


def test_gesture_network_fires_what_the_authors_code_recorded():
    state, x, _ = casegen.load_case(CASE)
    neurons = MLFNeurons(thresholds=(0.5, 1.5, 2.5))
    net = MLFResNet((3, 3, 3), 11, in_channels=2, width=16, input_norm=True, neurons=neurons)
    net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})
    assert casegen.compare(CASE, run_zoo(net, x.swapaxes(0, 1))[0]) == []


def test_sizes_of_the_authors_networks():
    for blocks, count, keys in (((2, 2, 2), 2_777_674, 92), ((3, 3, 3), 4_327_754, 128)):
        net = MLFResNet(blocks)
        assert sum(p.numel() for p in net.parameters()) == count
        assert len(net.state_dict()) == keys


def test_training_lowers_the_loss_and_keeps_statistics():
    torch.manual_seed(0)
    net = MLFResNet((1,), 3, in_channels=1, width=4, T=2)
    x, y = torch.rand(24, 1, 8, 8), torch.arange(24) % 3
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    losses: list[float] = []
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert net.bn1.bn.running_mean is not None
    assert net.bn1.bn.running_mean.any()
