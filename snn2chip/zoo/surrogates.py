"""Surrogate gradients by name: what stands for the derivative of the step function when a network is trained.

A surrogate is one bump h · f(x / w) around the threshold, f(0) = 1, with x = membrane - threshold, w its width and h
its height. The spikes themselves never depend on it.

    atan            f(z) = 1 / (1 + (πz)²)          SEW ResNet: w = 1, h = 1 (SpikingJelly's ATan with α = 2)
    sigmoid         f(z) = 1 / cosh²(z/2)           4 σ(z) (1 - σ(z))
    triangle        f(z) = max(0, 1 - |z|)          S-ResNet: w = 1, h = 0.3
    rectangle       f(z) = [|z| < 1/2]              MLF: w = 1, h = 1
    fast_sigmoid    f(z) = 1 / (1 + |z|)²           w = 1/slope
    tanh            f(z) = [|z| < 1/2] / cosh²(3z)  Guo's group: w = 1, h = 3 / (2 tanh 1.5)
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Shape = Callable[[Tensor, Tensor], Tensor]
"""(gradient g, z) -> g · f(z)."""

SHAPES: Mapping[str, Shape] = {
    "atan": lambda g, z: g / (1 + (math.pi * z) ** 2),
    "sigmoid": lambda g, z: g / torch.cosh(z / 2).square(),
    "triangle": lambda g, z: g * (1 - z.abs()).clamp(min=0),
    "rectangle": lambda g, z: g * (z.abs() < 0.5),
    "fast_sigmoid": lambda g, z: g / (1 + z.abs()).square(),
    "tanh": lambda g, z: g * (1 - torch.tanh(3 * z).square()) * (z.abs() < 0.5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrogate:
    """`shape`: a key of SHAPES. `width` scales the membrane's distance from the threshold, `height` the gradient.

    >>> x = torch.tensor([0.0, 0.5], requires_grad=True)
    >>> spikes = Surrogate(shape="triangle", width=2.0, height=0.5).above(x)
    >>> spikes.sum().backward()
    >>> spikes.tolist(), x.grad.tolist()
    ([0.0, 1.0], [0.5, 0.375])
    """

    shape: str
    width: float = 1.0
    height: float = 1.0

    def above(self, x: Tensor) -> Tensor:
        """1 where x > 0, else 0."""
        return _Step.apply(x, self, True)  # pyright: ignore[reportReturnType]

    def reached(self, x: Tensor) -> Tensor:
        """1 where x >= 0, else 0."""
        return _Step.apply(x, self, False)  # pyright: ignore[reportReturnType]

    def times(self, gradient: Tensor, x: Tensor) -> Tensor:
        """The gradient times h · f(x / w)."""
        z = x if self.width == 1 else x / self.width
        slope = SHAPES[self.shape](gradient, z)
        return slope if self.height == 1 else slope * self.height


ATAN = Surrogate(shape="atan")
TRIANGLE = Surrogate(shape="triangle", height=0.3)
RECTANGLE = Surrogate(shape="rectangle")
TANH = Surrogate(shape="tanh", height=3 / (2 * math.tanh(1.5)))


class _Step(torch.autograd.Function):
    """The step function, and its surrogate backward."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, x: Tensor, surrogate: Surrogate, strict: bool
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.surrogate = surrogate  # pyright: ignore[reportAttributeAccessIssue]
        return ((x > 0) if strict else (x >= 0)).to(x)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, *grads: Tensor
    ) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
        slope: Tensor = ctx.surrogate.times(grads[0], x)  # pyright: ignore[reportAttributeAccessIssue]
        return slope, None, None
