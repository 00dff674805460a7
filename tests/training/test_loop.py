"""The training loop: it learns, it repeats itself, and it goes on after a kill as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.training import loop
from snn2chip.training.recipe import SCHEDULES
from tests.training.small import RECIPE, bars, net

ROOT = Path(__file__).parents[2]


def trained(recipe=RECIPE, data=None, seed=1, **more):
    with loop.seeded(seed):
        made = net()
        done = loop.fit(made, data or bars(), recipe, **more)
    return made.state_dict(), done


def same(a, b):
    return all(torch.equal(a[k], b[k]) for k in a)


def test_it_learns():
    _, done = trained(replace(RECIPE, epochs=10, optimizer="adamw"))
    assert done.epochs[-1].loss < done.epochs[0].loss / 2
    assert done.epochs[-1].accuracy >= 14 / 16


def test_the_seed_decides_the_weights():
    first, second, other = trained()[0], trained()[0], trained(seed=2)[0]
    assert same(first, second)
    assert not same(first, other)


def test_torch_is_left_as_it_was():
    threads = torch.get_num_threads()
    trained()
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_factors_keep_their_bits_on_a_gpu():
    """cuDNN's convolutions cut float32 to 10 bits unless they are told not to."""
    before = torch.backends.cudnn.allow_tf32
    with loop.seeded(1):
        assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.deterministic
    assert torch.backends.cudnn.allow_tf32 is before


def test_a_state_of_a_cpu_needs_no_gpu(tmp_path, monkeypatch):
    """Saved where there is a GPU, it goes on where there is none."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    trained(state=tmp_path / "state.pt")
    assert torch.load(tmp_path / "state.pt", weights_only=True)["rng_cuda"] is None


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_stopped_between_epochs_it_gives_the_same_weights(tmp_path, schedule, optimizer):
    recipe = replace(RECIPE, schedule=schedule, optimizer=optimizer, drops=(1 / 3, 2 / 3))
    data = bars(augment=True)
    unbroken = trained(recipe, data)[0]

    class Stop(Exception):
        pass

    def stopping(module, x, y, done):
        if done > 0.5:
            raise Stop
        return torch.nn.functional.cross_entropy(module(x), y)

    with pytest.raises(Stop):
        trained(recipe, data, state=tmp_path / "state.pt", loss=stopping)
    resumed, done = trained(recipe, data, state=tmp_path / "state.pt")
    assert done.resumed == 2
    assert len(done.epochs) == 3
    assert same(unbroken, resumed)


KILLED = """
import sys
from pathlib import Path
from snn2chip.training import loop
from tests.training.small import RECIPE, bars, net
from dataclasses import replace
with loop.seeded(1):
    loop.fit(net(), bars(), replace(RECIPE, epochs=12), state=Path(sys.argv[1]))
"""


def test_killed_at_any_moment_it_gives_the_same_weights(tmp_path):
    state, recipe = tmp_path / "state.pt", replace(RECIPE, epochs=12)
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(state)], cwd=ROOT)
    while not state.exists() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resumed, done = trained(recipe, state=state)
    assert 0 < done.resumed < 12
    assert same(trained(recipe)[0], resumed)


def test_a_finished_training_does_nothing_more(tmp_path):
    first, _ = trained(state=tmp_path / "state.pt")
    second, done = trained(state=tmp_path / "state.pt")
    assert done.resumed == 3
    assert same(first, second)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda s: trained(replace(RECIPE, learning_rate=0.01), state=s),
            "(have --lr 0.05; need --lr 0.01)",
        ),
        (
            lambda s: trained(state=s, identity="other"),
            "(have other options ''; need other options 'other')",
        ),
        (
            lambda s: trained(state=s, identity={"--option T": 3}),
            "need --option T 3, other options unset",
        ),
        (lambda s: trained(state=s, data=bars(augment=True)), "(have training samples "),
        (lambda s: trained(replace(RECIPE, weight_decay=1.0), state=s), "need --weight-decay 1.0"),
        (
            lambda s: trained(replace(RECIPE, epochs=4), state=s),
            "the schedule cosine spans all of its epochs",
        ),
    ],
)
def test_a_state_of_another_training_is_refused_with_what_differs(tmp_path, change, said):
    state = tmp_path / "state.pt"
    trained(state=state)
    with pytest.raises(Snn2ChipError, match="another training") as e:
        change(state)
    assert said in str(e.value)
    assert e.value.finding.code == "train-state"


def test_epochs_can_be_added_to_a_constant_schedule(tmp_path):
    state, recipe = tmp_path / "state.pt", replace(RECIPE, schedule="constant", epochs=2)
    trained(recipe, state=state)
    more, done = trained(replace(recipe, epochs=4), state=state)
    assert (done.resumed, len(done.epochs)) == (2, 4)
    assert same(more, trained(replace(recipe, epochs=4))[0])
    with pytest.raises(Snn2ChipError, match="has 4 epochs already"):
        trained(replace(recipe, epochs=3), state=state)


def test_a_state_of_another_release_is_refused(tmp_path):
    torch.save({"format": 1, "identity": "", "epochs": []}, tmp_path / "state.pt")
    with pytest.raises(Snn2ChipError, match="another release"):
        trained(state=tmp_path / "state.pt")


def test_a_step_needs_epochs_to_drop_after():
    with pytest.raises(Snn2ChipError, match="no epochs to drop"):
        trained(replace(RECIPE, schedule="step"))


def test_a_damaged_state_is_one_line(tmp_path):
    state = tmp_path / "state.pt"
    trained(state=state)
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(Snn2ChipError, match="damaged"):
        trained(state=state)
    with pytest.raises(Snn2ChipError, match="cannot be read: is a directory"):
        trained(state=tmp_path)


def test_a_loss_that_is_no_number_stops():
    with pytest.raises(StatementError, match="loss became nan"):
        trained(loss=lambda m, x, y, _: m(x).sum() * float("nan"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epochs": 0}, "--epochs"),
        ({"batch": 49}, "1 … 48"),
        ({"optimizer": "sdg"}, "sgd | adam"),
        ({"schedule": "cos"}, "cosine"),
        ({"learning_rate": 0.0}, "--lr"),
    ],
)
def test_what_cannot_be_trained_with(wrong, said):
    with pytest.raises(Snn2ChipError) as e:
        trained(replace(RECIPE, **wrong))
    assert said in str(e.value)


def test_devices():
    with pytest.raises(Snn2ChipError, match=r"need cpu \| cuda"):
        trained(device="gpu")
    if not torch.cuda.is_available():
        with pytest.raises(Snn2ChipError, match="no such device"):
            trained(device="cuda")


def test_frames_go_in_time_first():
    x = torch.arange(12).reshape(2, 3, 1, 1, 2).numpy()
    assert loop.as_input(x).shape == (3, 2, 1, 1, 2)
    assert loop.as_input(x)[1, 0].tolist() == [[[2.0, 3.0]]]
