"""Every architecture trains, with its method and without, and its checkpoint reads as the network that was trained."""

import json
import shlex
from dataclasses import replace

import numpy as np
import pytest
import torch

from snn2chip.cli.arguments import options_of
from snn2chip.cli.main import main
from snn2chip.errors import Snn2ChipError
from snn2chip.lowering import lower
from snn2chip.model import ModelRequest, load_model
from snn2chip.stages.train import train
from snn2chip.training import datasets, loop
from snn2chip.training.architectures.guo import GUO
from snn2chip.training.architectures.registry import ARCHITECTURES, architecture
from snn2chip.training.architectures.s_resnet import S_RESNET
from snn2chip.training.architectures.types import Values, plain
from snn2chip.training.dataset import dataset, repeated
from snn2chip.training.run import TrainRequest
from tests.training.small import bars

ENTRY = {"channels": 4, "up_kernel_size": 3, "mid_channels": 3, "num_blocks": 1, "k_pool": 2}
TINY: dict[str, dict[str, object]] = {
    "sew_resnet": {"width": 4, "blocks": [1, 1]},
    "spiking_resnet": {"width": 4, "blocks": [1, 1]},
    "sew_resnet_dvs": {"layer_list": [ENTRY, {**ENTRY, "channels": 6, "k_pool": 3}]},
    "s_resnet": {"nFilters": 4, "num_steps": 2},
    "mlf_ds_resnet": {"width": 4},
    "guo_resnet": {"width": 4},
    "ledinauskas-like": {"width": 4, "blocks": [1, 1]},
}
RECIPE = {"epochs": 1, "batch": 8}
CASES = [(a.name, on) for a in ARCHITECTURES for on in (True, False)] + [
    ("guo_mpbn", True),
    ("guo_imagenet", True),
]


@pytest.fixture(autouse=True)
def small_data(monkeypatch):
    monkeypatch.setitem(datasets.LOADERS, "digits", lambda _: bars())


def trained(name, out, **options):
    request = TrainRequest(arch=name, data="digits", options=TINY[name] | options, recipe=RECIPE)
    return train(request, out)


def read(done):
    words = done.next()
    given = [words[i + 1].partition("=") for i, w in enumerate(words) if w == "--option"]
    return load_model(
        ModelRequest(
            path=str(done.checkpoint),
            options={k: json.loads(v) if v[0] in "[0123456789" else v for k, _, v in given},
            input_path=words[words.index("--input") + 1],
            layout=words[words.index("--layout") + 1],
        )
    )


@pytest.mark.parametrize(("name", "on"), CASES)
def test_the_checkpoint_is_the_network_that_was_trained(tmp_path, name, on):
    options = {} if on else dict(architecture(name).off)
    if name == "guo_mpbn":
        name, options = "guo_resnet", {"membrane_norm": True, "stem": 2}
    if name == "guo_imagenet":
        name, options = "guo_resnet", {"membrane_norm": True, "stem_kernel": 7}
    done = trained(name, tmp_path / "run", **options)
    arch = done.run.architecture
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)["net"]
    net = arch.make(done.run.values, done.run.data)
    net.load_state_dict(state)
    model = read(done)
    assert model.zoo is not None
    x = loop.as_input(done.run.data.test_x)
    with torch.no_grad():
        assert torch.equal(model.zoo()(x), net.eval()(x))
    unused = model.network.provenance.unused
    assert not [k for k in unused if "no part" in k]
    right = loop.correct(model.zoo(), done.run.data.test_x, done.run.data.test_y)
    assert right == done.run.trained.epochs[-1].right
    assert lower(model.network).result is not None


@pytest.mark.parametrize("name", [a.name for a in ARCHITECTURES])
def test_off_is_another_training(tmp_path, name):
    arch = architecture(name)
    values = [arch.values(TINY[name] | given, "small", (1, 8, 8)) for given in ({}, dict(arch.off))]
    assert values[0] != values[1]
    losses = []
    for v in values:
        with loop.seeded(1):
            data = arch.prepared(bars(), v)
            net = arch.make(v, data)
            recipe = replace(arch.small, epochs=1, batch=8)
            more = None if arch.loss is None else arch.loss(v, recipe)
            losses.append(loop.fit(net, data, recipe, loss=more).epochs[0].loss)
    assert losses[0] != losses[1]


@pytest.mark.parametrize("arch", ARCHITECTURES, ids=lambda a: a.name)
def test_the_papers_networks_can_be_made(arch):
    frame, given = ((2, 128, 128), "Wide-7B-Net") if arch.frames_only else ((3, 32, 32), None)
    values = arch.values({} if given is None else {"layer_list": given}, "paper", frame)
    with torch.device("meta"):
        net = arch.make(values, replace(bars(), train_x=np.zeros((1, *frame), np.float32)))
    assert sum(p.numel() for p in net.parameters()) > 1_000_000


def test_branches_weigh_less_from_epoch_to_epoch():
    values = GUO.values({"width": 4, "blocks": [1, 1]}, "small", (1, 8, 8))
    with loop.seeded(1):
        net = GUO.make(values, bars()).eval()
    x, y = loop.as_input(bars().train_x[:8]), torch.from_numpy(np.array(bars().train_y[:8]))
    assert GUO.loss is not None
    loss = GUO.loss(values, GUO.small)
    main, branch = (torch.nn.functional.cross_entropy(a, y) for a in net.answers(x))  # type: ignore[attr-defined]
    for done in (0.0, 0.25, 1.0):
        expected = main + 0.5 * (1 - done) * branch
        assert loss(net, x, y, done).item() == pytest.approx(expected.item())


def test_shallow_layers_get_gradient_from_branches():
    values = GUO.values({"width": 4}, "small", (1, 8, 8))
    with loop.seeded(1):
        net = GUO.make(values, bars())
    net.answers(loop.as_input(bars().train_x[:4]))[1].sum().backward()  # type: ignore[attr-defined]
    grads = {k: p.grad for k, p in net.named_parameters()}
    assert grads["model.conv1.pool.weight"] is not None
    assert grads["model.layer2.0.conv1.pool.weight"] is None


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("sew_resnet", {"connect": "ADD"}, "did you mean 'connect_f'"),
        ("sew_resnet", {"connect_f": "OR"}, "ADD | AND | IAND | NONE"),
        ("mlf_ds_resnet", {"levels": 4}, "1 … 3"),
        ("mlf_ds_resnet", {"levels": 1.5}, "whole number"),
        ("mlf_ds_resnet", {"levels": 2, "Vth3": 2.5}, "need levels=3"),
        ("guo_resnet", {"decay": 2}, "0 … 1"),
        ("guo_resnet", {"surrogate_width": 0}, "above 0"),
        ("s_resnet", {"surrogate": "relu"}, "triangle"),
        ("sew_resnet", {"tau": 3}, "means nothing with neuron=IFNode"),
        ("sew_resnet", {"neuron": "LIFNode", "tau": 1}, "above 1"),
        ("guo_resnet", {"stem_kernel": 5}, "3 | 7"),
        ("guo_resnet", {"stem_kernel": 7, "stem": 1}, "need stem=0"),
        ("guo_resnet", {"branches": False, "branch_weight": 1}, "need branches=true"),
        ("sew_resnet_dvs", {"block_type": "plain", "connect_f": "ADD"}, "need block_type=sew"),
        ("sew_resnet_dvs", {"layer_list": "7b-net"}, "did you mean '7B-Net'"),
        ("sew_resnet_dvs", {"layer_list": "7B-Net"}, "leave nothing of the map"),
        ("sew_resnet_dvs", {"layer_list": [{"channels": 3}]}, "not the authors' list"),
        ("sew_resnet_dvs", {"layer_list": [{**ENTRY, "block_type": "basic"}]}, "need sew"),
        ("sew_resnet_dvs", {"T_train": 5}, "is above T"),
        ("resnet", {}, "no architecture 'resnet'"),
    ],
)
def test_options_that_cannot_be(tmp_path, name, options, said):
    with pytest.raises(Snn2ChipError) as e:
        train(TrainRequest(arch=name, data="digits", options=options), tmp_path / "run")
    assert said in str(e.value)


@pytest.mark.parametrize(
    "value", [2.0, 0.87441234567, 1e-9, 3, True, [1, 2], [{"channels": 4, "k_pool": None}], "ADD"]
)
def test_printed_options_are_read_as_they_were(value):
    assert options_of([f"key={plain(value)}"]) == {"key": value}


def test_values_of_wrong_types_are_our_bug():
    with pytest.raises(Snn2ChipError):
        Values(of={"T": "four"}).whole("T")


def test_a_second_run_repeats_and_goes_on(tmp_path):
    first = trained("sew_resnet", tmp_path / "run")
    content = first.checkpoint.read_bytes()
    again = trained("sew_resnet", tmp_path / "run")
    assert again.run.trained.resumed == 1
    assert again.checkpoint.read_bytes() == content
    said = "have --option connect_f 'ADD'; need --option connect_f 'IAND'"
    with pytest.raises(Snn2ChipError, match=said):
        trained("sew_resnet", tmp_path / "run", connect_f="IAND")


@pytest.mark.parametrize("branches", [True, False])
def test_epochs_of_a_loss_that_fades_cannot_be_added(tmp_path, branches):
    """Branches lose weight over all epochs; without them a constant schedule has nothing that does."""
    options = TINY["guo_resnet"] | {"branches": branches}
    request = TrainRequest(
        arch="guo_resnet", data="digits", options=options, recipe=RECIPE | {"schedule": "constant"}
    )
    train(request, tmp_path / "run")
    longer = replace(request, recipe=dict(request.recipe) | {"epochs": 2})
    if branches:
        with pytest.raises(Snn2ChipError, match="epochs of the loss 1"):
            train(longer, tmp_path / "run")
    else:
        assert train(longer, tmp_path / "run").run.trained.resumed == 1


def test_another_size_of_images_is_said(tmp_path):
    done = trained("sew_resnet", tmp_path / "run")
    alone = load_model(ModelRequest(path=str(done.checkpoint)))
    assert alone.network.input.shape == (1, 8, 8)
    np.save(tmp_path / "large.npy", np.zeros((1, 1, 12, 12), np.float32))
    x = str(tmp_path / "large.npy")
    other = load_model(ModelRequest(path=str(done.checkpoint), input_path=x))
    for model, said in (
        (alone, "input of 1 x 8 x 8, on which the file's args say that it was trained"),
        (
            other,
            "input of 1 x 12 x 12, though the file's args say that it was trained on 1 x 8 x 8",
        ),
    ):
        assert said in model.network.provenance.assumed
    assert not any("trained" in a for a in read(done).network.provenance.assumed)


def test_a_training_without_its_state_begins_again_and_says_so(tmp_path, capsys):
    trained("sew_resnet", tmp_path / "run")
    (tmp_path / "run" / "state.pt").unlink()
    words = ["train", "sew_resnet", "--data", "digits", "--out", str(tmp_path / "run")]
    assert main([*words, "--epochs", "1", "--batch", "8", "--option", "width=4"]) == 0
    assert "its model.pth will be replaced" in capsys.readouterr().err


def test_one_epoch_is_one_epoch(tmp_path):
    assert "after 1 epoch, seed 1" in trained("sew_resnet", tmp_path / "run").lines()[0]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(Snn2ChipError, match="something else"):
        trained("sew_resnet", tmp_path)


@pytest.mark.parametrize(
    ("arch", "options", "printed"),
    [
        (
            "sew_resnet",
            ("width=4", "blocks=[1,1]", "neuron=LIFNode", "zero_init_residual=false"),
            "--option neuron=LIFNode --option tau=2",
        ),
        (
            "sew_resnet_dvs",
            (f"layer_list={json.dumps([ENTRY | {'k_pool': 3}, ENTRY])}", "T=4"),
            "--option 'k_pool=[3,2]'",
        ),
    ],
)
def test_the_printed_command_deploys(tmp_path, capsys, arch, options, printed):
    words = ["train", arch, "--data", "digits", "--out", str(tmp_path / "run")]
    words += [word for o in options for word in ("--option", o)]
    assert main([*words, "--epochs", "2", "--lr", "0.05"]) == 0
    said = capsys.readouterr()
    assert "epoch  1 of 2: loss" in said.err
    next = said.out.splitlines()[-1].removeprefix("next: snn2chip ")
    assert printed in next
    assert main(shlex.split(next)) == 0
    out = capsys.readouterr().out
    assert "VERIFIED" in out
    told = json.loads((tmp_path / "run" / "training.json").read_text())
    assert (told["arch"], told["recipe"]["learning_rate"]) == (arch, 0.05)


def test_list_and_misuse(capsys):
    assert main(["train", "list"]) == 0
    listed = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    helped = capsys.readouterr().out
    for arch in ARCHITECTURES:
        assert f"{arch.name}: {arch.title}" in listed
        assert all(f"  {name} " in listed for name in arch.settings)
        assert f"{arch.name}," in helped or f"{arch.name};" in helped
    assert all(name in helped for name in datasets.LOADERS)
    assert main(["train", "sew_resnet", "--out", "x"]) == 2
    assert "--data is required" in capsys.readouterr().err
    assert main(["train", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["s_resnet"]["options"]["n"]["paper"] == "6"


@pytest.mark.parametrize("name", [a.name for a in ARCHITECTURES])
def test_frames_of_events(tmp_path, name, monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (24, 3, 2, 16, 16)).astype(np.uint16)
    y = np.arange(24) % 2
    made = dataset("events", (x[8:], y[8:]), (x[:8], y[:8]), 2)
    monkeypatch.setitem(datasets.LOADERS, "digits", lambda _: made)
    options = {k: v for k, v in TINY[name].items() if k != "num_steps"}
    if name == "sew_resnet_dvs":
        options["T_train"] = 2
    request = TrainRequest(arch=name, data="digits", options=options, recipe=RECIPE)
    done = train(request, tmp_path / "run")
    model = read(done)
    assert model.network.steps == 3
    assert model.zoo is not None
    right = loop.correct(model.zoo(), made.test_x, made.test_y)
    assert right == done.run.trained.epochs[-1].right
    steps = architecture(name).steps
    with pytest.raises(Snn2ChipError, match="contradicts the data set"):
        train(replace(request, options=options | {steps: 4}), tmp_path / "other")


def test_boosting_is_for_images(tmp_path):
    made = repeated(bars(), 2)
    values = S_RESNET.values({"boosting": True}, "small", made.frame, made.frames)
    with pytest.raises(Snn2ChipError, match="one output for each class"):
        S_RESNET.make(values, made)
