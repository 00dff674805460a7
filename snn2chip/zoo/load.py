"""Weights into a module of the zoo."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray

from snn2chip.zoo.model import SpikingNet

Net = TypeVar("Net", bound=SpikingNet)


def loaded(module: Net, state: Mapping[str, NDArray[Any]], double: bool) -> Net:
    """`module` in evaluation mode with the tensors of `state`, every one of them; `double`: in float64.

    It may have been made on the meta device, without memory for weights that are replaced anyway.
    """
    module = module.to_empty(device="cpu").to(torch.float64 if double else torch.float32)
    counters = {
        k: torch.zeros((), dtype=torch.int64)
        for k in module.state_dict()
        if k.endswith("num_batches_tracked")
    }
    tensors = {k: torch.from_numpy(v.copy()) for k, v in state.items()}
    module.load_state_dict({**counters, **tensors}, strict=True)
    return module.eval()


def filled(make: Callable[[], Net], state: Mapping[str, NDArray[Any]], double: bool) -> Net:
    """The module that `make` makes, without memory at first, with the tensors of `state`."""
    with torch.device("meta"):
        empty = make()
    return loaded(empty, state, double)
