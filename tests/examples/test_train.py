"""The shipped networks are what the example trains, and decide as stated."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from examples.train import DATA, NETWORKS, write
from snn2chip.training import datasets, loop
from snn2chip.training.architectures.registry import architecture
from tests.training.small import bars


def test_files_of_an_example(tmp_path, monkeypatch):
    monkeypatch.setitem(datasets.LOADERS, "digits", lambda _: bars())
    request = NETWORKS["digits"]
    short = replace(request, options={**request.options, "width": 4}, recipe={"epochs": 1})
    write("tiny", short, tmp_path, demo=7)
    assert np.load(tmp_path / "tiny_demo.npy").shape == (7, 1, 8, 8)
    assert np.array_equal(np.load(tmp_path / "tiny_test_labels.npy"), bars().test_y)
    assert {p.name for p in tmp_path.iterdir()} == {
        p.name.replace("digits", "tiny") for p in DATA.glob("digits*")
    }
    shipped, made = read(DATA / "digits.pth"), read(tmp_path / "tiny.pth")
    assert shipped.keys() == made.keys()
    assert vars(shipped["args"]).keys() == vars(made["args"]).keys()
    assert shipped["model"].keys() == made["model"].keys()


@pytest.mark.parametrize(
    ("name", "images", "right"), [("digits", "test", 359), ("mnist", "demo", 99)]
)
def test_the_shipped_network_decides_as_stated(name, images, right):
    request = NETWORKS[name]
    data = datasets.load(request.data)
    arch = architecture(request.arch)
    net = arch.make(arch.values(request.options, "small", data.frame), data)
    net.load_state_dict(read(DATA / f"{name}.pth")["model"])
    x, y = np.load(DATA / f"{name}_{images}.npy"), np.load(DATA / f"{name}_{images}_labels.npy")
    # One image may lie so close that another processor's rounding decides.
    assert abs(loop.correct(net, x, y) - right) <= 1
    assert np.array_equal(x, data.test_x[: len(x)])
    assert np.array_equal(y, data.test_y[: len(y)])


def test_the_shipped_files_are_small():
    assert all(path.stat().st_size < 4_000_000 for path in DATA.iterdir())
    assert all(path.stat().st_size < 500_000 for path in DATA.glob("*.pth"))


def read(path: Path):
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(path, weights_only=True)
