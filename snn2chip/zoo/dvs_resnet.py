"""The networks for event cameras of Fang et al. (NeurIPS 2021): 7B-Net, Wide-7B-Net and their generic class, ResNetN.

Module paths are those of the authors' repository (fangwei123456/Spike-Element-Wise-ResNet, dvsgesture/smodels.py), so
that a checkpoint of theirs loads as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from snn2chip.zoo.model import Block, PerStep, SpikingNet, TracedPool
from snn2chip.zoo.neuron import SpikingNeuron
from snn2chip.zoo.sew_resnet import JOINS, Join
from snn2chip.zoo.trunk import NeuronFactory, conv_bn

_PLIF = partial(SpikingNeuron, learned=True)


class BlockType(Enum):
    """The authors' `block_type`: spikes joined, no shortcut at all, or currents summed before the last neuron."""

    SEW = "sew"
    PLAIN = "plain"
    BASIC = "basic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the authors' `layer_list`; `k_pool` None: no pool after the blocks."""

    channels: int
    up_kernel_size: int
    mid_channels: int
    num_blocks: int
    block_type: BlockType
    k_pool: int | None


class JoinedBlock(Block):
    """conv3x3-bn-sn, conv3x3-bn-sn, joined with the block's input after the neurons."""

    joins: ClassVar[bool] = True

    conv: nn.Sequential
    join: Join

    def __init__(self, channels: int, mid: int, connect_f: str, neuron: NeuronFactory) -> None:
        super().__init__()
        self.conv = nn.Sequential(_unit(channels, mid, 3, neuron), _unit(mid, channels, 3, neuron))
        self.join = JOINS[connect_f]

    def forward(self, x: Tensor) -> Tensor:
        """[T, N, C, H, W], spikes or sums of spikes."""
        return self.join(self.conv(x), x)


class PlainBlock(Block):
    """The same without the join."""

    conv: nn.Sequential

    def __init__(self, channels: int, mid: int, neuron: NeuronFactory) -> None:
        super().__init__()
        self.conv = nn.Sequential(_unit(channels, mid, 3, neuron), _unit(mid, channels, 3, neuron))

    def forward(self, x: Tensor) -> Tensor:
        """[T, N, C, H, W] to spikes."""
        return self.conv(x)


class BasicBlock(Block):
    """conv3x3-bn-sn, conv3x3-bn; its current and the block's input are summed before the last neuron."""

    conv: nn.Sequential
    sn: SpikingNeuron

    def __init__(self, channels: int, mid: int, neuron: NeuronFactory) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _unit(channels, mid, 3, neuron), PerStep(*conv_bn(mid, channels, 3))
        )
        self.sn = neuron()

    def forward(self, x: Tensor) -> Tensor:
        """[T, N, C, H, W] to spikes."""
        return self.sn(self.conv(x) + x)


class ResNetN(SpikingNet):
    """`layer_list` in order, then flatten, mean over T, `out`. Frames [T, N, 2, H, W] (event counts) to logits.

    `features`: values of the last map, which the authors compute for frames of 128 x 128.
    """

    conv: nn.Sequential
    out: nn.Linear

    def __init__(
        self,
        layer_list: Sequence[Entry],
        num_classes: int,
        connect_f: str = "ADD",
        *,
        features: int,
        in_channels: int = 2,
        neuron: NeuronFactory = _PLIF,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for entry in layer_list:
            if channels != entry.channels:
                layers.append(_unit(channels, entry.channels, entry.up_kernel_size, neuron))
            channels = entry.channels
            layers += [_block(entry, connect_f, neuron) for _ in range(entry.num_blocks)]
            if entry.k_pool is not None:
                layers.append(TracedPool(nn.MaxPool2d(entry.k_pool, entry.k_pool)))
        self.conv = nn.Sequential(*layers, nn.Flatten(2))
        self.out = nn.Linear(features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of frames [T, N, C, H, W]."""
        return self.out(self.conv(x).mean(0))


def _block(entry: Entry, connect_f: str, neuron: NeuronFactory) -> Block:
    if entry.block_type is BlockType.SEW:
        return JoinedBlock(entry.channels, entry.mid_channels, connect_f, neuron)
    kind = PlainBlock if entry.block_type is BlockType.PLAIN else BasicBlock
    return kind(entry.channels, entry.mid_channels, neuron)


def _unit(channels: int, out: int, kernel: int, neuron: NeuronFactory) -> nn.Sequential:
    return nn.Sequential(PerStep(*conv_bn(channels, out, kernel)), neuron())
