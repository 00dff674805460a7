"""The float engine: runs a Network in torch, layer by layer, every layer over all steps at once.

Batch norms stay unfolded, neurons follow snn2chip/neuron.py. A layer that depends on nothing but a static image,
and has no membrane, is computed once, as the authors' code does.
"""

from collections.abc import Mapping
from functools import cache
from typing import Literal

import numpy as np
import torch

from snn2chip.arrays import FloatArray
from snn2chip.inputs import InputData
from snn2chip.network.bounds import exact_sources, magnitudes
from snn2chip.network.inputs import check_input
from snn2chip.network.judge import Judge
from snn2chip.network.neurons import compact, in_float_type, run_neurons
from snn2chip.network.ops import evaluate
from snn2chip.network.ranges import spiking_layers
from snn2chip.network.shapes import vectors
from snn2chip.network.types import (
    INPUT,
    Add,
    And,
    AndNot,
    InputKind,
    MaxPool2d,
    Network,
    Neuron,
    Or,
)
from snn2chip.recording import Outputs, Recording

FloatType = Literal["float64", "float32"]

_RECORDED = Neuron | Add | And | AndNot | Or | MaxPool2d
_NO_BIAS = np.zeros((1, 1, 1))


def run(
    network: Network,
    inputs: InputData,
    *,
    record: bool = True,
    dtype: FloatType = "float64",
    judge: Judge | None = None,
) -> Recording:
    """Recording of `inputs`: neuron layers, and joins and max pools of their outputs, by layer name.

    Maps are [T, N, C, H, W], vectors (after Flatten or Linear) [T, N, n]. `potentials` holds the read-out layer
    summed over the steps, unless it is a layer of neurons. `record` False keeps only these and the decision
    [N, classes].
    """
    check_input(network.input, network.steps, inputs)
    spiking = spiking_layers(network)
    flat = vectors(network)
    last_use = _last_uses(network, spiking if judge is not None else None)
    values = {INPUT: _tensor(inputs, dtype)}
    outputs: dict[str, Outputs] = {}
    with torch.no_grad(), torch.backends.nnpack.flags(enabled=False):
        for i, layer in enumerate(network.layers):
            if isinstance(layer.op, Neuron):
                value = _neurons(
                    network, layer.name, layer.op, layer.inputs[0], values, spiking, judge
                )
            else:
                value = evaluate(layer.op, [values[name] for name in layer.inputs])
            values[layer.name] = value
            if record and layer.name in spiking and isinstance(layer.op, _RECORDED):
                outputs[layer.name] = _recorded(value, layer.name in flat)
            for name in [
                n for n in values if last_use.get(n, -1) <= i and n != network.readout.layer
            ]:
                del values[name]
    total = _summed(values[network.readout.layer], network.steps)
    return Recording(
        engine="float" if dtype == "float64" else "float32",
        outputs=outputs,
        potentials={} if network.readout.layer in spiking else {network.readout.layer: total},
        decision=(total / network.steps if network.readout.mean else total).reshape(len(total), -1),
    )


def _tensor(inputs: InputData, dtype: FloatType) -> torch.Tensor:
    values = torch.tensor(inputs.values, dtype=getattr(torch, dtype))
    return values[None] if inputs.kind is InputKind.STATIC else values


def _neurons(
    network: Network,
    name: str,
    op: Neuron,
    source: str,
    values: Mapping[str, torch.Tensor],
    spiking: Mapping[str, float],
    judge: Judge | None,
) -> torch.Tensor:
    currents = values[source].numpy()
    model = in_float_type(op.model, currents.dtype)
    bias = (_NO_BIAS if op.bias is None else op.bias).astype(currents.dtype)
    sent, membrane = run_neurons(
        name,
        model,
        currents,
        bias,
        network.steps,
        judge,
        cache(lambda: magnitudes(network, source, values, spiking)),
    )
    return torch.from_numpy(sent if name in spiking else _held(membrane, network.steps))


def _held(membrane: FloatArray, steps: int) -> FloatArray:
    """A neuron that only accumulates is read once, at the end: zeros, then its membrane."""
    held = np.zeros((steps, *membrane.shape), membrane.dtype)
    held[-1] = membrane
    return held


def _last_uses(network: Network, judged: Mapping[str, float] | None) -> dict[str, int]:
    """Index of the last layer that needs each value; a judge needs the sources of every sum."""
    last: dict[str, int] = {}
    sources = {} if judged is None else exact_sources(network, judged)
    for i, layer in enumerate(network.layers):
        for name in (*layer.inputs, *sources.get(layer.name, ())):
            last[name] = i
    return last


def _recorded(value: torch.Tensor, flat: bool) -> Outputs:
    kept = compact(value.numpy())
    return kept.reshape(kept.shape[:3]) if flat else kept


def _summed(value: torch.Tensor, steps: int) -> FloatArray:
    """Sum over the steps, [N, C, H, W]; a value that is the same at every step counts T times."""
    total = value.to(torch.float64).sum(0) * (steps if len(value) == 1 else 1)
    return total.numpy()
