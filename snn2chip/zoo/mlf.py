"""MLF with the spiking DS-ResNet (Feng et al., IJCAI 2022, arXiv 2210.06386) in plain PyTorch.

x ── conv-bn-MLF ── conv-bn-MLF ─┐
└──── (conv1x1-bn-MLF if strided) ┴ + ──▶        integers: the shortcut never meets a threshold

Module paths are those of the authors' repository (langfengQ/MLF-DSResNet, parallel_nets/), so that a checkpoint of
theirs loads as it is. Only the unit that they use twice in a block is two here; aliases name it as theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from snn2chip.zoo.model import Block, NeuronLayer, SpikingNet
from snn2chip.zoo.surrogates import RECTANGLE, Surrogate


class MLFUnit(NeuronLayer):
    """LIF neurons of several thresholds side by side: the sum of their spikes, 0 … number of levels.

    u_k = decay · u_k · (1 - [u_k > θ_k]) + x        o = Σ_k [u_k > θ_k]        one membrane u_k for each level
    """

    thresholds: tuple[float, ...]

    def __init__(
        self, thresholds: Sequence[float], decay: float, surrogate: Surrogate = RECTANGLE
    ) -> None:
        super().__init__()
        self.thresholds = tuple(thresholds)
        self.decay = decay
        self.surrogate = surrogate

    def forward(self, currents: Tensor) -> Tensor:
        """Integers [T, N, ...] of currents [T, N, ...]."""
        total = torch.zeros_like(currents)
        for threshold in self.thresholds:
            u = s = torch.zeros_like(currents[0])
            spikes: list[Tensor] = []
            for x in currents:
                u = self.decay * u * (1.0 - s) + x
                s = self.surrogate.above(u - threshold)
                spikes.append(s)
            total = total + torch.stack(spikes)
        return total


class TdBatchNorm(nn.Module):
    """factor · (x - mean) / (sqrt(var) + eps) · weight + bias over all steps: eps stands outside the root.

    [T, N, C, H, W] to the same; in training with the statistics of the batch.
    """

    bn: nn.BatchNorm2d

    def __init__(self, channels: int, factor: float, affine: bool = True) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, affine=affine)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Maps to maps."""
        mean, var = self._statistics(x)
        y = self.factor * (x - _map(mean)) / (_map(var).sqrt() + self.bn.eps)
        return y * _map(self.bn.weight) + _map(self.bn.bias) if self.bn.affine else y

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        running = self.bn.running_mean, self.bn.running_var
        if not self.training or running[0] is None or running[1] is None:
            return running  # pyright: ignore[reportReturnType]
        mean, var = x.mean((0, 1, 3, 4)), x.var((0, 1, 3, 4), correction=0)
        count = x.numel() / x.shape[2]
        with torch.no_grad():
            running[0].lerp_(mean, 0.1)
            running[1].lerp_(var * count / (count - 1), 0.1)
        return mean, var


class StepConv2d(nn.Conv2d):
    """A convolution of maps [T, N, C, H, W]."""

    def forward(self, input: Tensor) -> Tensor:
        """Every step alike."""
        return super().forward(input.flatten(0, 1)).unflatten(0, input.shape[:2])


@dataclass(frozen=True, slots=True, kw_only=True)
class MLFNeurons:
    """Thresholds of the levels (the first one scales the norms, too), the decay of every membrane, the surrogate."""

    thresholds: tuple[float, ...] = (0.6, 1.6, 2.6)
    decay: float = 0.25
    surrogate: Surrogate = RECTANGLE

    def norm(self, channels: int, affine: bool = True) -> TdBatchNorm:
        """A norm in front of such neurons."""
        return TdBatchNorm(channels, self.thresholds[0], affine)

    def unit(self) -> MLFUnit:
        """A layer of them."""
        return MLFUnit(self.thresholds, self.decay, self.surrogate)


_AUTHORS = MLFNeurons()


class DSBlock(Block):
    """Two conv-bn-MLF, and the shortcut added after them."""

    joins: ClassVar[bool] = True

    conv1: StepConv2d
    bn1: TdBatchNorm
    spike_func1: MLFUnit
    conv2: StepConv2d
    bn2: TdBatchNorm
    spike_func2: MLFUnit
    shortcut: nn.Sequential | None

    def __init__(self, channels: int, out: int, stride: int, neurons: MLFNeurons) -> None:
        super().__init__()
        self.conv1 = StepConv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = neurons.norm(out)
        self.spike_func1 = neurons.unit()
        self.conv2 = StepConv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = neurons.norm(out)
        self.spike_func2 = neurons.unit()
        self.shortcut = None
        if stride != 1 or channels != out:
            conv = StepConv2d(channels, out, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, neurons.norm(out), neurons.unit())

    def forward(self, x: Tensor) -> Tensor:
        """Integers [T, N, C, H, W] to integers."""
        y = self.spike_func1(self.bn1(self.conv1(x)))
        y = self.spike_func2(self.bn2(self.conv2(y)))
        return y + (x if self.shortcut is None else self.shortcut(x))


class Stage(nn.Module):
    """The authors' wrapper of a stage: its blocks are under `execute`."""

    execute: nn.Sequential

    def __init__(self, *blocks: DSBlock) -> None:
        super().__init__()
        self.execute = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Block after block."""
        return self.execute(x)


class MLFResNet(SpikingNet):
    """(bn0) - conv1 - bn1 - MLF - layer1 … - average pool - `voting` - mean over T.

    `blocks` of each stage; widths double, and every stage but the first halves the map. `input_norm`: the norm
    without weights in front of everything that the DVS Gesture network has. Images [N, C, H, W] are shown T times.
    """

    stages: int
    bn0: TdBatchNorm | None
    conv1: StepConv2d
    bn1: TdBatchNorm
    spike_func: MLFUnit
    voting: nn.Linear

    def __init__(
        self,
        blocks: Sequence[int],
        num_classes: int = 10,
        *,
        in_channels: int = 3,
        width: int = 64,
        T: int = 4,
        input_norm: bool = False,
        neurons: MLFNeurons = _AUTHORS,
    ) -> None:
        super().__init__()
        self.T, self.stages = T, len(blocks)
        self.bn0 = neurons.norm(in_channels, affine=False) if input_norm else None
        self.conv1 = StepConv2d(in_channels, width, 3, 1, 1, bias=False)
        self.bn1 = neurons.norm(width)
        self.spike_func = neurons.unit()
        aliases: dict[str, str] = {}
        channels = width
        for i, count in enumerate(blocks):
            made: list[DSBlock] = []
            for j in range(count):
                stride = 2 if i > 0 and j == 0 else 1
                made.append(DSBlock(channels, width << i, stride, neurons))
                channels = width << i
                unit = f"layer{i + 1}.execute.{j}.spike_func"
                aliases |= {f"{unit}{k}": f"{unit}@{k}" for k in (1, 2)}
            self.add_module(f"layer{i + 1}", Stage(*made))
        self.voting = nn.Linear(channels, num_classes)
        self.aliases: Mapping[str, str] = aliases

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of images or frames."""
        x = x.expand(self.T, *x.shape) if x.dim() == 4 else x
        x = x if self.bn0 is None else self.bn0(x)
        x = self.spike_func(self.bn1(self.conv1(x)))
        for i in range(self.stages):
            x = self.get_submodule(f"layer{i + 1}")(x)
        return self.voting(x.mean((3, 4))).mean(0)


def _map(values: Tensor) -> Tensor:
    """[C] as (C, 1, 1)."""
    return values[:, None, None]
