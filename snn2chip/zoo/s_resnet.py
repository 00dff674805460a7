"""S-ResNet (Vicente-Sola et al., Neuromorph. Comput. Eng. 2022, arXiv 2111.05955) in plain PyTorch.

x ── conv-norm[t]-LIF ── conv-norm[t]-LIF ─┐
└──── (conv1x1-norm[t] if strided) ────────┴ + ──▶      after a strided block the sums are real numbers

Every convolution has one batch norm per time step. Module paths are those of the authors' repository
(VicenteAlex/Spiking_ResNet, model.py), so that a checkpoint of theirs loads as it is, tensors stored twice included.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from snn2chip.zoo.model import Block, NeuronLayer, SpikingNet
from snn2chip.zoo.surrogates import TRIANGLE, Surrogate

EPS = 1e-4
"""Of every batch norm."""

VOTES = 10
"""Outputs of the boosted classifier for each class."""


class SoftResetLIF(NeuronLayer):
    """v = leak · v + x;  s = [v > 1];  v = v - s in the same step. No gradient flows through the reset."""

    def __init__(self, leak: float, surrogate: Surrogate = TRIANGLE) -> None:
        super().__init__()
        self.leak = leak
        self.surrogate = surrogate

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes [T, N, C, H, W] of currents of the same shape."""
        v = torch.zeros_like(currents[0])
        spikes: list[Tensor] = []
        for x in currents:
            v = self.leak * v + x
            s = self.surrogate.above(v - 1.0)
            v = v - s.detach()
            spikes.append(s)
        return torch.stack(spikes)


class Join(Block):
    """Spikes and what skipped them, added."""

    joins: ClassVar[bool] = True

    def forward(self, spikes: Tensor, skip: Tensor) -> Tensor:
        """[T, N, C, H, W]."""
        return spikes + skip


class SResnet(SpikingNet):
    """The network for images [N, C, H, W], which are shown `num_steps` times: 6n + 2 layers in three stages.

    Frames [T, N, C, H, W] of at most `num_steps` steps run as they are; whatever T is, the answer is the sum of the
    logits divided by `num_steps`. `boosting`: ten outputs vote for each class. `poisson_gen`: an image becomes new
    random spikes -1, 0, +1 at every step, so that no two runs are alike; frames of spikes drawn beforehand are.
    `shared_norms` (ours, to see what norms per step are good for): one norm for all steps, under every step's name.
    """

    stem_stride: ClassVar[int] = 1

    conv_list: nn.ModuleList
    bntt_list: nn.ModuleList
    conv1x1_list: nn.ModuleList
    bn_conv1x1_list: nn.ModuleList
    neurons: nn.ModuleList
    joins: nn.ModuleDict
    fc: nn.Linear
    conv1: nn.Module
    bntt1: nn.Module

    def __init__(
        self,
        n: int = 6,
        nFilters: int = 32,
        num_steps: int = 50,
        leak_mem: float = 0.874,
        img_size: int = 32,
        num_cls: int = 10,
        boosting: bool = False,
        poisson_gen: bool = False,
        *,
        in_channels: int = 3,
        shared_norms: bool = False,
        surrogate: Surrogate = TRIANGLE,
    ) -> None:
        super().__init__()
        self.n = n
        self.num_steps = num_steps
        self.img_size = img_size
        self.boosting = boosting
        self.poisson_gen = poisson_gen
        self.shared_norms = shared_norms
        apart = 1 if shared_norms else num_steps
        widths = [nFilters << stage for stage in range(3)]
        self.conv_list = nn.ModuleList([_conv(in_channels, nFilters, self.stem_stride)])
        for stage, width in enumerate(widths):
            before = widths[max(stage - 1, 0)]
            self.conv_list.append(_conv(before, width, 2 if stage else 1))
            self.conv_list.extend(_conv(width, width, 1) for _ in range(2 * n - 1))
        outputs = [nFilters, *(width for width in widths for _ in range(2 * n))]
        self.bntt_list = nn.ModuleList(_norms(width, num_steps, apart) for width in outputs)
        self.conv1x1_list = nn.ModuleList(
            nn.Conv2d(widths[k], widths[k + 1], 1, 2, bias=False) for k in (0, 1)
        )
        self.bn_conv1x1_list = nn.ModuleList(
            _norms(width, num_steps, apart) for width in widths[1:]
        )
        self.neurons = nn.ModuleList(SoftResetLIF(leak_mem, surrogate) for _ in outputs)
        self.joins = nn.ModuleDict({str(i): Join() for i in range(2, 6 * n + 1, 2)})
        self.fc = nn.Linear(widths[2], num_cls * (VOTES if boosting else 1), bias=False)
        self._name_twice()
        aliases = {f"neurons.{i}": f"conv_list.{i}" for i in range(6 * n + 1)}
        aliases |= {f"joins.{i}#out": f"conv_list.{i}#out" for i in self.joins}
        self.aliases: Mapping[str, str] = aliases
        self.apply(_initialise)

    def _name_twice(self) -> None:
        """The authors register these modules under two names, and so their files hold every tensor twice."""
        self.conv1, self.bntt1 = self.conv_list[0], self.bntt_list[0]
        for k in (0, 1):
            self.add_module(f"conv_resize_{k + 1}", self.conv1x1_list[k])
            self.add_module(f"resize_bn_{k + 1}", self.bn_conv1x1_list[k])

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of images or frames."""
        a = skip = self._layer(0, self._frames(x))
        for i in range(1, 6 * self.n + 1):
            s = self._layer(i, a)
            if i % 2:
                a = s
                continue
            stage = (i - 2) // (2 * self.n)
            if stage and (i - 2) % (2 * self.n) == 0:
                k = stage - 1
                skip = self._normed(self.bn_conv1x1_list[k], _mapped(self.conv1x1_list[k], skip))
            a = skip = self.joins[str(i)](s, skip)
        votes = self.fc(a.mean((3, 4)))
        logits = functional.avg_pool1d(votes, VOTES) if self.boosting else votes
        return logits.sum(0) / self.num_steps

    def _layer(self, i: int, a: Tensor) -> Tensor:
        return self.neurons[i](self._normed(self.bntt_list[i], _mapped(self.conv_list[i], a)))

    def _normed(self, norms: nn.Module, x: Tensor) -> Tensor:
        """Step t through the t-th norm; there may be more norms than steps."""
        if self.shared_norms:
            return _mapped(norms.get_submodule("0"), x)
        return torch.stack([norms.get_submodule(str(t))(a) for t, a in enumerate(x)])

    def _frames(self, x: Tensor) -> Tensor:
        """[T, N, C, H, W] of images or frames."""
        if x.dim() == 5:
            return x
        frames = x.expand(self.num_steps, *x.shape)
        if not self.poisson_gen:
            return frames
        return torch.sign(frames) * (2 * torch.rand_like(frames) <= frames.abs())


class SResnetNM(SResnet):
    """The same for event cameras: frames [T, N, 2, H, W], resized to `img_size`, and a stem of stride 2."""

    stem_stride: ClassVar[int] = 2

    def __init__(
        self,
        n: int = 6,
        nFilters: int = 32,
        num_steps: int = 50,
        leak_mem: float = 0.874,
        img_size: int = 64,
        num_cls: int = 10,
        *,
        in_channels: int = 2,
        shared_norms: bool = False,
        surrogate: Surrogate = TRIANGLE,
    ) -> None:
        super().__init__(
            n,
            nFilters,
            num_steps,
            leak_mem,
            img_size,
            num_cls,
            in_channels=in_channels,
            shared_norms=shared_norms,
            surrogate=surrogate,
        )

    def _frames(self, x: Tensor) -> Tensor:
        """Frames twice as large are halved: the mean of 2 x 2 is what bilinear without antialias gives."""
        if x.shape[3] == 2 * self.img_size:
            x = functional.avg_pool2d(x.flatten(0, 1), 2).unflatten(0, x.shape[:2])
        return x


def _conv(channels: int, out: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, stride, 1, bias=False)


def _norms(channels: int, steps: int, apart: int) -> nn.ModuleList:
    """One for each step; only `apart` of them differ."""
    norms = [nn.BatchNorm2d(channels, eps=EPS) for _ in range(apart)]
    return nn.ModuleList(norms[t % apart] for t in range(steps))


def _mapped(layer: nn.Module, x: Tensor) -> Tensor:
    """`layer` of every step of [T, N, C, H, W], as one batch of T·N."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight, gain=2)
