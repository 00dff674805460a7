"""ResNets of Guo's group (IM-Loss, NeurIPS 2022; MPBN, ICCV 2023) in plain PyTorch: currents are joined.

x ── conv-bn-LIF ── conv-bn ──┐
└──── (pool-conv1x1-bn if strided) ┴ + ── LIF ──▶

Module paths are those of their repositories (yfguo91/IM-Loss…, yfguo91/MPBN), whose wrappers put a level into every
key: `.pool` for convolutions, `.bn` for norms, `.conv` for the classifier. A checkpoint of theirs loads as it is.

"Take A Shortcut Back" (Guo et al., NeurIPS 2024, arXiv 2401.04486) trains such networks with branches from the stages
straight to a loss. Its code is not published; what a branch is made of is ours: mean of the map, linear, mean over T.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from snn2chip.zoo.model import Block, NeuronLayer, SpikingNet
from snn2chip.zoo.surrogates import TANH, Surrogate


class LIFAct(NeuronLayer):
    """u = decay · u + x;  s = [z > 1/2] with z = u, or the norm of u (MPBN);  u = 0 where s, whatever z was."""

    bn: nn.BatchNorm2d | None

    def __init__(
        self,
        channels: int,
        decay: float,
        threshold: float,
        membrane_norm: bool,
        surrogate: Surrogate = TANH,
    ) -> None:
        super().__init__()
        self.decay = decay
        self.threshold = threshold
        self.surrogate = surrogate
        self.bn = nn.BatchNorm2d(channels) if membrane_norm else None

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes [T, N, C, H, W] of currents of the same shape."""
        u = torch.zeros_like(currents[0])
        spikes: list[Tensor] = []
        for x in currents:
            u = self.decay * u + x
            z = u if self.bn is None else self.bn(u)
            s = self.surrogate.above(z - self.threshold)
            u = u * (1.0 - s)
            spikes.append(s)
        return torch.stack(spikes)


Act = partial[LIFAct]

IMAGENET_KERNEL = 7
"""Size of the stem's kernel in the ImageNet networks, which nothing else tells apart."""


class SpikePool(nn.Module):
    """A convolution or pool of every step; the authors' name."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.pool = layer

    def forward(self, x: Tensor) -> Tensor:
        """[T, N, C, H, W] to the same axes."""
        return self.pool(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class StepNorm(nn.Module):
    """One batch norm for all steps."""

    bn: nn.BatchNorm3d

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[T, N, C, H, W]; statistics over T, N, H and W."""
        return self.bn(x.permute(1, 2, 0, 3, 4)).permute(2, 0, 1, 3, 4)


class SpikeConv(nn.Module):
    """The classifier, at every step; the authors' name."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.conv = layer

    def forward(self, x: Tensor) -> Tensor:
        """[T, N, C] to [T, N, classes]."""
        return self.conv(x)


def _conv(channels: int, out: int, kernel: int, stride: int = 1) -> SpikePool:
    return SpikePool(nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False))


class SpikeBasicBlock(Block):
    """Two convolutions; the shortcut's current is added before the last neurons."""

    conv1: SpikePool
    bn1: StepNorm
    relu1: LIFAct
    conv2: SpikePool
    bn2: StepNorm
    downsample: nn.Sequential | None
    output_act: LIFAct

    def __init__(self, channels: int, out: int, stride: int, pooled: bool, act: Act) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu1 = _conv(channels, out, 3, stride), StepNorm(out), act(out)
        self.conv2, self.bn2 = _conv(out, out, 3), StepNorm(out)
        self.downsample = None
        if stride != 1 or channels != out:
            pool = [SpikePool(nn.AvgPool2d(stride))] if pooled else []
            conv = _conv(channels, out, 1, 1 if pooled else stride)
            self.downsample = nn.Sequential(*pool, conv, StepNorm(out))
        self.output_act = act(out)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes (or means of spikes) [T, N, C, H, W] to spikes."""
        identity = x if self.downsample is None else self.downsample(x)
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.output_act(y + identity)


class GuoNet(nn.Module):
    """The network inside the wrapper.

    `stem` > 0: so many conv-bn-LIF in a row and a mean over 2 x 2 (res20m). Else one of them, with a kernel of
    `stem_kernel`; one of 7 x 7 has stride 2, and a mean over 3 x 3 in steps of 2, zeros of its padding included,
    follows its neurons (ResNet-18 and -34 for ImageNet).
    """

    stem: int
    stages: int
    conv1: nn.Sequential | SpikePool
    bn1: StepNorm
    relu: LIFAct
    pool: SpikePool | None
    fc: SpikeConv

    def __init__(
        self,
        blocks: Sequence[int],
        num_classes: int,
        in_channels: int,
        width: int,
        stem: int,
        act: Act,
        stem_kernel: int = 3,
    ) -> None:
        super().__init__()
        self.stem, self.stages, channels = stem, len(blocks), width
        self.pool = None
        if stem:
            parts: list[nn.Module] = []
            for i in range(stem):
                conv = _conv(width if i else in_channels, width, 3)
                parts += [conv, StepNorm(width), act(width)]
            self.conv1 = nn.Sequential(*parts)
            self.pool = SpikePool(nn.AvgPool2d(2))
        else:
            large = stem_kernel == IMAGENET_KERNEL
            self.conv1 = _conv(in_channels, width, stem_kernel, 2 if large else 1)
            self.bn1, self.relu = StepNorm(width), act(width)
            self.pool = SpikePool(nn.AvgPool2d(3, 2, 1)) if large else None
        for i, count in enumerate(blocks):
            made: list[SpikeBasicBlock] = []
            for j in range(count):
                stride = 2 if i > 0 and j == 0 else 1
                made.append(SpikeBasicBlock(channels, width << i, stride, stem > 0, act))
                channels = width << i
            self.add_module(f"layer{i + 1}", nn.Sequential(*made))
        self.fc = SpikeConv(nn.Linear(channels, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of frames [T, N, C, H, W]."""
        return self.answer(self.maps(x)[-1])

    def maps(self, x: Tensor) -> list[Tensor]:
        """Spikes [T, N, C, H, W] of every stage."""
        x = self.conv1(x) if self.stem else self.relu(self.bn1(self.conv1(x)))
        x = x if self.pool is None else self.pool(x)
        maps: list[Tensor] = []
        for i in range(self.stages):
            x = self.get_submodule(f"layer{i + 1}")(x)
            maps.append(x)
        return maps

    def answer(self, last: Tensor) -> Tensor:
        """Logits of the last stage's spikes."""
        return self.fc(last.mean((3, 4))).mean(0)


class GuoResNet(SpikingNet):
    """The authors' SpikeModel: `model`, and an image [N, C, H, W] shown `step` times.

    blocks (2, 2, 2, 2), width 64, stem 3: res20m. (3, 3, 2) or (3, 3, 3), width 128, stem 0: ResNet-19 and -20.
    (2, 2, 2, 2) or (3, 4, 6, 3), width 64, stem 0, stem_kernel 7: ResNet-18 and -34 for ImageNet.
    `branches`: one from every stage but the last, under `shortcut`; only a loss reads them.
    """

    model: GuoNet
    shortcut: nn.ModuleList

    def __init__(
        self,
        blocks: Sequence[int] = (2, 2, 2, 2),
        num_classes: int = 10,
        *,
        step: int = 4,
        in_channels: int = 3,
        width: int = 64,
        stem: int = 3,
        stem_kernel: int = 3,
        decay: float = 0.25,
        threshold: float = 0.5,
        membrane_norm: bool = False,
        branches: bool = False,
        surrogate: Surrogate = TANH,
    ) -> None:
        super().__init__()
        self.step = step
        act = partial(
            LIFAct,
            decay=decay,
            threshold=threshold,
            membrane_norm=membrane_norm,
            surrogate=surrogate,
        )
        self.model = GuoNet(blocks, num_classes, in_channels, width, stem, act, stem_kernel)
        branching = len(blocks) - 1 if branches else 0
        self.shortcut = nn.ModuleList(nn.Linear(width << i, num_classes) for i in range(branching))

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of images or frames."""
        return self.model(self._frames(x))

    @property
    def has_branches(self) -> bool:
        """Whether there is anything under `shortcut`."""
        return len(self.shortcut) > 0

    def answers(self, x: Tensor) -> list[Tensor]:
        """Logits [N, classes] of the main path, then of every branch."""
        maps = self.model.maps(self._frames(x))
        heads = zip(self.shortcut, maps, strict=False)
        return [self.model.answer(maps[-1]), *(head(m.mean((0, 3, 4))) for head, m in heads)]

    def _frames(self, x: Tensor) -> Tensor:
        return x.expand(self.step, *x.shape) if x.dim() == 4 else x
