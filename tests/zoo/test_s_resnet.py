"""The zoo's S-ResNet: the recordings, sizes of the paper's networks, resizing, random input, and training."""

from typing import Any

import pytest
import torch

from snn2chip.zoo.run import run_zoo
from snn2chip.zoo.s_resnet import SoftResetLIF, SResnet, SResnetNM
from tests.cases import casegen
from tests.cases.paths import CASES

SMALL: dict[str, Any] = {"n": 1, "nFilters": 8, "num_steps": 4, "leak_mem": 0.875}


def fired(case, net):
    """(what differs from the recording, logits): joins are recorded as whole multiples of 2^join_exp."""
    folder = CASES / case
    state, x, expected = casegen.load_case(folder)
    net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})
    frames = casegen.read_case(folder)["input"]["layout"] == "NTCHW"
    trace, logits = run_zoo(net, x.swapaxes(0, 1) if frames else x)
    for name, exponent in casegen.read_case(folder)["join_exp"].items():
        trace[name] = trace[name] * 2.0**-exponent
    return casegen.compare(folder, trace), logits, expected["output"]["array"]


@pytest.mark.parametrize(
    ("case", "net"),
    [
        ("s_resnet_n1_exact", lambda: SResnet(**SMALL)),
        ("s_resnet_n1_boost_exact", lambda: SResnet(**SMALL, boosting=True)),
        ("s_resnet_nm_n1_exact", lambda: SResnetNM(**SMALL)),
    ],
)
def test_fires_what_the_authors_code_recorded(case, net):
    differ, logits, recorded = fired(case, net())
    assert differ == []
    assert (logits == recorded).all()


def test_membrane_leaks_and_keeps_what_is_above_the_threshold():
    # 1.0 is not above 1; 0.5 + 1.0 = 1.5 fires and leaves 0.5; 0.25 + 0.5 does not fire
    out = SoftResetLIF(0.5)(torch.tensor([[1.0], [1.0], [0.5]]))
    assert out[:, 0].tolist() == [0.0, 1.0, 0.0]


def test_sizes_of_the_authors_networks():
    net = SResnet()
    assert sum(p.numel() for p in net.parameters()) == 2_533_856
    assert len(net.state_dict()) == 10_543
    assert sum(p.numel() for p in SResnet(boosting=True).parameters()) == 2_545_376
    assert sum(p.numel() for p in SResnetNM().parameters()) == 2_533_568


def test_frames_of_twice_the_size_are_halved():
    net = SResnetNM(1, 2, 3, img_size=8).eval()
    frames = torch.randint(0, 5, (3, 1, 2, 16, 16)).float()
    means = frames.unfold(3, 2, 2).unfold(4, 2, 2).mean((-1, -2))
    assert torch.equal(net(frames), net(means))


def test_fewer_steps_take_the_first_norms_and_divide_by_all():
    net = SResnet(1, 2, 3, img_size=8).eval()
    frames = torch.rand(2, 1, 3, 8, 8)
    short = SResnet(1, 2, 2, img_size=8).eval()
    short.load_state_dict({k: v for k, v in net.state_dict().items() if k in short.state_dict()})
    torch.testing.assert_close(net(frames) * 3, short(frames) * 2)
    with pytest.raises(AttributeError):
        net(torch.rand(4, 1, 3, 8, 8))


def test_random_spikes_have_signs_and_differ_from_step_to_step():
    net = SResnet(1, 2, 50, poisson_gen=True)
    x = torch.tensor([-0.5, 0.0, 0.9]).view(1, 3, 1, 1)
    drawn = net._frames(x)
    assert drawn.shape == (50, 1, 3, 1, 1)
    assert set(drawn[:, 0, 0, 0, 0].tolist()) == {-1.0, 0.0}
    assert not drawn[:, 0, 1].any()
    assert torch.equal(net._frames(drawn), drawn)


def test_training_lowers_the_loss_and_keeps_statistics_of_every_step():
    torch.manual_seed(0)
    net = SResnet(1, 4, 2, img_size=8, num_cls=3, in_channels=1)
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
    means = [net.state_dict()[f"bntt_list.2.{t}.running_mean"] for t in (0, 1)]
    assert means[0].any() and not torch.equal(*means)


def test_shared_norms_are_one_norm_under_every_steps_name():
    torch.manual_seed(0)
    net = SResnet(1, 4, 3, num_cls=3, in_channels=1, shared_norms=True)
    state = net.state_dict()
    assert state.keys() == SResnet(1, 4, 3, num_cls=3, in_channels=1).state_dict().keys()
    net.train()(torch.rand(8, 1, 8, 8)).sum().backward()
    means = [net.state_dict()[f"bntt_list.1.{t}.running_mean"] for t in range(3)]
    assert torch.equal(means[0], means[1]) and torch.equal(means[0], means[2])
    assert means[0].any()
    # The same tensors in a network with norms of their own fire the same in evaluation.
    apart = SResnet(1, 4, 3, num_cls=3, in_channels=1)
    apart.load_state_dict(net.state_dict())
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(net.eval()(x), apart.eval()(x))
