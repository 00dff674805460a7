"""A spiking ResNet after Ledinauskas et al. (2020), "Training Deep Spiking Neural Networks", arXiv 2006.04436.

x ── conv-bn-LIF ── conv-bn (-LIF ── conv-bn) ─┐
└──── (conv1x1-bn if the shape changes) ───────┴ + ── LIF ──▶

From the paper: batch norm on the input currents, one for all steps; surrogate gradients whose width is tuned, because
gradients explode where it is too wide and vanish where it is too narrow; ResNets of up to 50 layers. **Its code was
never published**, so everything else is ours: decay 0.9, threshold 1, strict comparison, the fast sigmoid, where the
currents are joined, the stem, the mean over T of the last layer. Module paths are torchvision's.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from snn2chip.zoo.model import Block, NeuronLayer, SpikingNet
from snn2chip.zoo.surrogates import Surrogate

FAST_SIGMOID = Surrogate(shape="fast_sigmoid", width=0.1)
"""Of slope 10."""


class CurrentLIF(NeuronLayer):
    """v = decay · v + x;  s = [v > threshold];  v = v - s · threshold (`soft_reset`) or 0 where s.

    No gradient flows through the reset.
    """

    def __init__(
        self, decay: float, threshold: float, soft_reset: bool, surrogate: Surrogate
    ) -> None:
        super().__init__()
        self.decay = decay
        self.threshold = threshold
        self.soft_reset = soft_reset
        self.surrogate = surrogate

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes [T, N, C, H, W] of currents of the same shape."""
        v = torch.zeros_like(currents[0])
        spikes: list[Tensor] = []
        for x in currents:
            v = self.decay * v + x
            s = self.surrogate.above(v - self.threshold)
            fired = s.detach()
            v = v - fired * self.threshold if self.soft_reset else v * (1.0 - fired)
            spikes.append(s)
        return torch.stack(spikes)


class Neurons:
    """Makes every layer of neurons of a network."""

    arguments: tuple[float, float, bool, Surrogate]

    def __init__(
        self,
        decay: float = 0.9,
        threshold: float = 1.0,
        soft_reset: bool = True,
        surrogate: Surrogate = FAST_SIGMOID,
    ) -> None:
        self.arguments = decay, threshold, soft_reset, surrogate

    def __call__(self) -> CurrentLIF:
        """A layer."""
        return CurrentLIF(*self.arguments)


class StepConv(nn.Conv2d):
    """A convolution without bias of maps [T, N, C, H, W]; padding is kernel // 2."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__(channels, out, kernel, stride, kernel // 2, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Every step alike."""
        return super().forward(input.flatten(0, 1)).unflatten(0, input.shape[:2])


class StepNorm(nn.BatchNorm2d):
    """One batch norm for all steps of maps [T, N, C, H, W]."""

    def forward(self, input: Tensor) -> Tensor:
        """Statistics over T, N, H and W."""
        return super().forward(input.flatten(0, 1)).unflatten(0, input.shape[:2])


class ResidualBlock(Block):
    """Convolutions with neurons between them; the shortcut's current is added before the last neurons."""

    convs: int
    downsample: nn.Sequential | None

    def __init__(self, channels: int, sizes: Sequence[int], stride: int, neuron: Neurons) -> None:
        super().__init__()
        kernels = (3, 3) if len(sizes) == 2 else (1, 3, 1)
        strided, start = kernels.index(3), channels
        self.convs = len(sizes)
        for i, (kernel, out) in enumerate(zip(kernels, sizes, strict=True)):
            conv = StepConv(start, out, kernel, stride if i == strided else 1)
            self.add_module(f"conv{i + 1}", conv)
            self.add_module(f"bn{i + 1}", StepNorm(out))
            self.add_module(f"sn{i + 1}", neuron())
            start = out
        self.downsample = None
        if stride != 1 or channels != sizes[-1]:
            conv = StepConv(channels, sizes[-1], 1, stride)
            self.downsample = nn.Sequential(conv, StepNorm(sizes[-1]))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes [T, N, C, H, W] to spikes."""
        y = x
        for i in range(1, self.convs + 1):
            y = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(y))
            if i == self.convs:
                y = y + (x if self.downsample is None else self.downsample(x))
            y = self.get_submodule(f"sn{i}")(y)
        return y


class LedinauskasLike(SpikingNet):
    """`blocks` of each stage, widths width·2^i; `bottleneck`: 1x1, 3x3, 1x1 with four times the width at the end.

    (3, 4, 6, 3) with bottlenecks: ResNet-50. An image [N, C, H, W] is the current of the first convolution at every
    one of T steps. `stem_pool`: means over 2 x 2 after the first neurons.
    """

    expansion: ClassVar[int] = 4

    stages: int
    conv1: StepConv
    bn1: StepNorm
    sn1: CurrentLIF
    fc: nn.Linear

    def __init__(
        self,
        blocks: Sequence[int],
        num_classes: int = 10,
        *,
        bottleneck: bool = False,
        width: int = 64,
        T: int = 10,
        in_channels: int = 3,
        stem_kernel: int = 3,
        stem_stride: int = 1,
        stem_pool: bool = False,
        neuron: Neurons | None = None,
    ) -> None:
        super().__init__()
        neuron = neuron or Neurons()
        self.T, self.stages = T, len(blocks)
        self.stem_pool = stem_pool
        self.conv1 = StepConv(in_channels, width, stem_kernel, stem_stride)
        self.bn1, self.sn1 = StepNorm(width), neuron()
        channels = width
        for i, count in enumerate(blocks):
            planes, made = width << i, list[ResidualBlock]()
            sizes = (planes, planes, planes * self.expansion) if bottleneck else (planes, planes)
            for j in range(count):
                made.append(ResidualBlock(channels, sizes, 2 if i and not j else 1, neuron))
                channels = sizes[-1]
            self.add_module(f"layer{i + 1}", nn.Sequential(*made))
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of images or frames."""
        x = x.expand(self.T, *x.shape) if x.dim() == 4 else x
        x = self.sn1(self.bn1(self.conv1(x)))
        if self.stem_pool:
            x = nn.functional.avg_pool2d(x.flatten(0, 1), 2).unflatten(0, x.shape[:2])
        for i in range(self.stages):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.fc(x.mean((3, 4))).mean(0)
