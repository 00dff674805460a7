"""The plain Spiking ResNet (the baseline of Fang et al., NeurIPS 2021, figure 1b) in plain PyTorch.

x ── conv-bn-sn ── conv-bn ─┐
└──── (conv1x1-bn if strided) ┴ + ── sn ──▶

The shortcut carries a current, and the last neuron comes after the sum.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from snn2chip.zoo.model import Block, PerStep
from snn2chip.zoo.neuron import SpikingNeuron
from snn2chip.zoo.trunk import (
    PLAIN,
    Inner,
    NeuronFactory,
    ResNetTrunk,
    conv_bn,
    zero_last_norms,
)


class BasicBlock(Block):
    """conv3x3 - conv3x3."""

    conv1: PerStep
    sn1: SpikingNeuron
    conv2: PerStep
    downsample: PerStep | None
    sn2: SpikingNeuron

    def __init__(self, channels: int, planes: int, stride: int, neuron: NeuronFactory) -> None:
        super().__init__()
        self.conv1 = PerStep(*conv_bn(channels, planes, 3, stride))
        self.sn1 = neuron()
        self.conv2 = PerStep(*conv_bn(planes, planes, 3))
        self.downsample = _shortcut(channels, planes, stride)
        self.sn2 = neuron()

    def forward(self, x: Tensor) -> Tensor:
        """Spikes [T, N, C, H, W] to spikes."""
        identity = x if self.downsample is None else self.downsample(x)
        return self.sn2(self.conv2(self.sn1(self.conv1(x))) + identity)


class Bottleneck(Block):
    """conv1x1 - conv3x3 (with the stride, the groups and the dilation) - conv1x1."""

    expansion: ClassVar[int] = 4

    conv1: PerStep
    sn1: SpikingNeuron
    conv2: PerStep
    sn2: SpikingNeuron
    conv3: PerStep
    downsample: PerStep | None
    sn3: SpikingNeuron

    def __init__(
        self,
        channels: int,
        planes: int,
        stride: int,
        neuron: NeuronFactory,
        inner: Inner = PLAIN,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        out, c = planes * self.expansion, inner.channels(planes)
        self.conv1 = PerStep(*conv_bn(channels, c, 1))
        self.sn1 = neuron()
        self.conv2 = PerStep(*conv_bn(c, c, 3, stride, dilation=dilation, groups=inner.groups))
        self.sn2 = neuron()
        self.conv3 = PerStep(*conv_bn(c, out, 1))
        self.downsample = _shortcut(channels, out, stride)
        self.sn3 = neuron()

    def forward(self, x: Tensor) -> Tensor:
        """Spikes [T, N, C, H, W] to spikes."""
        identity = x if self.downsample is None else self.downsample(x)
        branch = self.conv3(self.sn2(self.conv2(self.sn1(self.conv1(x)))))
        return self.sn3(branch + identity)


class SpikingResNet(ResNetTrunk):
    """The network of the paper. Further arguments: see ResNetTrunk."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        *,
        zero_init_residual: bool = False,
        neuron: NeuronFactory = SpikingNeuron,
        inner: Inner = PLAIN,
        **trunk: Any,
    ) -> None:
        def make(channels: int, planes: int, stride: int, dilation: int) -> Block:
            if block is Bottleneck:
                return Bottleneck(channels, planes, stride, neuron, inner, dilation)
            if dilation != 1 or inner != PLAIN:
                raise ValueError("only a Bottleneck has groups and dilations")
            return block(channels, planes, stride, neuron)

        super().__init__(make, block.expansion, layers, neuron, **trunk)
        if zero_init_residual:
            zero_last_norms(self, "conv2" if block is BasicBlock else "conv3", 0.0)


def spiking_resnet18(**arguments: Any) -> SpikingResNet:
    """18 layers."""
    return SpikingResNet(BasicBlock, (2, 2, 2, 2), **arguments)


def spiking_resnet34(**arguments: Any) -> SpikingResNet:
    """34 layers."""
    return SpikingResNet(BasicBlock, (3, 4, 6, 3), **arguments)


def spiking_resnet50(**arguments: Any) -> SpikingResNet:
    """50 layers."""
    return SpikingResNet(Bottleneck, (3, 4, 6, 3), **arguments)


def spiking_resnet101(**arguments: Any) -> SpikingResNet:
    """101 layers."""
    return SpikingResNet(Bottleneck, (3, 4, 23, 3), **arguments)


def spiking_resnet152(**arguments: Any) -> SpikingResNet:
    """152 layers."""
    return SpikingResNet(Bottleneck, (3, 8, 36, 3), **arguments)


def _shortcut(channels: int, out: int, stride: int) -> PerStep | None:
    return PerStep(*conv_bn(channels, out, 1, stride)) if stride != 1 or channels != out else None
