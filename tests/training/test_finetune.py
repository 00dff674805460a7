"""Fine-tuning: what comes out lies on its grid in the source's layout, and deploying it loses nothing."""

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from snn2chip.arrays import ints
from snn2chip.chip.target import load_target
from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.cli.main import main
from snn2chip.engines.layer import run as run_layer
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.lowering import lower
from snn2chip.model import ModelRequest, load_model
from snn2chip.network.types import Layer, Neuron
from snn2chip.neuron import NeuronModel
from snn2chip.progress import Silent
from snn2chip.quantize.input import choose_input, quantize_input
from snn2chip.quantize.quantize import quantize
from snn2chip.readers.checkpoint import load_container
from snn2chip.stages.finetune import doubts, finetune
from snn2chip.training import datasets
from snn2chip.training import finetune as training
from snn2chip.training.dataset import dataset
from snn2chip.training.finetune_start import FinetuneRequest
from snn2chip.training.folded import _neuron_grid
from snn2chip.zoo.dvs_resnet import BlockType, Entry, ResNetN
from snn2chip.zoo.guo import GuoResNet
from snn2chip.zoo.ledinauskas_like import LedinauskasLike, Neurons
from snn2chip.zoo.mlf import MLFNeurons, MLFResNet
from snn2chip.zoo.sew_resnet import small_sew_resnet
from snn2chip.zoo.spiking_resnet import BasicBlock, SpikingResNet
from tests.cases.paths import CASES
from tests.readers.on_grid import with_population
from tests.training.small import bars

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
LOIHI2 = load_target("loihi2")
RECIPE = {"epochs": 2, "batch": 8, "learning_rate": 2e-3}
SEW = {"T": 2, "connect_f": "ADD", "stem_stride": 1, "stem_pool": False}
LEDINAUSKAS = {"arch": "ledinauskas-like", "T": 2}
HALVES = {"Vth": 0.5, "Vth2": 1.5, "Vth3": 2.5}


def events():
    """The bars as two frames of event counts [N, 2, 2, 8, 8], in two polarities."""
    held = bars()
    counts = lambda x: np.concatenate([np.floor(20 * x), np.floor(9 * x)], axis=1)  # noqa: E731
    parts = [np.stack([counts(x), counts(x / 2)], axis=1) for x in (held.train_x, held.test_x)]
    return dataset("events", (parts[0], held.train_y), (parts[1], held.test_y), 2)


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    monkeypatch.setitem(datasets.LOADERS, "bars", lambda _: dyadic_bars())
    monkeypatch.setitem(datasets.LOADERS, "events", lambda _: events())


def dyadic_bars():
    """Values that eight bits hold, so that the input is not rounded."""
    held = bars()
    parts = [np.rint(x * 16) / 16 for x in (held.train_x, held.test_x)]
    return dataset("bars", (parts[0], held.train_y), (parts[1], held.test_y), 2)


def sew(folder, **changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = small_sew_resnet(1, 2, width=4, blocks=(1, 1), T=2)
    return saved(net, folder, SEW | changes)


def saved(net, folder, args=None):
    args = {} if args is None else {"args": Namespace(**args)}
    state = {"model": net.state_dict(), **args}
    torch.save(state, folder / "net.pth")
    return str(folder / "net.pth")


def request(path, data: str = "bars", recipe=RECIPE, **more):
    options = more.pop("options", {})
    return FinetuneRequest(
        model=ModelRequest(path=path, options=options), data=data, recipe=recipe, **more
    )


def differing(path, data, options) -> int:
    """Rung 2b as `deploy` has it, with the target's own bits: original in floats against the chip's integers."""
    x = data.test_x[:4]
    np.save(path.with_name("x.npy"), x)
    layout = "NCHW" if x.ndim == 4 else "NTCHW"
    model = load_model(
        ModelRequest(
            path=str(path), options=options, input_path=str(path.with_name("x.npy")), layout=layout
        )
    )
    circuit = lower(model.network).circuit
    assert model.inputs is not None
    grid = choose_input(circuit.input.shape, circuit.input.kind, model.inputs)
    qc, _ = quantize(circuit, LOIHI2.widths, target="loihi2", input=grid)
    integers, error = quantize_input(qc.input, model.inputs)
    assert error == 0
    ours = layer_outputs(circuit, run_circuit(circuit, model.inputs).outputs)
    chip = layer_outputs(qc, run_layer(qc, integers).outputs)
    assert any(v.any() for v in chip.values())
    return sum(int((ours[k] != chip[k]).sum()) for k in ours)


def plain():
    return SpikingResNet(
        BasicBlock,
        (1, 1),
        T=2,
        in_channels=1,
        num_classes=2,
        width=4,
        stem_kernel=3,
        stem_stride=1,
        stem_pool=False,
    )


def dvs():
    entry = Entry(
        channels=4,
        up_kernel_size=1,
        mid_channels=4,
        num_blocks=1,
        block_type=BlockType.SEW,
        k_pool=2,
    )
    return ResNetN([entry], 2, "ADD", features=4 * 4 * 4)


def ledinauskas(decay: float, **more):
    neuron = Neurons(decay=decay, soft_reset=not more.get("bottleneck", False))
    return LedinauskasLike((1, 1), 2, width=4, T=2, in_channels=1, neuron=neuron, **more)


SYSTEMS = {
    "plain": (plain, {"T": 2, "stem_stride": 1, "stem_pool": False}, {}, "bars"),
    "mlf": (
        lambda: MLFResNet(
            (1, 1), 2, in_channels=1, width=4, T=2, neurons=MLFNeurons(thresholds=(0.5, 1.5, 2.5))
        ),
        None,
        HALVES | {"T": 2},
        "bars",
    ),
    "guo": (
        lambda: GuoResNet((1, 1), 2, step=2, in_channels=1, width=4, stem=2),
        None,
        {"step": 2},
        "bars",
    ),
    "mpbn": (
        lambda: GuoResNet((1, 1), 2, step=2, in_channels=1, width=4, stem=0, membrane_norm=True),
        None,
        {"step": 2},
        "bars",
    ),
    "dvs": (dvs, None, {"connect_f": "ADD", "T": 2}, "events"),
    "ledinauskas": (lambda: ledinauskas(0.5), LEDINAUSKAS | {"decay": 0.5}, {}, "bars"),
    "ledinauskas-bottleneck": (
        lambda: ledinauskas(1.0, bottleneck=True),
        LEDINAUSKAS | {"decay": 1.0, "reset": "zero"},
        {},
        "bars",
    ),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_loses_nothing(tmp_path, name):
    make, args, options, data = SYSTEMS[name]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        path = saved(make(), tmp_path, args)
    out = tmp_path / "tuned.pth"
    done = finetune(request(path, data, options=options, weight_bits=6), out)
    before, after = load_container(path), load_container(out)
    assert list(before.tensors) == list(after.tensors)
    assert differing(out, datasets.LOADERS[data](datasets.DataRequest()), options) == 0
    assert done.done.caveats == ()


@pytest.mark.parametrize("bits", [3, 8])
def test_it_learns_on_few_bits(tmp_path, bits):
    out = tmp_path / "tuned.pth"
    recipe = RECIPE | {"epochs": 6, "learning_rate": 3e-2}
    done = finetune(request(sew(tmp_path), recipe=recipe, weight_bits=bits), out)
    epochs = done.done.trained.epochs
    assert epochs[-1].loss < epochs[0].loss
    assert done.accuracies()["finetuned"] > done.accuracies()["float"]
    assert epochs[-1].right == done.done.right  # what was trained is what the chip computes
    weights = [q.weight for q in done.done.qc.projections]
    assert max(int(abs(w).max()) for w in weights) <= 1 << (bits - 1)
    assert differing(out, dyadic_bars(), {}) == 0
    assert not out.with_name("tuned.pth.state").exists()


class Stop(Exception):
    pass


class StopInTwo(Silent):
    """Ends before the second epoch is kept."""

    def note(self, text):
        if text.startswith("epoch  2"):
            raise Stop


def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path):
    path = sew(tmp_path)
    asked = request(path, recipe=RECIPE | {"epochs": 3}, weight_bits=4)
    finetune(asked, tmp_path / "whole.pth")

    out = tmp_path / "broken.pth"
    with pytest.raises(Stop):
        finetune(asked, out, progress=StopInTwo())
    assert not out.exists() and out.with_name("broken.pth.state").exists()
    done = finetune(asked, out)
    assert done.done.trained.resumed >= 1
    assert out.read_bytes() == (tmp_path / "whole.pth").read_bytes()


def test_a_state_of_other_options_is_refused(tmp_path):
    path, out = sew(tmp_path), tmp_path / "tuned.pth"
    with pytest.raises(Stop):
        finetune(request(path, recipe=RECIPE | {"epochs": 3}), out, progress=StopInTwo())
    others: list[dict[str, Any]] = [
        {"weight_bits": 4},
        {"method": "max"},
        {"surrogate": "triangle"},
    ]
    for other in others:
        with pytest.raises(Snn2ChipError, match="another training"):
            finetune(request(path, recipe=RECIPE | {"epochs": 3}, **other), out)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"weight_bits": 1}, "option-value"),
        ({"weight_bits": 9}, "option-value"),
        ({"method": "agree"}, "option-value"),
        ({"surrogate": "atam"}, "option-value"),
        ({"data": "mnst"}, "data-unknown"),
        ({"data": "events"}, "input-shape"),
        ({"target": "loihi9"}, "target-unknown"),
        ({"recipe": RECIPE | {"epochs": 0}}, "option-value"),
        ({"device": "tpu"}, "option-value"),
        ({"options": {"connect_f": "XOR"}}, "option-value"),
    ],
)
def test_misuse(tmp_path, more, code):
    with pytest.raises(Snn2ChipError) as refused:
        finetune(request(sew(tmp_path), **more), tmp_path / "tuned.pth")
    assert refused.value.finding.code == code
    assert not (tmp_path / "tuned.pth").exists()


def test_gains_that_differ_within_a_channel_are_refused(tmp_path):
    op = Neuron(model=NeuronModel(gain=np.ones((1, 2, 2))))
    qc = finetune(request(sew(tmp_path)), tmp_path / "tuned.pth").done.qc
    gained = replace(qc.population("sn1").neuron, gain=ints(np.ones((1, 2, 2))))
    changed = with_population(qc, "sn1", neuron=gained)
    with pytest.raises(StatementError, match="finetune-neuron"):
        _neuron_grid(Layer(name="sn1", op=op, inputs=("bn1",)), op, changed)


def test_more_classes_than_answers(tmp_path, monkeypatch):
    held = bars()
    many = replace(held, classes=3)
    monkeypatch.setitem(datasets.LOADERS, "bars", lambda _: many)
    with pytest.raises(Snn2ChipError, match="data-classes"):
        finetune(request(sew(tmp_path)), tmp_path / "tuned.pth")


def test_a_layout_that_cannot_say_the_network_is_told_before_training(tmp_path):
    """A fixed time constant of 1.5 is no fraction of 4096."""
    options = {"neuron": "LIFNode", "tau": 1.5}
    with pytest.raises(StatementError, match="twin-inexact"):
        finetune(request(sew(tmp_path), options=options), tmp_path / "tuned.pth")
    assert not (tmp_path / "tuned.pth.state").exists()


def test_a_nir_file_has_no_authors_layout(tmp_path):
    model = str(CASES / "nir" / "spikingjelly_lif" / "model.nir")
    asked = ModelRequest(path=model, convention="spikingjelly", steps=2)
    with pytest.raises(Snn2ChipError, match=r"error\[twin-layout\] nir: "):
        finetune(FinetuneRequest(model=asked, data="events", recipe=RECIPE), tmp_path / "tuned.pth")


def test_a_checkpoint_that_would_change_is_not_written(tmp_path, monkeypatch):
    def moved(begun, path):
        qc = begun.rounded
        return replace(
            qc, projections=tuple(replace(p, exponent=p.exponent + 1) for p in qc.projections)
        )

    monkeypatch.setattr(training, "requantized", moved)
    with pytest.raises(StatementError, match="finetune-grid"):
        finetune(request(sew(tmp_path)), tmp_path / "tuned.pth")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["net.pth", "tuned.pth.state"]


def digits_ledinauskas(folder):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = LedinauskasLike(
            (1, 1), 10, width=4, T=2, in_channels=1, neuron=Neurons(decay=0.5, soft_reset=True)
        )
    return saved(net, folder, LEDINAUSKAS | {"decay": 0.5})


def test_the_chips_decay_is_written(tmp_path):
    """0.9 becomes 3686/4096 in the file, and nothing else of its args changes."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        path = saved(ledinauskas(0.9), tmp_path, LEDINAUSKAS | {"decay": 0.9, "lr": 0.1})
    out = tmp_path / "tuned.pth"
    finetune(request(path, weight_bits=6), out)
    held = load_container(out).args
    assert (held["decay"], held["lr"], held["T"]) == (3686 / 4096, 0.1, 2)
    assert load_container(path).args["decay"] == 0.9


@pytest.mark.parametrize("make", [lambda _: str(EXAMPLES / "digits.pth"), digits_ledinauskas])
def test_the_digits_network_from_the_command_line(tmp_path, monkeypatch, capsys, make):
    whole = datasets.LOADERS["digits"](datasets.DataRequest())
    few = dataset(
        "digits",
        (np.array(whole.train_x[:320]), whole.train_y[:320]),
        (np.array(whole.test_x[:40]), whole.test_y[:40]),
        10,
    )
    monkeypatch.setitem(datasets.LOADERS, "digits", lambda _: few)
    out = tmp_path / "tuned.pth"
    words = ["--target", "loihi2", "--weight-bits", "4", "--data", "digits", "--epochs", "1"]
    assert main(["finetune", make(tmp_path), *words, "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["weight_bits"] == 4 and len(told["epochs"]) == 1
    samples, labels = (tmp_path / f"tuned.pth.{name}.npy" for name in ("test", "test_labels"))
    assert np.array_equal(np.load(samples), few.test_x)
    np.save(samples, few.test_x[:4])
    np.save(labels, few.test_y[:4])
    assert told["next"][:2] == ["snn2chip", "deploy"]
    assert main([*told["next"][1:], "--json"]) == 0
    build = tmp_path / "tuned.pth.build"
    rungs = {r["rung"]: r for r in json.loads((build / "verdict.json").read_text())["rungs"]}
    for name in ("2b", "2c"):
        assert rungs[name]["compared"] > 0
        assert rungs[name]["differing"] == 0


def test_doubtful_results_are_said():
    """Another data set than the network was trained on; and training that made it worse."""
    chance, worse = doubts({"float": 0.12, "rounded": 0.5, "finetuned": 0.4}, 10, "digits")
    assert "chance (10.0 %)" in chance and "trained on digits" in chance
    assert "rounding alone was better" in worse
    assert doubts({"float": 0.9, "rounded": 0.8, "finetuned": 0.8}, 10, "digits") == []


def test_what_is_replaced_and_another_size_are_said(tmp_path):
    path, out = sew(tmp_path, frame=[1, 12, 12], connect_f=None), tmp_path / "tuned.pth"
    asked = request(path, options={"connect_f": "ADD"}, recipe=RECIPE | {"epochs": 1})
    first, again = finetune(asked, out).lines(), finetune(asked, out).lines()
    assert "on bars (1 x 8 x 8), 16 held back" in first[0]
    careful = (
        "careful: input of 1 x 8 x 8, though the file's args say that it was trained on 1 x 12 x 12"
    )
    assert careful in first
    assert f"checkpoint: {out}" in first
    assert f"checkpoint: {out}, in place of the file that was there" in again
    assert first[-1].startswith(
        f"next: snn2chip deploy {out} --option connect_f=ADD --target loihi2 --input "
    )
