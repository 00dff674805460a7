"""What every network of the zoo is made of, whatever its paper: layers over the steps, blocks, traced pools."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn


class SpikingNet(nn.Module):
    """A network of the zoo: images [N, C, H, W] or frames [T, N, C, H, W] to logits [N, classes]."""

    aliases: Mapping[str, str]
    """Paths here -> paths in the model that the weights came from, where they differ; traces use the latter."""

    def __init__(self) -> None:
        super().__init__()
        self.aliases = {}


class NeuronLayer(nn.Module):
    """A layer of spiking neurons: currents [T, N, ...] to outputs of the same shape, which a trace shows."""


class PerStep(nn.Module):
    """A stateless layer applied to every step: [T, N, ...] as one batch of T·N (the authors' SeqToANNContainer)."""

    module: nn.Module

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.module = layers[0] if len(layers) == 1 else nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """[T, N, ...] to [T, N, ...]."""
        y: Tensor = self.module(x.flatten(0, 1))
        return y.unflatten(0, x.shape[:2])


class TracedPool(PerStep):
    """A pool whose output belongs to a trace, as `path#out`."""


class Block(nn.Module):
    """A residual block. `expansion`: output channels per plane. `joins`: its output is a join, which a trace shows."""

    expansion: ClassVar[int] = 1
    joins: ClassVar[bool] = False
