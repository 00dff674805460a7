"""Running a module of the zoo and keeping what its layers fired."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from snn2chip.zoo.model import Block, NeuronLayer, SpikingNet, TracedPool

Trace = dict[str, NDArray[Any]]


def trace_zoo(module: SpikingNet, x: NDArray[Any]) -> Trace:
    """Outputs [T, N, ...] of every neuron layer by module path, of joins and pools as `path#out`.

    uint8 where they fit, else int32; float where they are no whole numbers (S-ResNet's joins).

    x: [N, C, H, W] or frames [T, N, C, H, W]; it is cast to the module's own precision.
    """
    return run_zoo(module, x)[0]


def run_zoo(module: SpikingNet, x: NDArray[Any]) -> tuple[Trace, NDArray[Any]]:
    """(trace as of `trace_zoo`, logits [N, classes])."""
    trace: Trace = {}
    hooks = [
        layer.register_forward_hook(_keep(trace, module.aliases.get(name, name)))
        for path, layer in module.named_modules()
        if (name := _traced_as(path, layer))
    ]
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            logits = module(torch.from_numpy(np.array(x)).to(next(module.parameters()).dtype))
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    return trace, logits.numpy()


def _traced_as(path: str, layer: nn.Module) -> str:
    if isinstance(layer, NeuronLayer):
        return path
    if isinstance(layer, TracedPool) or (isinstance(layer, Block) and layer.joins):
        return f"{path}#out"
    return ""


def _keep(trace: Trace, name: str) -> Any:
    def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        values = output.numpy()
        trace[name] = _compact(values)

    return hook


def _compact(values: NDArray[Any]) -> NDArray[Any]:
    """The same values in the smallest type that holds them."""
    low, high = values.min(initial=0), values.max(initial=0)
    whole = values.astype(np.uint8 if low >= 0 and high < 256 else np.int32)
    return whole if np.array_equal(whole, values) else values
