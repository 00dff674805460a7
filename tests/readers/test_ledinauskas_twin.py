"""Twins of networks after Ledinauskas et al.: the chip's spikes in float32, the chip's decay in the file's args."""

from dataclasses import replace

import pytest
import torch

from snn2chip.arrays import ints
from snn2chip.errors import StatementError
from snn2chip.model import ModelRequest, load_model
from snn2chip.quantize.float32 import equal_in_float32
from snn2chip.readers.checkpoint import load_container
from tests.readers.on_grid import with_population
from tests.readers.test_ledinauskas_like import NAME, images, saved
from tests.readers.test_sew_resnet import load
from tests.readers.test_twins import fires_the_chips_spikes, quantized, write

CHIPS = 3686 / 4096
"""0.9 on the chip: δ = 410."""


def model_of(folder, args=None, **more):
    saved(folder / "net.pth", args, **more)
    return load(str(folder / "net.pth"), images())


@pytest.mark.parametrize("bottleneck", [False, True])
@pytest.mark.parametrize(("soft", "decay"), [(True, 0.5), (False, 0.5), (True, 1.0)])
@pytest.mark.parametrize("stem", [{}, {"stem_stride": 2}, {"stem_pool": True}])
def test_every_layout_fires_the_chips_spikes(tmp_path, bottleneck, soft, decay, stem):
    args = {"reset": "subtract" if soft else "zero", "decay": decay, **stem}
    model = model_of(tmp_path, args, bottleneck=bottleneck, soft=soft, **stem)
    qc, caveats = fires_the_chips_spikes(model, tmp_path)
    assert caveats == ()
    assert equal_in_float32(qc)[0]
    before, after = (load_container(tmp_path / f) for f in ("net.pth", "twin.pth"))
    assert list(before.tensors) == list(after.tensors)
    assert after.args == {**after.args, **before.args}


def test_a_decay_of_nothing_forgets(tmp_path):
    model = model_of(tmp_path, {"decay": 0.0})
    fires_the_chips_spikes(model, tmp_path)
    assert load_container(tmp_path / "twin.pth").args["decay"] == 0.0


@pytest.mark.parametrize("arch", [None, NAME])
def test_the_file_says_the_chips_decay(tmp_path, arch):
    """0.9 is not on the chip; also where the args of the file did not say it."""
    saved(tmp_path / "net.pth", {"decay": 0.9} if arch is None else {"decay": None, "arch": "own"})
    model = load(str(tmp_path / "net.pth"), images(), arch=arch)
    qc = quantized(model)
    assert (qc.population("sn1").neuron.delta == 410).all()
    assert write(model, qc, tmp_path / "twin.pth") == ()
    held = load_container(tmp_path / "twin.pth").args
    assert (held["arch"], held["decay"]) == (NAME, CHIPS)
    assert (held["reset"], held["threshold"]) == ("subtract", 1.0)
    again = load_model(ModelRequest(path=str(tmp_path / "twin.pth"), shape=qc.input.shape))
    assert again.network.provenance.options["decay"] == CHIPS
    proved, why = equal_in_float32(qc)
    assert not proved
    assert "decay rounds" in why


def test_a_decay_that_no_file_can_say_is_refused(tmp_path):
    net = saved(tmp_path / "net.pth", {"decay": 0.9})
    path = str(tmp_path / "net.pth")
    said = load(path, images(), options={"decay": 0.9})
    with pytest.raises(StatementError, match="leave out --option decay"):
        write(said, quantized(said), tmp_path / "twin.pth")
    torch.save(net.state_dict(), path)
    bare = load(path, images(), arch=NAME)
    with pytest.raises(StatementError, match=f"read it with --option decay={CHIPS}"):
        write(bare, quantized(bare), tmp_path / "twin.pth")
    told = load(path, images(), arch=NAME, options={"decay": CHIPS})
    assert write(told, quantized(told), tmp_path / "twin.pth") == ()


def test_what_the_layout_cannot_say_is_refused(tmp_path):
    model = model_of(tmp_path)
    qc = quantized(model)
    n = qc.population("layer1.0.sn1").neuron

    def refused(match, **changes):
        changed = {k: getattr(n, k) for k in ("levels", "amounts", "delta")} | changes
        other = type(n)(reset=n.reset, late_reset=False, emits=n.emits, **changed)
        with pytest.raises(StatementError, match=match):
            write(model, with_population(qc, "layer1.0.sn1", neuron=other), tmp_path / "x.pth")

    refused("its decay differs", delta=ints(n.delta + 1))
    refused("threshold is not 1", levels=(ints(n.levels[0] + 1),))
    refused("subtract exactly", amounts=(ints(n.amounts[0] + 1),))
    assert not (tmp_path / "x.pth").exists()


def test_a_changed_weight_is_seen(tmp_path):
    """The comparison sees a twin with one other tap."""
    model = model_of(tmp_path)
    own = model.write_twin
    assert own is not None

    def wrong(qc, path):
        caveats = own(qc, path)
        held = torch.load(path, weights_only=False)
        held["model"]["layer2.0.downsample.0.weight"][0] += 16
        torch.save(held, path)
        return caveats

    with pytest.raises(AssertionError, match=r"layer2\.0\.sn2"):
        fires_the_chips_spikes(replace(model, write_twin=wrong), tmp_path)
