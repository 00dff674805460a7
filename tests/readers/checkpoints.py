"""Small checkpoints on a dyadic grid, in every spelling, for the tests of the readers."""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from snn2chip.zoo import sew_resnet, spiking_resnet
from snn2chip.zoo.model import SpikingNet
from snn2chip.zoo.trunk import ResNetTrunk

Net = TypeVar("Net", bound=SpikingNet)
State = dict[str, Tensor]

ARGS = {"T": 4, "connect_f": "ADD", "stem_stride": 1, "stem_pool": False, "lr": 0.1}

SMALL_TRUNK: dict[str, Any] = {
    "in_channels": 1,
    "num_classes": 3,
    "width": 4,
    "stem_kernel": 3,
    "stem_stride": 1,
    "stem_pool": False,
}
"""Of the small networks: images of one channel, three classes, width 4."""


def small(connect_f: str = "ADD", blocks: tuple[int, ...] = (1, 1), **more) -> ResNetTrunk:
    """A SEW ResNet of width 4 for images of one channel, on the grid."""
    net = sew_resnet.small_sew_resnet(1, 3, width=4, blocks=blocks, connect_f=connect_f, **more)
    return dyadic(net)


def small_plain(bottleneck: bool = False) -> ResNetTrunk:
    """The plain network of the same size."""
    block = spiking_resnet.Bottleneck if bottleneck else spiking_resnet.BasicBlock
    return dyadic(spiking_resnet.SpikingResNet(block, (2, 1), **SMALL_TRUNK))


def dyadic(net: Net, seed: int = 0) -> Net:
    """`net` in evaluation mode with weights in eighths and norms that are exactly an affine map."""
    g = torch.Generator().manual_seed(seed)
    draw = lambda shape, low, high: torch.randint(low, high + 1, shape, generator=g).float()  # noqa: E731
    state = net.state_dict()
    for key, tensor in state.items():
        if key.endswith("running_var"):
            state[key] = torch.full_like(tensor, 2.0**40)
        elif key.endswith("running_mean"):
            state[key] = draw(tensor.shape, -1, 1) / 4
        elif tensor.dim() == 1 and not key.startswith("fc") and key.endswith(".weight"):
            state[key] = draw(tensor.shape, 0, 1) * 2.0**20 + 2.0**20
        elif key.endswith(".bias"):
            state[key] = draw(tensor.shape, 0, 3) / 8
        elif tensor.dim() > 1:
            state[key] = draw(tensor.shape, -3, 4) / 8
    net.load_state_dict(state)
    return net.eval()


def respelt(state: State, dialect: str) -> State:
    """The same tensors with the keys of the branch `new_sj`, or of `spikingjelly`'s own models."""
    if dialect == "new_sj":
        return {re.sub(r"\.module\.", ".", k): v for k, v in state.items()}
    renamed = {re.sub(r"downsample(\.0)?\.module\.", "downsample.", k): v for k, v in state.items()}
    renamed = {re.sub(r"conv(\d)\.module\.1\.", r"bn\1.", k): v for k, v in renamed.items()}
    return {k.replace(".module.0", ""): v for k, v in renamed.items()}


def save(path: Path, state: State, args: Mapping[str, object] | None = None) -> str:
    """Write the container of the authors with `args`, or the bare state dict without; returns the path."""
    content = (
        state if args is None else {"model": state, "epoch": 3, "args": argparse.Namespace(**args)}
    )
    torch.save(content, path)
    return str(path)


def images(samples: int = 2, size: int = 8, seed: int = 1) -> Tensor:
    """[N, 1, size, size] in eighths."""
    g = torch.Generator().manual_seed(seed)
    return torch.randint(0, 9, (samples, 1, size, size), generator=g).float() / 8
