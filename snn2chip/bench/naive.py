"""What everyone writes first.

A float32 loop over the steps in plain PyTorch. It is exact while its numbers are whole.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from snn2chip.circuit.types import INPUT, Conv, Dense
from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit, QuantizedProjection


class NaiveLoop:
    """A circuit of integrate-and-fire neurons with hard reset, gates (δ = 4095) and an accumulating read-out."""

    weights: dict[str, Tensor]
    biases: dict[str, Tensor]
    thresholds: dict[str, Tensor]
    forgets: set[str]

    def __init__(self, qc: QuantizedCircuit) -> None:
        self.qc = qc
        self.weights = {p.name: torch.tensor(p.weight, dtype=torch.float32) for p in qc.projections}
        self.biases = {
            p.name: torch.tensor(p.bias.ravel(), dtype=torch.float32) for p in qc.populations
        }
        self.thresholds = {
            p.name: torch.tensor(p.neuron.levels[0], dtype=torch.float32) for p in qc.populations
        }
        self.membranes: dict[str, Tensor] = {}
        self.forgets = {p.name for p in qc.populations if p.neuron.delta.any()}

    def run(
        self, inputs: InputData, record: bool = False
    ) -> tuple[NDArray[Any], dict[str, NDArray[np.uint8]]]:
        """(read-out potentials [N, classes], spikes per population [T, N, C, H, W] if `record`)."""
        spikes: dict[str, list[Tensor]] = {}
        x = torch.tensor(inputs.values, dtype=torch.float32)
        with torch.inference_mode():
            total = self._loop(x, inputs.kind is InputKind.STATIC, spikes if record else None)
        stacked = {name: torch.stack(s).to(torch.uint8).numpy() for name, s in spikes.items()}
        return total.numpy(), stacked

    def _loop(self, x: Tensor, static: bool, spikes: dict[str, list[Tensor]] | None) -> Tensor:
        # A still image gives the same current in every step: computed once.
        first = {INPUT: x} if static else {}
        once = (
            {p.name: self._project(p, first) for p in self.qc.projections if p.sources == (INPUT,)}
            if static
            else {}
        )
        self.membranes = {}
        for t in range(self.qc.steps):
            values = {INPUT: x if static else x[t]}
            for p in self.qc.populations:
                (projection,) = self.qc.into(p.name)
                current = once.get(projection.name)
                if current is None:
                    current = self._project(projection, values)
                if p.neuron.emits is Emits.NOTHING:
                    self.membranes[p.name] = self._integrated(p.name, current)
                    continue
                values[p.name] = self.fire(p.name, current)
                if spikes is not None:
                    spikes.setdefault(p.name, []).append(values[p.name])
        return self.membranes[self.qc.readout.population]

    def fire(self, name: str, current: Tensor) -> Tensor:
        """The spikes of a population in one step."""
        v = self._integrated(name, current)
        fires = v > self.thresholds[name]
        self.membranes[name] = v.masked_fill(fires, 0.0)
        return fires.float()

    def _integrated(self, name: str, current: Tensor) -> Tensor:
        keeps = name in self.membranes and name not in self.forgets
        return self.membranes[name] + current if keeps else current

    def _project(self, p: QuantizedProjection, values: dict[str, Tensor]) -> Tensor:
        x = values[p.sources[0]]
        for name in p.sources[1:]:
            x = x + values[name]
        w, b = self.weights[p.name], self.biases[p.target]
        if isinstance(p.kernel, Conv):
            if p.kernel.groups > 1:
                kernel = (w.shape[2], w.shape[3])
                return functional.max_pool2d(x, kernel, p.kernel.stride, p.kernel.padding)
            return functional.conv2d(x, w, b, p.kernel.stride, p.kernel.padding)
        if isinstance(p.kernel, Dense):
            return functional.linear(x.sum((2, 3)), w)
        raise TypeError(f"the naive loop has no {p.kernel}")
