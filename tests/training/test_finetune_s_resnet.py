"""Fine-tuning S-ResNet: gains and biases of single steps are trained, and what trains is what the chip computes."""

from argparse import Namespace

import numpy as np
import pytest
import torch

from snn2chip.engines.layer import run
from snn2chip.errors import StatementError
from snn2chip.lowering import lower
from snn2chip.lowering.graded_joins import graded_joins
from snn2chip.model import ModelRequest, load_model
from snn2chip.network.types import Linear, Neuron
from snn2chip.neuron import Emits
from snn2chip.quantize.input import quantize_input
from snn2chip.readers.checkpoint import load_container
from snn2chip.stages.finetune import finetune
from snn2chip.training import datasets
from snn2chip.training.finetune import _grid
from snn2chip.training.finetune_start import inputs
from snn2chip.training.folded import _gain_unit, folded
from snn2chip.training.folded_net import FoldedNet
from snn2chip.zoo.s_resnet import SResnet
from snn2chip.zoo.surrogates import Surrogate
from tests.training.test_finetune import differing, dyadic_bars, request

RECIPE = {"epochs": 2, "batch": 8, "learning_rate": 3e-3}
STEPS = 3


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    monkeypatch.setitem(datasets.LOADERS, "bars", lambda _: dyadic_bars())


def saved(folder, leak=0.5, boosting=False, args=None):
    """An S-ResNet whose norms have seen the data once, step by step."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        net = SResnet(1, 4, STEPS, leak, 8, 2, boosting, in_channels=1)
        net.train()
        with torch.no_grad():
            for _ in range(20):
                net(torch.tensor(dyadic_bars().train_x))
    args = {} if args is None else {"args": Namespace(**args)}
    torch.save({"state_dict": net.state_dict(), **args}, folder / "net.pth")
    return str(folder / "net.pth")


def tuned(folder, path, **more):
    out = folder / "tuned.pth"
    asked = request(path, recipe=RECIPE, weight_bits=4, **more)
    return finetune(asked, out), out


@pytest.mark.parametrize("boosting", [False, True])
def test_what_is_trained_is_what_the_chip_computes(tmp_path, boosting):
    options = {"leak_mem": 0.5, "boosting": boosting}
    path = saved(tmp_path, boosting=boosting)
    done, out = tuned(tmp_path, path, options=options)
    before, after = load_container(path), load_container(out)
    assert list(before.tensors) == list(after.tensors)
    changed = before.tensors["bntt_list.1.2.weight"] != after.tensors["bntt_list.1.2.weight"]
    assert changed.any()
    assert done.done.trained.epochs[-1].right == done.done.right

    begun, qc = done.done.start, done.done.qc
    read = load_model(ModelRequest(path=str(out), options=options, shape=(1, 8, 8)))
    network = folded(read.network)
    net = FoldedNet(network, Surrogate(shape="atan"), begun.input, _grid(begun, network))
    integers, _ = quantize_input(qc.input, inputs(qc, begun.data.test_x))
    chip = run(qc, integers).outputs
    assert wrong(net, begun.data.test_x, qc, chip) == []
    net.layers[net.names["conv_list.3"]].get_parameter("gain").data *= 1.1
    assert "conv_list.3" in wrong(net, begun.data.test_x, qc, chip)


def wrong(net, x, qc, chip) -> list[str]:
    """Layers whose spikes, or numbers in the chip's units, are not those of the chip."""
    sent: dict[str, np.ndarray] = {}
    with torch.no_grad():
        for name, i in net.names.items():
            hook = lambda _m, _a, out, name=name: sent.update({name: out.numpy()})  # noqa: E731
            net.layers[i].register_forward_hook(hook)
        net(torch.tensor(x))
    names = [p.name for p in qc.populations if p.name != "fc" and p.name != "boost1d"]
    assert any("#out" in name for name in names) and all(chip[name].any() for name in names)
    return [n for n in names if not np.array_equal(sent[n] / qc.population(n).unit, chip[n])]


def test_little_is_lost_when_it_is_deployed(tmp_path):
    """What the layout's float code does not round: gained currents and the numbers of shortcuts."""
    options = {"leak_mem": 0.5}
    done, out = tuned(tmp_path, saved(tmp_path), options=options)
    assert any("divides what it sends" in c for c in done.done.caveats)
    rounded = tmp_path / "net.pth"
    assert differing(out, dyadic_bars(), options) < differing(rounded, dyadic_bars(), options) / 20


@pytest.mark.parametrize("stored", [True, False])
def test_the_chips_leak(tmp_path, stored):
    """0.874 is 3580/4096 on the chip: a file that holds it says so then, another must be read so."""
    if not stored:
        path = saved(tmp_path, 0.874)
        with pytest.raises(StatementError, match=r"twin-inexact.*leak_mem=0\.8740234375"):
            tuned(tmp_path, path, options={"leak_mem": 0.874})
        return
    path = saved(tmp_path, 0.874, args={"leak_mem": 0.874, "lr": 0.1})
    with pytest.raises(StatementError, match=r"twin-inexact.*leave out --option leak_mem"):
        tuned(tmp_path, path, options={"leak_mem": 0.874})
    _, out = tuned(tmp_path, path)
    held = load_container(out).args
    assert (held["leak_mem"], held["lr"]) == (3580 / 4096, 0.1)


def test_a_folded_network_lowers_to_the_same_circuit(tmp_path):
    """Relays stand in it already, and are not made twice; votes are one linear layer."""
    read = load_model(
        ModelRequest(
            path=saved(tmp_path, boosting=True),
            options={"boosting": True, "leak_mem": 0.5},
            shape=(1, 8, 8),
        )
    )
    network = folded(read.network)
    assert sum(isinstance(x.op, Linear) for x in network.layers) == 1
    relays = [
        x for x in network.layers if isinstance(x.op, Neuron) and x.op.model.emits is Emits.GRADED
    ]
    assert len(relays) == 4
    assert graded_joins(network).did == ""
    once, twice = lower(read.network).circuit, lower(network).circuit
    assert [p.name for p in once.populations] == [p.name for p in twice.populations]
    for a, b in zip(once.projections, twice.projections, strict=True):
        assert (a.name, a.sources, a.target) == (b.name, b.sources, b.target)
        np.testing.assert_allclose(a.weight, b.weight, rtol=1e-12)


def test_units_of_gains():
    """Read off the largest gain of each channel: 12 for 0.74 is 1/16; none where all are 0."""
    gain = np.array([[0.3, 0.0, -2.0], [-0.74, 0.0, 1.0]])[..., None, None]
    integers = np.array([[5, 0, -2], [-12, 0, 1]])[..., None, None]
    assert _gain_unit(gain, integers).ravel().tolist() == [1 / 16, 1.0, 1.0]
