"""SEW ResNet (Fang et al., NeurIPS 2021, arXiv 2102.04159, figure 1c) in plain PyTorch.

x ── conv-bn-sn ── conv-bn-sn ── a ┐
└──── (conv1x1-bn-sn if strided) ─ i ┴ join ──▶        ADD: a + i    AND: a · i    IAND: i · (1 - a)
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

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

Join = Callable[[Tensor, Tensor], Tensor]
"""(branch, identity) -> what leaves the block."""

JOINS: dict[str, Join] = {
    "ADD": lambda branch, identity: branch + identity,
    "AND": lambda branch, identity: branch * identity,
    "IAND": lambda branch, identity: identity * (1.0 - branch),
    # SpikingJelly's own Bottleneck (0.0.0.0.14, 2.0.0) has the operands the other way round.
    "IAND_SWAPPED": lambda branch, identity: branch * (1.0 - identity),
}


class SEWBlock(Block):
    """What both blocks share: a shortcut with its own neuron where it changes the shape, and the join."""

    joins: ClassVar[bool] = True

    join: Join
    downsample: nn.Sequential | None

    def __init__(
        self, channels: int, out: int, stride: int, connect_f: str, neuron: NeuronFactory
    ) -> None:
        super().__init__()
        self.join = JOINS[connect_f]
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(PerStep(*conv_bn(channels, out, 1, stride)), neuron())

    def branch(self, x: Tensor) -> Tensor:
        """The convolutions and neurons beside the shortcut."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """[T, N, C, H, W], spikes or sums of spikes."""
        identity = x if self.downsample is None else self.downsample(x)
        return self.join(self.branch(x), identity)


class BasicBlock(SEWBlock):
    """conv3x3 - conv3x3."""

    conv1: PerStep
    sn1: SpikingNeuron
    conv2: PerStep
    sn2: SpikingNeuron

    def __init__(
        self, channels: int, planes: int, stride: int, connect_f: str, neuron: NeuronFactory
    ) -> None:
        super().__init__(channels, planes, stride, connect_f, neuron)
        self.conv1 = PerStep(*conv_bn(channels, planes, 3, stride))
        self.sn1 = neuron()
        self.conv2 = PerStep(*conv_bn(planes, planes, 3))
        self.sn2 = neuron()

    def branch(self, x: Tensor) -> Tensor:
        """[T, N, C, H, W] to spikes."""
        return self.sn2(self.conv2(self.sn1(self.conv1(x))))


class Bottleneck(SEWBlock):
    """conv1x1 - conv3x3 (with the stride, the groups and the dilation) - conv1x1."""

    expansion: ClassVar[int] = 4

    conv1: PerStep
    sn1: SpikingNeuron
    conv2: PerStep
    sn2: SpikingNeuron
    conv3: PerStep
    sn3: SpikingNeuron

    def __init__(
        self,
        channels: int,
        planes: int,
        stride: int,
        connect_f: str,
        neuron: NeuronFactory,
        inner: Inner = PLAIN,
        dilation: int = 1,
    ) -> None:
        super().__init__(channels, planes * self.expansion, stride, connect_f, neuron)
        c = inner.channels(planes)
        self.conv1 = PerStep(*conv_bn(channels, c, 1))
        self.sn1 = neuron()
        self.conv2 = PerStep(*conv_bn(c, c, 3, stride, dilation=dilation, groups=inner.groups))
        self.sn2 = neuron()
        self.conv3 = PerStep(*conv_bn(c, planes * self.expansion, 1))
        self.sn3 = neuron()

    def branch(self, x: Tensor) -> Tensor:
        """[T, N, C, H, W] to spikes."""
        x = self.sn2(self.conv2(self.sn1(self.conv1(x))))
        return self.sn3(self.conv3(x))


class SEWResNet(ResNetTrunk):
    """The network of the paper; `connect_f` is one of JOINS. Further arguments: see ResNetTrunk."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        connect_f: str = "ADD",
        *,
        zero_init_residual: bool = False,
        neuron: NeuronFactory = SpikingNeuron,
        inner: Inner = PLAIN,
        **trunk: Any,
    ) -> None:
        def make(channels: int, planes: int, stride: int, dilation: int) -> Block:
            if block is Bottleneck:
                return Bottleneck(channels, planes, stride, connect_f, neuron, inner, dilation)
            if dilation != 1 or inner != PLAIN:
                raise ValueError("only a Bottleneck has groups and dilations")
            return block(channels, planes, stride, connect_f, neuron)

        super().__init__(make, block.expansion, layers, neuron, **trunk)
        self.connect_f = connect_f
        if (
            zero_init_residual
        ):  # for AND the authors also set the bias to 1, so that the branch fires and x passes
            last = "conv2" if block is BasicBlock else "conv3"
            zero_last_norms(self, last, 1.0 if connect_f == "AND" else 0.0)


def sew_resnet18(**arguments: Any) -> SEWResNet:
    """18 layers."""
    return SEWResNet(BasicBlock, (2, 2, 2, 2), **arguments)


def sew_resnet34(**arguments: Any) -> SEWResNet:
    """34 layers."""
    return SEWResNet(BasicBlock, (3, 4, 6, 3), **arguments)


def sew_resnet50(**arguments: Any) -> SEWResNet:
    """50 layers."""
    return SEWResNet(Bottleneck, (3, 4, 6, 3), **arguments)


def sew_resnet101(**arguments: Any) -> SEWResNet:
    """101 layers."""
    return SEWResNet(Bottleneck, (3, 4, 23, 3), **arguments)


def sew_resnet152(**arguments: Any) -> SEWResNet:
    """152 layers."""
    return SEWResNet(Bottleneck, (3, 8, 36, 3), **arguments)


def small_sew_resnet(
    in_channels: int,
    num_classes: int,
    *,
    width: int = 16,
    blocks: Sequence[int] = (1, 1, 1, 1),
    stem_kernel: int = 3,
    stem_stride: int = 1,
    stem_pool: bool = False,
    connect_f: str = "ADD",
    T: int = 4,
) -> SEWResNet:
    """A SEW ResNet of `blocks` BasicBlocks per stage for small images.

    Save it as the authors do, so that the reader knows what the keys cannot say:
    `torch.save({"model": net.state_dict(), "args": args}, path)` with
    `args = argparse.Namespace(T=4, connect_f="ADD", stem_stride=1, stem_pool=False)`.
    """
    return SEWResNet(
        BasicBlock,
        blocks,
        connect_f,
        in_channels=in_channels,
        num_classes=num_classes,
        width=width,
        stem_kernel=stem_kernel,
        stem_stride=stem_stride,
        stem_pool=stem_pool,
        T=T,
    )
