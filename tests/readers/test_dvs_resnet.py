"""Reading the DVS networks of the SEW repository: block kinds, pools, options, and the errors of what does not fit."""

import numpy as np
import pytest
import torch

from snn2chip.network.engine import run
from snn2chip.network.types import MaxPool2d
from snn2chip.zoo.dvs_resnet import BlockType, Entry, ResNetN
from tests.cases import casegen
from tests.cases.paths import CASES
from tests.readers.checkpoints import dyadic, save
from tests.readers.test_sew_resnet import agree, load, refused

CASE = CASES / "dvsgesture_sew_add"


def small(kind=BlockType.SEW, connect_f="ADD", pools=(2, 2)):
    entries = [
        Entry(
            channels=c,
            up_kernel_size=k,
            mid_channels=c + 1,
            num_blocks=1,
            block_type=kind,
            k_pool=p,
        )
        for c, k, p in ((4, 1, pools[0]), (6, 3, pools[1]))
    ]
    size = 12 // (pools[0] or 1) // (pools[1] or 1)
    return dyadic(ResNetN(entries, 3, connect_f, features=6 * size * size))


def frames(size=12):
    g = torch.Generator().manual_seed(2)
    return torch.randint(0, 4, (4, 2, 2, size, size), generator=g).float().numpy()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pth"


def test_the_authors_recording(path):
    casegen.save_checkpoint(CASE, path)
    _, x, _ = casegen.load_case(CASE)
    model = load(str(path), x, layout="NTCHW")
    assert model.network.provenance.system == "sew_resnet_dvs"
    assert model.inputs is not None
    assert casegen.compare(CASE, run(model.network, model.inputs).outputs) == []


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (BlockType.SEW, {"connect_f": "ADD"}),
        (BlockType.SEW, {"cnf": "IAND"}),
        (BlockType.PLAIN, {"block_type": "plain"}),
        (BlockType.BASIC, {}),
    ],
)
def test_every_kind_of_block_fires_as_the_zoo(path, kind, options):
    net = small(kind, "IAND" if "cnf" in options else "ADD", pools=(2, None))
    if "cnf" in options:  # a join of a block's spikes with itself must stay 0/1
        net = small(kind, "IAND", pools=(2, 2))
    torch.save({"net": net.state_dict(), "epoch": 1}, path)
    trace = agree(load(str(path), frames(), options=options, layout="TNCHW"))
    assert trace["conv.0.1"].any()
    assert ("conv.1#out" in trace) is (kind is BlockType.SEW)


def test_a_pool_behind_the_last_block_shows_in_the_classifier(path):
    for pools, last in (((2, 2), True), ((2, None), False)):
        save(path, small(pools=pools).state_dict(), {"connect_f": "ADD"})
        names = [x.name for x in load(str(path), frames()).network.layers]
        assert ("conv.5#out" in names) is last


def test_pools_of_other_sizes_are_asked_for(path):
    save(path, small(pools=(3, 2)).state_dict(), {"connect_f": "ADD"})
    assert "give --option k_pool" in refused(str(path), x=frames())
    model = load(str(path), frames(), options={"k_pool": [3, 2]})
    kernels = [x.op.kernel for x in model.network.layers if isinstance(x.op, MaxPool2d)]
    assert kernels == [(3, 3), (2, 2)]
    agree(model)


def layers(*pools):
    """The authors' list of `small`."""
    return [
        {
            "channels": c,
            "up_kernel_size": k,
            "mid_channels": c + 1,
            "num_blocks": 1,
            "block_type": "sew",
            "k_pool": p,
        }
        for c, k, p in zip((4, 6), (1, 3), pools, strict=True)
    ]


def test_layer_list_is_understood(path):
    save(path, small(pools=(3, 2)).state_dict(), {})
    options = {"layer_list": layers(3, 2), "connect_f": "ADD"}
    agree(load(str(path), frames(), options=options))
    assert "contradicts layer_list" in refused(
        str(path), x=frames(), options={**options, "k_pool": 2}
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"channels": 5}, "conv.3 (have a convolution of 3 x 3 to 5 channels"),
        ({"up_kernel_size": 1}, "need a convolution of 3 x 3 to 6 channels"),
        ({"mid_channels": 6}, "need a block with 7 inner channels"),
        ({"num_blocks": 2}, "need a pool of 2 x 2"),
        ({"block_type": "plain"}, "several kinds"),
        ({"block_type": "sow"}, "did you mean 'sew'"),
        ({"k_pool": 5}, "does not fit out.weight"),
        ({"up_kernel_size": 2}, "1 | 3"),
        ({"kpool": 2}, "did you mean 'k_pool'"),
    ],
)
def test_a_layer_list_against_keys_and_shapes_is_refused(path, wrong, said):
    save(path, small(pools=(3, 2)).state_dict(), {"connect_f": "ADD"})
    first, last = layers(3, 2)
    assert said in refused(str(path), x=frames(), options={"layer_list": [first, last | wrong]})
    for less in (3, [3], [{"channels": 4}], []):
        text = refused(str(path), x=frames(), options={"layer_list": less})
        assert "not the authors' list" in text


def test_a_first_block_without_a_convolution_tells_the_channels(path):
    entries = [
        Entry(
            channels=3,
            up_kernel_size=1,
            mid_channels=4,
            num_blocks=1,
            block_type=BlockType.SEW,
            k_pool=2,
        )
    ]
    net = dyadic(ResNetN(entries, 3, features=3 * 6 * 6, in_channels=3))
    save(path, net.state_dict(), {"connect_f": "ADD"})
    x = np.repeat(frames()[:, :, :1], 3, axis=2)
    assert load(str(path), x).network.input.shape == (3, 12, 12)
    assert "has another number of channels" in refused(str(path), x=frames())


def test_what_the_keys_cannot_say_is_asked_for(path):
    save(path, small().state_dict())
    said = refused(str(path), x=frames())
    assert "ADD | AND | IAND" in said
    assert "block_type=plain" in said
    said = refused(str(path), x=frames(), options={"block_type": "basic", "connect_f": "ADD"})
    assert "contradicts the keys" in said


def test_args_of_the_authors_name_plain_networks(path):
    save(path, small(BlockType.PLAIN).state_dict(), {"model": "PlainNet", "connect_f": None})
    agree(load(str(path), frames()))


def test_assumptions_are_kept(path):
    save(path, small().state_dict(), {"connect_f": "ADD", "T": 16})
    p = load(str(path), frames()).network.provenance
    assert any("k_pool = 2" in x for x in p.assumed)
    assert any("T = 4, though the file's args say 16" in x for x in p.assumed)
    assert p.unused == ("6 × *.num_batches_tracked (for training only)",)


def test_missing_and_misshapen_tensors_are_named(path):
    state = small().state_dict()
    del state["conv.1.conv.1.1.w"]
    save(path, state, {"connect_f": "ADD"})
    assert "conv.1.conv.1.1.w" in refused(str(path), x=frames())
    state = small().state_dict()
    state["conv.1.conv.0.0.module.1.bias"] = torch.zeros(3)
    save(path, state, {"connect_f": "ADD"})
    assert "[3]" in refused(str(path), x=frames())


def test_other_inputs_are_refused(path):
    save(path, small().state_dict(), {"connect_f": "ADD"})
    assert "number of channels" in refused(str(path), x=np.zeros((4, 1, 3, 12, 12)))
    assert "does not fit out.weight" in refused(str(path), x=frames(20))
