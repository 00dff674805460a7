"""Small `.nir` files as other tools write them, and runs of what was read."""

from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from snn2chip.inputs import InputData
from snn2chip.network.engine import run
from snn2chip.network.types import InputKind, Network
from snn2chip.neuron import NeuronModel
from snn2chip.readers.nir import read_nir

nir: Any = import_module("nir")  # takes more than its annotations say


def dyadic(seed: int, *shape: int) -> np.ndarray:
    return (np.random.default_rng(seed).integers(-3, 5, shape) / 8).astype(np.float32)


def integrate(*shape: int, threshold: float = 1.0) -> Any:
    ones = np.ones(shape, np.float32)
    return nir.IF(r=ones, v_threshold=ones * threshold, v_reset=ones * 0)


def leaky(
    *shape: int, tau: float, r: float = 1.0, leak: float = 0.0, reset: float = 0.0, dtype=np.float32
) -> Any:
    ones = np.ones(shape, dtype)
    return nir.LIF(
        tau=ones * dtype(tau),
        r=ones * dtype(r),
        v_leak=ones * dtype(leak),
        v_threshold=ones,
        v_reset=ones * dtype(reset),
    )


def conv(inputs: int, outputs: int, size: int = 6, **options) -> Any:
    given: dict[str, Any] = {
        "stride": 1,
        "padding": 1,
        "dilation": 1,
        "groups": 1,
        "bias": dyadic(9, outputs),
        **options,
    }
    weight = given.pop("weight", dyadic(inputs * outputs, outputs, inputs // given["groups"], 3, 3))
    return nir.Conv2d(input_shape=(size, size), weight=weight, **given)


def flatten(*shape: int) -> Any:
    return nir.Flatten(input_type={"input": np.array(shape)}, start_dim=0, end_dim=-1)


def write(
    path: Path,
    nodes: dict,
    edges: list[tuple[str, str]] | None = None,
    inputs=(2, 6, 6),
    outputs=None,
) -> Path:
    """Nodes between an Input and an Output; a chain unless `edges` say otherwise."""
    first = {"input": nir.Input(np.array(inputs))}
    last = {"output": nir.Output(np.array(outputs))}
    everything = {**first, **nodes, **last}
    names = list(everything)
    nir.write(
        path,
        nir.NIRGraph(everything, edges or list(pairwise(names)), type_check=False),
    )
    return path


def small(path: Path) -> Path:
    """conv-IF-conv-IF-fc-IF."""
    nodes = {
        "conv1": conv(2, 4),
        "if1": integrate(4, 6, 6),
        "conv2": conv(4, 4),
        "if2": integrate(4, 6, 6),
        "flat": flatten(4, 6, 6),
        "fc": nir.Affine(weight=dyadic(5, 5, 144), bias=dyadic(6, 5)),
        "if3": integrate(5),
    }
    return write(path, nodes, outputs=(5,))


def edit(path: Path, change) -> Path:
    with h5py.File(path, "r+") as h:
        change(h)
    return path


def replace(h, path: str, value) -> None:
    del h[path]
    h[path] = value


def field(node: str, name: str, value):
    """An edit of one field of a node."""
    return lambda h: replace(h, f"node/nodes/{node}/{name}", value)


def edges(change):
    """An edit of the list of edges."""
    return lambda h: replace(
        h,
        "node/edges",
        np.array(change([[s.decode() for s in e] for e in h["node/edges"][()]]), dtype="S16"),
    )


def spikes(network: Network, values: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs of the float engine, by layer."""
    recording = run(
        network, InputData(kind=network.input.kind, values=np.asarray(values, np.float64))
    )
    return {name: np.asarray(out) for name, out in recording.outputs.items()}


def one_neuron(path: Path, node, convention: str, currents: list[float]) -> list[int]:
    """What one neuron does with a current per step."""
    write(path, {"sn": node}, inputs=(1, 1, 1), outputs=(1, 1, 1))
    network = read_nir(path, convention, len(currents), InputKind.FRAMES)
    return spikes(network, np.reshape(currents, (-1, 1, 1, 1, 1)))["sn"].reshape(-1).tolist()


def layer_op(network: Network, name: str) -> Any:
    """The operation of a layer, of whatever kind the test expects."""
    return network.layer(name).op


def neuron(network: Network, name: str) -> NeuronModel:
    return layer_op(network, name).model
