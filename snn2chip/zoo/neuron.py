"""The spiking neuron of the zoo, in plain PyTorch."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from snn2chip.zoo.model import NeuronLayer
from snn2chip.zoo.surrogates import ATAN, Surrogate


class SpikingNeuron(NeuronLayer):
    """IF, LIF or PLIF neurons over all steps: currents [T, N, ...] to spikes 0/1 of the same shape.

        IF          h = v + x
        LIF         h = v + (x - (v - v_reset)) / tau          decay_input
                    h = v - (v - v_reset) / tau + x            not decay_input
        PLIF        as LIF, with sigmoid(w) in place of 1/tau: `w` is one learned number of the layer
        all         s = h >= v_threshold;  v = v_reset where s, else h;  v_reset None: v = h - s · v_threshold

    `strict`: s = h > v_threshold. Every call starts at v = v_reset (0 without one): nothing leaks from one batch into
    the next. The reset is detached in the backward pass, as the authors train.
    """

    w: nn.Parameter | None
    fires: Callable[[Tensor], Tensor]

    def __init__(
        self,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        tau: float | None = None,
        decay_input: bool = True,
        learned: bool = False,
        *,
        strict: bool = False,
        surrogate: Surrogate = ATAN,
    ) -> None:
        super().__init__()
        self.v_threshold = v_threshold
        self.v_reset = v_reset
        self.tau = tau
        self.decay_input = decay_input
        self.fires = surrogate.above if strict else surrogate.reached
        self.w = nn.Parameter(torch.tensor([-math.log((tau or 2.0) - 1.0)])) if learned else None

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes [T, N, ...] of currents [T, N, ...]."""
        v = torch.full_like(currents[0], self.v_reset or 0.0)
        spikes: list[Tensor] = []
        for x in currents:
            h = self._charged(v, x)
            s = self.fires(h - self.v_threshold)
            v = self._after(h, s.detach())
            spikes.append(s)
        return torch.stack(spikes)

    def _charged(self, v: Tensor, x: Tensor) -> Tensor:
        inner = (x if self.decay_input else 0.0) - (v - (self.v_reset or 0.0))
        if self.w is not None:
            step = inner * self.w.sigmoid()
        elif self.tau is not None:
            step = inner / self.tau
        else:
            return v + x
        return v + step if self.decay_input else v + step + x

    def _after(self, h: Tensor, s: Tensor) -> Tensor:
        if self.v_reset is None:
            return h - s * self.v_threshold
        return (1.0 - s) * h + s * self.v_reset
