"""`.nir` files in the libraries that import them: what their modules fire, node by node."""

import contextlib
import importlib
import io
import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import torch

Spikes = dict[str, np.ndarray]


@contextlib.contextmanager
def quiet() -> Generator[None, None, None]:
    """What the libraries warn of and print is not ours."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        yield


def outputs_of(library: str, path: Path, x: np.ndarray, dt: float | None = None) -> Spikes:
    """What leaves every module of the imported file, [T, N, ...] by node; x: [T, N, C, H, W].

    `dt`: for the libraries whose importer takes one (norse, SpikingJelly); None: as it is by default.
    """
    with quiet():
        nir: Any = importlib.import_module("nir")
        return _RUNS[library](nir.read(path, type_check=False), torch.tensor(x).float(), dt)


def _by_steps(module: Any, x: torch.Tensor) -> Spikes:
    """A module that takes a step and its state."""
    heard, state = _listen(module), None
    for frame in x:
        _, state = module(frame, state)
    return {name: torch.stack(steps).numpy() for name, steps in heard.items()}


def _norse(graph: Any, x: torch.Tensor, dt: float | None) -> Spikes:
    norse: Any = importlib.import_module("norse.torch")
    more = {} if dt is None else {"dt": dt}
    return _by_steps(norse.from_nir(graph, ignore_warnings=True, **more), x)


def _snntorch(graph: Any, x: torch.Tensor, dt: float | None) -> Spikes:
    importer: Any = importlib.import_module("snntorch.import_nir")
    module = importer.import_from_nir(graph)
    heard = _listen(module)
    for frame in x:
        module(frame)
    return {name: torch.stack(steps).numpy() for name, steps in heard.items()}


def _spikingjelly(graph: Any, x: torch.Tensor, dt: float | None) -> Spikes:
    importer: Any = importlib.import_module("spikingjelly.activation_based.nir_exchange")
    more = {} if dt is None else {"dt": dt}
    return _by_steps(importer.import_from_nir(graph, **more), x)


def _sinabs(graph: Any, x: torch.Tensor, dt: float | None) -> Spikes:
    importer: Any = importlib.import_module("sinabs.nir")
    steps, batch = x.shape[:2]
    module = importer.from_nir(graph, batch_size=batch)
    heard = _listen(module)
    module(x.transpose(0, 1).reshape(steps * batch, *x.shape[2:]))
    return {
        name: out[0].reshape(batch, steps, *out[0].shape[1:]).transpose(0, 1).numpy()
        for name, out in heard.items()
    }


def _listen(module: Any) -> dict[str, list[torch.Tensor]]:
    """Lists that fill with what leaves each child, step by step."""
    heard: dict[str, list[torch.Tensor]] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(_module: Any, _args: Any, out: Any) -> None:
            first = out[0] if isinstance(out, tuple) else out
            heard.setdefault(name, []).append(first.detach())

        return hook

    for name, child in module.named_children():
        child.register_forward_hook(note(name))
    return heard


_RUNS: dict[str, Callable[[Any, torch.Tensor, float | None], Spikes]] = {
    "norse": _norse,
    "snntorch": _snntorch,
    "spikingjelly": _spikingjelly,
    "sinabs": _sinabs,
}
