"""Other frameworks that happen to be installed, with their own neurons, run as their manuals say.

They know one threshold for a layer, so each channel's threshold is folded into its weights; the spikes are then not
those of the circuit, and only the time counts.
"""

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from snn2chip.bench.naive import NaiveLoop
from snn2chip.inputs import InputData
from snn2chip.quantize.types import QuantizedCircuit


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """`module`: what must be importable; `cell`: a new layer of neurons, called step by step."""

    name: str
    module: str
    cell: Callable[[], Callable[[Tensor], Tensor]]

    def build(self, qc: QuantizedCircuit) -> Callable[[InputData], object]:
        """The circuit with this framework's neurons."""
        loop = FrameworkLoop(qc, self.cell)
        return loop.run


def frameworks() -> list[Framework]:
    """The ones that can be imported here."""
    return [f for f in ALL if importlib.util.find_spec(f.module.split(".")[0]) is not None]


class FrameworkLoop(NaiveLoop):
    """The plain loop, but the neurons are a framework's, one layer of them for each population."""

    def __init__(
        self, qc: QuantizedCircuit, cell: Callable[[], Callable[[Tensor], Tensor]]
    ) -> None:
        super().__init__(qc)
        self.cell = cell
        self.cells: dict[str, Callable[[Tensor], Tensor]] = {}
        for p in qc.populations:
            theta = self.thresholds[p.name].clamp(min=1).expand(p.shape[0], 1, 1)
            for projection in qc.into(p.name):
                weight = self.weights[projection.name]
                if weight.ndim == 4 and p.name not in self.forgets:
                    self.weights[projection.name] = weight / theta[..., None]
                    self.biases[p.name] = self.biases[p.name] / theta.flatten()

    def run(self, inputs: InputData, record: bool = False) -> Any:
        """The read-out's potentials, from fresh neurons."""
        self.cells = {}
        return super().run(inputs, record)

    def fire(self, name: str, current: Tensor) -> Tensor:
        """The neurons' spikes; gates are max pools already."""
        if name in self.forgets:
            return functional.hardtanh(current, 0.0, 1.0)
        if name not in self.cells:
            self.cells[name] = self.cell()
        return self.cells[name](current)


def _imported(name: str) -> Any:
    """A module of a framework; what it warns of at import is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def _spikingjelly() -> Callable[[Tensor], Tensor]:
    neuron = _imported("spikingjelly.activation_based.neuron")
    return neuron.IFNode(v_threshold=1.0, v_reset=0.0)


def _snntorch() -> Callable[[Tensor], Tensor]:
    leaky = _imported("snntorch").Leaky(beta=1.0, threshold=1.0, reset_mechanism="zero")
    membrane: list[Tensor] = []

    def step(current: Tensor) -> Tensor:
        spikes, after = leaky(current, membrane[0] if membrane else torch.zeros_like(current))
        membrane[:] = [after]
        return spikes

    return step


def _norse() -> Callable[[Tensor], Tensor]:
    cell = _imported("norse.torch").LIFBoxCell()
    state: list[Any] = [None]

    def step(current: Tensor) -> Tensor:
        spikes, state[0] = cell(current, state[0])
        return spikes

    return step


ALL = (
    Framework(name="SpikingJelly IFNode", module="spikingjelly", cell=_spikingjelly),
    Framework(name="norse LIFBoxCell", module="norse", cell=_norse),
    Framework(name="snnTorch Leaky", module="snntorch", cell=_snntorch),
)
