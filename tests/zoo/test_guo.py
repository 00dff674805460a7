"""The zoo's networks of Guo's group: the recording, sizes, and what a membrane's norm does."""

import torch

from snn2chip.zoo.guo import GuoResNet, LIFAct
from snn2chip.zoo.run import run_zoo
from tests.cases import casegen
from tests.cases.paths import CASES

CASE = CASES / "guo_mpbn_res20m_exact"


def test_res20m_fires_what_the_authors_code_recorded():
    state, x, _ = casegen.load_case(CASE)
    net = GuoResNet(membrane_norm=True)
    net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})
    assert casegen.compare(CASE, run_zoo(net, x)[0]) == []


def test_sizes_of_the_authors_networks():
    for blocks, width, stem, lif, mpbn in (
        ((2, 2, 2, 2), 64, 3, 11_247_946, 11_256_010),
        ((3, 3, 2), 128, 0, 12_569_226, 12_578_186),
        ((3, 3, 3), 128, 0, 17_289_866, 17_300_874),
    ):
        for norm, count in ((False, lif), (True, mpbn)):
            with torch.device("meta"):
                net = GuoResNet(blocks, width=width, stem=stem, membrane_norm=norm)
            assert sum(p.numel() for p in net.parameters()) == count


def test_reset_is_of_the_membrane_and_the_test_of_its_norm():
    act = LIFAct(1, 0.5, 0.5, True).eval()
    assert act.bn is not None
    act.bn.weight.data.fill_(-1.0)  # fires where u < -1/2
    spikes = act(torch.tensor([-0.5, -0.5, 1.0, -2.0]).reshape(4, 1, 1, 1, 1))
    assert spikes.flatten().tolist() == [0.0, 1.0, 0.0, 1.0]
