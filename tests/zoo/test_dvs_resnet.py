"""The zoo's DVS networks: the authors' state dicts, and the recording of their code."""

from functools import partial

import torch

from snn2chip.zoo.dvs_resnet import BlockType, Entry, ResNetN
from snn2chip.zoo.run import run_zoo
from tests.cases import casegen
from tests.cases.paths import CASES

CASE = CASES / "dvsgesture_sew_add"
entry = partial(Entry, up_kernel_size=1, num_blocks=1, block_type=BlockType.SEW, k_pool=2)


def test_7b_net_fires_what_the_authors_code_recorded():
    state, x, expected = casegen.load_case(CASE)
    net = ResNetN([entry(channels=32, mid_channels=32)] * 7, 11, features=32)
    net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})
    trace, logits = run_zoo(net, x.swapaxes(0, 1))
    assert casegen.compare(CASE, trace) == []
    assert (logits == expected["output"]["array"]).all()


def test_wide_7b_net_has_the_authors_size():
    narrow, wide = entry(channels=64, mid_channels=64), entry(channels=128, mid_channels=128)
    net = ResNetN([narrow] * 4 + [wide] * 3, 10, features=128)
    assert len(net.state_dict()) == 114
    assert sum(p.numel() for p in net.parameters()) == 1_192_218
