"""Containers: what loads, what is refused, and that no code of a file runs."""

import argparse
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from snn2chip.errors import Snn2ChipError
from snn2chip.readers.checkpoint import load_container

W = {"fc.weight": torch.ones(2, 3), "fc.bias": torch.zeros(2)}


class Evil:
    def __init__(self, folder):
        self.path = str(folder / "marker")

    def __reduce__(self):
        return os.mkdir, (self.path,)


def saved(tmp_path, thing):
    torch.save(thing, tmp_path / "c.pth")
    return tmp_path / "c.pth"


def refused(path):
    with pytest.raises(Snn2ChipError) as caught:
        load_container(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_status == 2
    return str(caught.value)


@pytest.mark.parametrize("key", ["model", "net", "state_dict", "model_state_dict"])
def test_containers(tmp_path, key):
    found = load_container(saved(tmp_path, {key: W, "args": argparse.Namespace(T=8), "epoch": 3}))
    assert list(found.tensors) == list(W)
    assert found.args == {"T": 8}
    assert (found.key, found.prefixed, found.notes) == (key, False, ())


def test_a_bare_state_dict_has_no_args(tmp_path):
    found = load_container(saved(tmp_path, W))
    assert (found.key, dict(found.args)) == ("", {})


def test_the_prefix_of_data_parallel_training_is_taken_off(tmp_path):
    found = load_container(saved(tmp_path, {"model": {f"module.{k}": v for k, v in W.items()}}))
    assert list(found.tensors) == list(W)
    assert found.prefixed
    assert "module." in found.notes[0]


def test_arrays_are_read_only(tmp_path):
    assert not load_container(saved(tmp_path, W)).tensors["fc.weight"].flags.writeable


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        (torch.float64, np.float64),
        (torch.float16, np.float16),
        (torch.bfloat16, np.float32),
        (torch.int32, np.int32),
    ],
)
def test_other_precisions_are_read_and_said(tmp_path, dtype, kept):
    found = load_container(saved(tmp_path, {k: v.to(dtype) for k, v in W.items()}))
    assert found.tensors["fc.weight"].dtype == kept
    name = str(dtype).removeprefix("torch.")
    assert found.notes == (f"tensors of {name} are read as they are: fc.weight and 1 more",)
    assert found.is_double is (dtype is torch.float64)


@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        (torch.ones(2, dtype=torch.complex64), "complex64"),
        (torch.ones(2, dtype=torch.bool), "bool"),
        (torch.ones(2).to_sparse(), "sparse"),
        (torch.tensor([0.0, float("nan")]), r"nan at [1]"),
        (torch.tensor([float("-inf")]), "-inf"),
    ],
)
def test_tensors_that_are_refused_are_named(tmp_path, tensor, says):
    text = refused(saved(tmp_path, {"a.b": tensor}))
    assert "a.b" in text
    assert says in text


@pytest.mark.parametrize(
    "thing", [torch.zeros(3), [W], {}, {"model": {}}, {"epoch": 3}, {"model": {1: torch.ones(1)}}]
)
def test_no_state_dict(tmp_path, thing):
    assert "no state dict" in refused(saved(tmp_path, thing))


@pytest.mark.parametrize("data", [b"", b"dear diary\n" * 50, bytes(range(256)) * 8])
def test_other_bytes(tmp_path, data):
    (tmp_path / "c.pth").write_bytes(data)
    refused(tmp_path / "c.pth")


@pytest.mark.parametrize("keep", [100, 500, -1])
def test_cut_short(tmp_path, keep):
    path = saved(tmp_path, W)
    path.write_bytes(path.read_bytes()[:keep])
    refused(path)


def test_missing_folder_and_other_zip(tmp_path):
    assert "no such file" in refused(tmp_path / "nowhere.pth")
    assert "folder" in refused(tmp_path)
    with zipfile.ZipFile(tmp_path / "z.pth", "w") as z:
        z.writestr("hello.txt", "hello")
    refused(tmp_path / "z.pth")


def test_code_is_never_run(tmp_path):
    assert "mkdir" in refused(saved(tmp_path, {"model": W, "args": Evil(tmp_path)}))
    (tmp_path / "c.pkl").write_bytes(pickle.dumps({"model": Evil(tmp_path)}))
    refused(tmp_path / "c.pkl")
    assert not (tmp_path / "marker").exists()
