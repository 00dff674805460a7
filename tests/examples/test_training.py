"""The shipped networks are what the scripts write, and training repeats itself."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch

from examples.train_digits import RECIPE as DIGITS
from examples.train_digits import digits
from examples.train_mnist import RECIPE as MNIST
from examples.training import DATA, Recipe, Split, correct, save, train
from snn2chip.zoo.sew_resnet import small_sew_resnet


@pytest.fixture(autouse=True)
def as_before():
    """Training changes how torch computes; other tests must not notice."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def tiny() -> Split:
    data = digits()
    return Split(
        train_images=data.train_images[:64],
        train_labels=data.train_labels[:64],
        test_images=data.test_images[:20],
        test_labels=data.test_labels[:20],
    )


TINY = Recipe(stem_stride=2, epochs=1, batch=16, learning_rate=1e-2, steps=2)


def test_the_same_seed_gives_the_same_weights(tiny):
    first, second = train(tiny, TINY).state_dict(), train(tiny, TINY).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_save_writes_the_container_of_the_authors(tiny, tmp_path):
    net = train(tiny, TINY)
    save("tiny", net, tiny, TINY, few=7, folder=tmp_path)
    container = read(tmp_path / "tiny.pth")
    assert container["args"].T == 2
    assert container["args"].connect_f == "ADD"
    assert container["model"].keys() == net.state_dict().keys()
    assert np.load(tmp_path / "tiny_demo.npy").shape == (7, 1, 8, 8)
    assert np.load(tmp_path / "tiny_test_labels.npy").tolist() == tiny.test_labels.tolist()


def test_held_back_images_are_not_trained_on():
    data = digits()
    held = {image.tobytes() for image in data.test_images}
    assert len(data.test_images) == 360
    assert not any(image.tobytes() in held for image in data.train_images)


@pytest.mark.parametrize(
    ("name", "recipe", "images", "right"),
    [("digits", DIGITS, "test", 359), ("mnist", MNIST, "demo", 99)],
)
def test_the_shipped_network_decides_as_stated(name, recipe, images, right):
    net = small_sew_resnet(1, 10, blocks=(2, 2), stem_stride=recipe.stem_stride, T=recipe.steps)
    net.load_state_dict(read(DATA / f"{name}.pth")["model"])
    x, y = np.load(DATA / f"{name}_{images}.npy"), np.load(DATA / f"{name}_{images}_labels.npy")
    # One image may lie so close that another processor's rounding decides.
    assert abs(correct(net.eval(), x, y) - right) <= 1


@pytest.mark.parametrize(("name", "levels"), [("digits", 16), ("mnist", 256)])
def test_pixels_lie_on_their_grid(name, levels):
    pixels = np.load(DATA / f"{name}_test.npy") * levels
    assert pixels.dtype == np.float32
    assert np.array_equal(pixels, np.round(pixels))


def test_the_shipped_files_are_small():
    assert all(path.stat().st_size < 4_000_000 for path in DATA.iterdir())
    assert all(path.stat().st_size < 500_000 for path in DATA.glob("*.pth"))


def read(path: Path):
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(path, weights_only=True)
