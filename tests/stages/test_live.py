"""`snn2chip.read` and what follows: deploy with rungs 0 and 2c in the module's own framework, and each check broken."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch

import snn2chip
from snn2chip.neuron import Compare, Reset
from snn2chip.readers.module import twin
from tests.readers.module.live import dyadic, images
from tests.readers.module.test_norse import net as norse_net
from tests.readers.module.test_sinabs import MAKERS, Squeezed
from tests.readers.module.test_snntorch import Looped
from tests.readers.module.test_spikingjelly import JOINS, NEURONS
from tests.readers.module.test_spikingjelly import net as spikingjelly_net

MODULES = {
    "spikingjelly": lambda: (spikingjelly_net(), images(4, 2, 2, 8, 8), 4, None),
    "iand": lambda: (
        spikingjelly_net(join=JOINS["iand"][0]),
        images(4, 2, 2, 8, 8),
        4,
        None,
    ),
    "norse": lambda: (norse_net(), 4 * images(8, 2, 2, 8, 8), 8, None),
    "snntorch": lambda: (dyadic(Looped()), images(8, 2, 2, 8, 8), 8, None),
    "sinabs": lambda: (dyadic(Squeezed(MAKERS["iaf"])), images(12, 2, 8, 8), 4, "NT-CHW"),
}
ANYTHING = snn2chip.QuantizeOptions(allow=("dead-layer",))


def read(name):
    module, example, steps, layout = MODULES[name]()
    return snn2chip.read(module, example, steps=steps, layout=layout)


def deployed(model, folder):
    options = snn2chip.BuildOptions(model=model, quantize=ANYTHING)
    return snn2chip.deploy(options, folder / "build")


def rung(done, name):
    return next(r for r in done.verdict.rungs if r.rung == name)


@pytest.mark.parametrize("name", MODULES)
def test_deployed_with_its_own_framework_as_a_witness(name, tmp_path):
    model = read(name)
    assert model.rung is not None
    assert model.rung.compared > 0
    done = deployed(model, tmp_path)
    assert done.verdict
    assert "snn2chip deploy" not in done.report.read_text()
    assert [r.rung for r in done.verdict.rungs] == ["0", "1", "2", "2b", "2c", "3", "4"]
    assert rung(done, "2c").differing == 0
    assert rung(done, "2c").compared > 0
    assert rung(done, "2c").title == "twin of the module in its own framework"
    assert rung(done, "0").sides[0] == "the user's module, float32"


def test_a_build_is_verified_again_with_the_module(tmp_path):
    model = read("snntorch")
    snn2chip.compile_model(snn2chip.BuildOptions(model=model, quantize=ANYTHING), tmp_path / "b")
    again = snn2chip.verify_build(tmp_path / "b", None, model=model.loaded)
    assert again.verdict
    assert [r.rung for r in again.verdict.rungs][:2] == ["0", "1"]


def flipped(model):
    """Fires at the threshold where it did not, or the other way."""
    strict = model.compare is Compare.GREATER
    return replace(model, compare=Compare.GREATER_EQUAL if strict else Compare.GREATER)


def never_reset(model):
    return replace(model, reset=Reset.NONE, late_reset=False)


@pytest.mark.parametrize("mutate", [flipped, never_reset])
@pytest.mark.parametrize("name", ["spikingjelly", "norse", "snntorch", "sinabs"])
def test_neurons_that_are_read_wrongly_are_seen(name, mutate, monkeypatch):
    reader = import_module(f"snn2chip.readers.module.{name}")
    right = reader.FRAMEWORK

    def wrong(module, kind, spot):
        found = right.read(module, kind, spot)
        return replace(found, model=mutate(found.model))

    monkeypatch.setattr(reader, "FRAMEWORK", replace(right, read=wrong))
    with pytest.raises(snn2chip.StatementError) as caught:
        read(name)
    assert caught.value.finding.code == "module-spikes"
    # A comparison that is flipped differs at ties only, and there are too many of them.
    assert ("ties are more than" if mutate is flipped else ", step ") in caught.value.finding.have


def test_what_was_read_is_told():
    model = read("spikingjelly")
    lines = model.lines()
    assert lines[0].startswith("SpikingJelly Net, T = 4")
    assert any("layout TNCHW" in x for x in lines)
    assert lines[-1].split()[:2] == ["rung", "0"]
    assert model.to_dict()["differing"] == 0
    assert model.path == "module:tests.readers.module.test_spikingjelly.Net"
    unseen = snn2chip.read(spikingjelly_net(), images(4, 2, 2, 8, 8), steps=4, compare=False)
    assert unseen.rung is None


def test_a_build_of_a_module_knows_that_it_is_gone(tmp_path):
    deployed(read("spikingjelly"), tmp_path)
    with pytest.raises(snn2chip.Snn2ChipError) as caught:
        snn2chip.rerun(tmp_path / "build")
    assert caught.value.finding.code == "module-gone"
    np.save(tmp_path / "x.npy", images(4, 1, 2, 8, 8).numpy())
    verified = snn2chip.verify_build(tmp_path / "build", str(tmp_path / "x.npy"))
    assert any("rungs 0 and 1" in x for x in verified.verdict.left_out)
    with pytest.raises(snn2chip.Snn2ChipError) as caught:
        snn2chip.verify_build(tmp_path / "build", None)
    assert "needs an input" in str(caught.value)


def test_a_module_that_fires_otherwise_fails_rung_0(tmp_path):
    model = read("spikingjelly")
    live = model.loaded.live
    assert live is not None
    live.module.block1.sn2.v_threshold = 1.125  # type: ignore[attr-defined]
    done = deployed(model, tmp_path)
    assert not done.verdict
    assert not rung(done, "0").passed
    assert rung(done, "2").passed


def test_a_twin_with_a_wrong_weight_fails_rung_2c(tmp_path, monkeypatch):
    right = twin._own_weight

    def wrong(writer, target, unit):
        weight = np.array(right(writer, target, unit))
        if unit.kernel.name == "block1.conv2":
            weight += 64
        return weight

    monkeypatch.setattr(twin, "_own_weight", wrong)
    done = deployed(read("spikingjelly"), tmp_path)
    assert not done.verdict
    assert not rung(done, "2c").passed
    assert str(rung(done, "2c").first).startswith("block1.sn2, step")


LEFT_OUT = {
    "if to a value": "elsewhere than at 0 is not kept",
    "lif to a value": "elsewhere than at 0 is not kept",
}


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_a_twin_that_no_tensor_can_say_is_left_out_with_the_reason(kind, tmp_path):
    module = spikingjelly_net(make=NEURONS[kind])
    model = snn2chip.read(module, images(4, 2, 2, 8, 8), steps=4)
    done = deployed(model, tmp_path)
    assert done.verdict
    assert any(x.startswith("rung 2c") and LEFT_OUT[kind] in x for x in done.verdict.left_out)


def test_only_the_copy_gets_the_twins_weights(tmp_path):
    module, example, steps, _ = MODULES["spikingjelly"]()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    model = snn2chip.read(module, example, steps=steps)
    deployed(model, tmp_path)
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())


def test_the_module_is_no_file():
    model = read("spikingjelly")
    options = snn2chip.BuildOptions(model=model).to_dict()["model"]
    assert isinstance(options, dict)
    assert options["path"] == model.path
    assert "loaded" not in options
    assert replace(model, rung=None).network is model.network
