"""Neurons that train on the chip's grid: decays, gains, thresholds and what is sent are the chip's, in real units.

    c[t] = gain[t] · a[t] + bias[t]       gains and biases of single steps are trained; the product is cut off to the
                                          current's unit, as the chip does
    v = decay(v) + c[t];  s = [v > θ]     spikes, with a surrogate gradient
    s = c[t], rounded to the payload      where the neurons send numbers: no threshold, no memory

Backward, every rounding counts as the identity.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from snn2chip.arrays import FloatArray
from snn2chip.fixed import DECAY_ONE
from snn2chip.network.types import Neuron
from snn2chip.neuron import Compare, Emits, NeuronModel, Reset
from snn2chip.training.folded import NeuronGrid
from snn2chip.zoo.surrogates import Surrogate


class NeuronLayer(nn.Module):
    """A layer of neurons over all steps: the float model's, or the chip's as buffers (a state keeps both).

    `gain`, `own_bias`: parameters [T, C, 1, 1] where the model has gains; else None, and a constant.
    """

    unit: Tensor
    thresholds: Tensor
    amounts: Tensor
    keep: Tensor
    bias: Tensor
    gain_unit: Tensor
    current_unit: Tensor
    payload_unit: Tensor
    model: NeuronModel
    gain: nn.Parameter | None
    own_bias: Tensor
    own_thresholds: list[Tensor]

    def __init__(self, op: Neuron, grid: NeuronGrid, steps: int, surrogate: Surrogate) -> None:
        super().__init__()
        self.model = op.model
        self.steps = steps
        self.surrogate = surrogate
        own = np.zeros((1, 1, 1)) if op.bias is None else op.bias
        gain, self.gain = op.model.gain, None
        self.own_bias = torch.tensor(own)
        if gain is not None:
            whole = np.broadcast_to(gain, (steps, *gain.shape[-3:]))
            self.gain = nn.Parameter(single(whole))
            self.own_bias = nn.Parameter(single(np.broadcast_to(own, whole.shape)))
        self.own_thresholds = [torch.tensor(x) for x in op.model.levels]
        for name, array in arrays_of(grid).items():
            self.register_buffer(name, torch.tensor(array))

    def forward(self, currents: Tensor, chip: bool) -> Tensor:
        """Spikes or numbers [T, N, ...] of currents [T or 1, N, ...]."""
        drive = self._drive(currents, chip)
        if self.model.emits is Emits.GRADED:
            return _rounded(drive, self.payload_unit) if chip else drive
        if chip:
            pairs = zip(self.thresholds, self.amounts, strict=True)
            fire = self.surrogate.above
        else:
            pairs = zip(self.own_thresholds, self.own_thresholds, strict=True)
            strict = self.model.compare is Compare.GREATER
            fire = self.surrogate.above if strict else self.surrogate.reached
        total: Tensor | None = None
        for theta, off in pairs:
            threshold, amount = (x.to(currents) for x in (theta, off))
            width = threshold.abs().mean().clamp(min=1e-6)
            v, spikes = torch.zeros_like(currents[0]), list[Tensor]()
            for t in range(self.steps):
                v = self._decayed(v, chip) + drive[t if len(drive) > 1 else 0]
                s = fire((v - threshold) / width)
                v = _after(self.model.reset, v, s.detach(), amount)
                spikes.append(s)
            level = torch.stack(spikes)
            total = level if total is None else total + level
        return torch.zeros_like(currents) if total is None else total

    def _drive(self, currents: Tensor, chip: bool) -> Tensor:
        """What is added to the membrane in each step, [T or 1, N, ...]."""
        if self.gain is None:
            return currents + (self.bias if chip else self.own_bias).to(currents)
        gain, bias = self.gain, self.own_bias
        if chip:
            gain, bias = _rounded(gain, self.gain_unit), _rounded(bias, self.unit)
        product = gain[:, None] * currents
        if chip:
            # A gain of 16 bits times a sum: float32 would round what the chip cuts off.
            exact = gain.detach().double()[:, None] * currents.detach().double()
            cut = ((exact / self.current_unit).trunc() * self.current_unit).to(product.dtype)
            product = product + (cut - product).detach()
        return product + bias[:, None]

    def _decayed(self, v: Tensor, chip: bool) -> Tensor:
        """The chip's decay is toward zero in membrane units; backward, it is the decay itself."""
        if not chip:
            decay = torch.tensor(self.model.decay, dtype=v.dtype, device=v.device)
            return v * decay
        if bool((self.keep == DECAY_ONE).all()):
            return v
        kept = v * (self.keep / DECAY_ONE).to(v.dtype)
        # Membranes have 24 bits and decays 12: products are exact in float64.
        on_chip = (v.detach().double() / self.unit * self.keep / DECAY_ONE).trunc() * self.unit
        return kept + (on_chip.to(v.dtype) - kept).detach()


def arrays_of(g: NeuronGrid) -> dict[str, FloatArray]:
    """The grid as arrays by name; `thresholds` and `amounts` [levels, ...]."""
    return {
        "unit": g.unit,
        "thresholds": np.stack(g.thresholds),
        "amounts": np.stack(g.amounts),
        "keep": g.keep,
        "bias": np.asarray(g.bias),
        "gain_unit": g.gain_unit,
        "current_unit": g.current_unit,
        "payload_unit": g.payload_unit,
    }


def grid_of_arrays(held: Mapping[str, FloatArray]) -> NeuronGrid:
    """The grid again."""
    return NeuronGrid(
        unit=held["unit"],
        thresholds=tuple(held["thresholds"]),
        amounts=tuple(held["amounts"]),
        keep=held["keep"],
        bias=held["bias"],
        gain_unit=held["gain_unit"],
        current_unit=held["current_unit"],
        payload_unit=held["payload_unit"],
    )


def through(x: Tensor) -> Tensor:
    """Rounded, halves to even; backward, the identity."""
    return x + (x.round() - x).detach()


def single(values: FloatArray) -> Tensor:
    """float32."""
    return torch.tensor(values, dtype=torch.float32)


def _rounded(x: Tensor, unit: Tensor) -> Tensor:
    own = unit.to(x.dtype)
    return through(x / own) * own


def _after(reset: Reset, v: Tensor, s: Tensor, amount: Tensor) -> Tensor:
    if reset is Reset.NONE:
        return v
    return v - s * amount if reset is Reset.SUBTRACT else v * (1.0 - s)
