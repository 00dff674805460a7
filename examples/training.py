"""What the two training examples share: seeded training of a small SEW ResNet, and its files.

The files of an example NAME, all under `examples/data`:

    NAME.pth              checkpoint in the container of the authors: {"model": state dict, "args": Namespace, ...}
    NAME_test.npy         held-back images, float32 [N, 1, H, W]; NAME_test_labels.npy: their classes, int64 [N]
    NAME_demo.npy         the first of them, for a quick run; NAME_demo_labels.npy
    NAME_calibration.npy  training images for `--method agree`, which must not see the held-back ones
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from snn2chip.zoo.sew_resnet import SEWResNet, small_sew_resnet

DATA = Path(__file__).parent / "data"

Images = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Images [N, 1, H, W] and classes [N], to train on and held back."""

    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Network and training. `steps`: T. `label_smoothing`: answers less extreme leave decisions room."""

    stem_stride: int
    epochs: int
    batch: int
    learning_rate: float
    seed: int = 1
    steps: int = 4
    classes: int = 10
    label_smoothing: float = 0.0


def split(images: NDArray[np.floating], labels: NDArray[np.integer], held_back: int) -> Split:
    """Hold back `held_back` images, drawn with seed 0; images [N, H, W] get their channel axis."""
    order = np.random.default_rng(0).permutation(len(images))
    x = images[order].astype(np.float32)[:, None]
    y = labels[order].astype(np.int64)
    return Split(
        train_images=x[held_back:],
        train_labels=y[held_back:],
        test_images=x[:held_back],
        test_labels=y[:held_back],
    )


def train(data: Split, recipe: Recipe) -> SEWResNet:
    """A trained network. One thread and deterministic kernels: the same seed gives the same weights."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(recipe.seed)
    net = small_sew_resnet(
        1, recipe.classes, blocks=(2, 2), stem_stride=recipe.stem_stride, T=recipe.steps
    )
    x, y = torch.from_numpy(data.train_images), torch.from_numpy(data.train_labels)
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.learning_rate, weight_decay=1e-2)
    batches = len(x) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.epochs * batches
    )
    net.train()
    for epoch in range(recipe.epochs):
        total = 0.0
        for chosen in torch.randperm(len(x))[: batches * recipe.batch].split(recipe.batch):
            loss = nn.functional.cross_entropy(
                net(x[chosen]), y[chosen], label_smoothing=recipe.label_smoothing
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2} of {recipe.epochs}: loss {total / batches:.3f}")
    return net.eval()


def correct(net: SEWResNet, images: Images, labels: Labels) -> int:
    """How many of the images get their label."""
    with torch.no_grad():
        decisions = torch.cat([net(x).argmax(1) for x in torch.from_numpy(images).split(100)])
    return int((decisions.numpy() == labels).sum())


def save(
    name: str, net: SEWResNet, data: Split, recipe: Recipe, few: int = 100, folder: Path = DATA
) -> None:
    """Write the files of the example `name`; `few`: images of the demo, and of the calibration."""
    hits = correct(net, data.test_images, data.test_labels)
    arguments = argparse.Namespace(
        T=recipe.steps,
        connect_f="ADD",
        stem_stride=recipe.stem_stride,
        stem_pool=False,
        epochs=recipe.epochs,
        batch_size=recipe.batch,
        lr=recipe.learning_rate,
        seed=recipe.seed,
    )
    folder.mkdir(exist_ok=True)
    container = {
        "model": net.state_dict(),
        "epoch": recipe.epochs - 1,
        "args": arguments,
        "max_test_acc1": hits / len(data.test_labels),
    }
    torch.save(container, folder / f"{name}.pth")
    np.save(folder / f"{name}_test.npy", data.test_images)
    np.save(folder / f"{name}_test_labels.npy", data.test_labels)
    np.save(folder / f"{name}_demo.npy", data.test_images[:few])
    np.save(folder / f"{name}_demo_labels.npy", data.test_labels[:few])
    np.save(folder / f"{name}_calibration.npy", data.train_images[:few])
    print(f"{hits} of {len(data.test_labels)} held-back images right; files in {folder}")
