"""Running the user's module beside us: the same input through its own code, and what its neurons fired."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snn2chip.inputs import InputData, Layout
from snn2chip.network.types import Network
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.module.convert import Placed
from snn2chip.readers.module.neurons import recognise
from snn2chip.readers.module.values import Axes
from snn2chip.recording import Outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """How forward wants its input. `looped`: it takes one step, and is called T times.

    `vector`: arrays have no rows and columns. `threads`: it returns a state that goes into the next call.
    """

    layout: Layout
    steps: int
    vector: bool
    looped: bool = False
    threads: bool = False

    def arrays(self, inputs: InputData) -> list[NDArray[Any]]:
        """What forward gets, call by call."""
        values = inputs.values[..., 0, 0] if self.vector else inputs.values
        if self.looped:
            each = [values] * self.steps if inputs.steps is None else list(values)
            return each
        if self.layout is Layout.NTCHW:
            return [values.swapaxes(0, 1)]
        if self.layout in (Layout.TN_CHW, Layout.TCHW):
            return [values.reshape(-1, *values.shape[2:])]
        if self.layout is Layout.NT_CHW:
            return [values.swapaxes(0, 1).reshape(-1, *values.shape[2:])]
        return [values]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveRun:
    """The module (a copy in evaluation mode), and where its neurons stand in the Network."""

    module: nn.Module
    feed: Feed
    neurons: tuple[Placed, ...]
    network: Network

    @property
    def double(self) -> bool:
        """Whether the module computes in float64."""
        return dtype_of(self.module) is torch.float64

    def twin(self, qc: QuantizedCircuit) -> tuple["LiveRun", tuple[str, ...]]:
        """(a copy of the module with the weights of `qc`, why its floats may fire other spikes than the chip)."""
        from snn2chip.readers.module.twin import twin_tensors

        tensors, caveats = twin_tensors(qc, self.network, self.module)
        copy = copied(self.module)
        state = copy.state_dict()
        for name, values in tensors.items():
            state[name].copy_(torch.from_numpy(values.reshape(state[name].shape)))
        return replace(self, module=copy), caveats

    def __call__(self, inputs: InputData) -> Mapping[str, Outputs]:
        """Spikes [T, N, ...] of every neuron layer of the Network, from the module's own forward."""
        fired: dict[str, list[Tensor]] = {p.layer: [] for p in self.neurons}
        hooks = [
            self.module.get_submodule(p.path).register_forward_hook(_keep(fired[p.layer]))
            for p in self.neurons
        ]
        forget(self.module, self.feed.steps)
        try:
            self._run(inputs)
        finally:
            for hook in hooks:
                hook.remove()
            forget(self.module, self.feed.steps)
        return {p.layer: self._steps_first(p, fired[p.layer], inputs.samples) for p in self.neurons}

    def _run(self, inputs: InputData) -> None:
        dtype = dtype_of(self.module)
        state: Any = None
        with torch.no_grad():
            for array in self.feed.arrays(inputs):
                x = torch.tensor(np.ascontiguousarray(array), dtype=dtype)
                if self.feed.threads and state is not None:
                    _, state = self.module(x, state)
                elif self.feed.threads:
                    _, state = self.module(x)
                else:
                    self.module(x)

    def _steps_first(self, placed: Placed, fired: list[Tensor], samples: int) -> Outputs:
        axes = placed.neuron.axes
        values = fired[0] if axes.whole else torch.stack(fired)
        if axes is Axes.MERGED:
            values = values.unflatten(0, (self.feed.steps, samples))
        if axes is Axes.MERGED_SECOND:
            values = values.unflatten(0, (samples, self.feed.steps))
        if axes in (Axes.SECOND, Axes.MERGED_SECOND):
            values = values.transpose(0, 1)
        array = values.numpy()
        return array.astype(np.uint8 if array.max(initial=0) < 256 else np.int32)


def _keep(fired: list[Tensor]) -> Callable[[nn.Module, object, Any], None]:
    def hook(_module: nn.Module, _inputs: object, output: Any) -> None:
        spikes = output if isinstance(output, Tensor) else output[0]
        fired.append(
            spikes.detach().clone()
        )  # a later `+=` in forward writes into the tensor itself

    return hook


def forget(module: nn.Module, steps: int) -> None:
    """Every neuron of `module` as before its first step."""
    for part in module.modules():
        found = recognise(part)
        if found is not None:
            found.framework.prepare(part, steps)


def copied(module: nn.Module) -> nn.Module:
    """A copy. States that a training step left, with their graphs, are copied without them, which torch refuses."""
    memo: dict[int, Any] = {}
    for part in module.modules():
        for tensor in _tensors({k: v for k, v in vars(part).items() if k != "_modules"}):
            if not tensor.is_leaf:
                memo[id(tensor)] = tensor.detach().clone()
    return deepcopy(module, memo)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


def dtype_of(module: nn.Module) -> torch.dtype:
    """The float type of the module's weights; float32 where it has none."""
    kinds = (p.dtype for p in module.parameters() if p.dtype.is_floating_point)
    return next(kinds, torch.float32)


def takes_state(module: nn.Module) -> bool:
    """Whether forward has a second argument that may be left away."""
    _, *others = inspect.signature(module.forward).parameters.values()
    return bool(others) and others[0].default is not inspect.Parameter.empty
