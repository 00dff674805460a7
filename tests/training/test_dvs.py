"""SEW ResNet for event cameras: images become frames, frames are drawn, and the authors' folders train it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from snn2chip.model import ModelRequest, load_model
from snn2chip.stages.train import train
from snn2chip.training import loop
from snn2chip.training.architectures.dvs import SEW_RESNET_DVS
from snn2chip.training.datasets import DataRequest
from snn2chip.training.run import TrainRequest
from snn2chip.zoo.dvs_resnet import ResNetN
from tests.training.small import bars
from tests.training.test_folders import fake_tonic


def test_an_image_is_the_same_frame_at_every_step():
    values = SEW_RESNET_DVS.values({"T": 3}, "small", bars().frame)
    made = SEW_RESNET_DVS.prepared(bars(), values)
    assert made.train_x.shape == (48, 3, 1, 8, 8)
    assert all(np.array_equal(made.train_x[:, t], bars().train_x) for t in range(3))
    assert SEW_RESNET_DVS.prepared(made, values) is made


def test_frames_of_a_batch_are_drawn_in_order():
    seen: list[list[float]] = []

    class Net(torch.nn.Module):
        def forward(self, x):
            seen.append(x[:, 0, 0].tolist())
            return x.mean(0)

    values = SEW_RESNET_DVS.values({"T": 6, "T_train": 4}, "small", (1, 8, 8))
    assert SEW_RESNET_DVS.loss is not None
    loss = SEW_RESNET_DVS.loss(values, SEW_RESNET_DVS.small)
    x = torch.arange(6.0)[:, None, None].expand(6, 2, 2)
    for _ in range(8):
        loss(Net(), x, torch.tensor([0, 1]), 0.0)
    assert all(len(s) == 4 and s == sorted(set(s)) for s in seen)
    assert len({tuple(s) for s in seen}) > 1


@pytest.mark.parametrize(
    ("name", "frame", "maps"), [("digits", (1, 8, 8), 2), ("mnist5k", (1, 28, 28), 3)]
)
def test_the_small_network_grows_with_the_frame(name, frame, maps):
    values = SEW_RESNET_DVS.values({}, "small", frame)
    assert len(values.of["layer_list"]) == maps  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("net", "parameters", "classes"), [("7B-Net", 130_426, 11), ("Wide-7B-Net", 1_192_218, 10)]
)
def test_the_authors_networks(net, parameters, classes):
    values = SEW_RESNET_DVS.values({"layer_list": net}, "paper", (2, 128, 128), 16)
    data = bars()
    made = SEW_RESNET_DVS.make(values, _sized(data, classes))
    assert isinstance(made, ResNetN)
    assert sum(p.numel() for p in made.parameters()) == parameters


def _sized(data, classes):
    shape = (1, 16, 2, 128, 128)
    return replace(data, train_x=np.broadcast_to(np.zeros((), np.float32), shape), classes=classes)


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ("dvsgesture", {"DVSGesture/ibmGestureTrain": 12, "DVSGesture/ibmGestureTest": 4}),
        ("cifar10dvs", {"CIFAR10DVS": 40}),
    ],
)
@pytest.mark.parametrize("kind", ["sew", "plain"])
def test_a_folder_of_events_trains(tmp_path, monkeypatch, data, parts, kind):
    fake_tonic(monkeypatch, "ibmGestureTrain" if data == "dvsgesture" else "")
    for part, count in parts.items():
        (tmp_path / part).mkdir(parents=True)
        for i in range(count):
            (tmp_path / part / f"{i}.npy").touch()
    entry = {"channels": 3, "up_kernel_size": 1, "mid_channels": 3, "num_blocks": 1, "k_pool": 2}
    request = TrainRequest(
        arch="sew_resnet_dvs",
        data=data,
        options={"layer_list": [entry] * 2, "block_type": kind},
        recipe={"epochs": 1, "batch": 4},
        source=DataRequest(root=tmp_path, frames=3, size=16),
    )
    done = train(request, tmp_path / "run")
    assert done.run.recipe.learning_rate == SEW_RESNET_DVS.paper.learning_rate
    x = str(tmp_path / "run" / "test.npy")
    assert np.load(x).shape[1:] == (3, 2, 16, 16)
    model = load_model(ModelRequest(path=str(done.checkpoint), input_path=x, layout="NTCHW"))
    used = model.network.provenance.options
    assert (used.get("connect_f") == "ADD") is (kind == "sew")
    assert model.zoo is not None
    right = loop.correct(model.zoo(), done.run.data.test_x, done.run.data.test_y)
    assert right == done.run.trained.epochs[-1].right
