"""Fold batch norms into the convolution or linear layer before them.

    x ─▶ conv(W, b) ─▶ bn ─▶ …      ⇒      x ─▶ conv(g·W, g·(b - mean) + bias) ─▶ …

with g = factor · weight / sqrt(var + eps), or / (sqrt(var) + eps) for the tdBN of MLF. In real numbers the current
is the same, so the spikes are; in float64 it differs by rounding only, and verification counts what lies within it
(ties). A norm of one gain g[t] and bias per step cannot go into one weight: it goes into the neuron behind it (there
is one, after graded_norms), which computes v = decay(v) + g[t]·a[t] + b[t]. Gains are not divided out of weights, so
they may be 0 or negative. A norm of anything else becomes a Scale and a Bias, which the next passes move.
"""

from dataclasses import replace

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.lowering.graph import Report, Rewritten, renamed, use_counts, without_unused
from snn2chip.network.types import (
    BatchNorm,
    Bias,
    Conv2d,
    Layer,
    Linear,
    Network,
    Neuron,
    Scale,
)


def fold_batch_norm(network: Network) -> Rewritten:
    """The network without BatchNorm layers."""
    report = Report()
    uses = use_counts(network)
    layers: dict[str, Layer] = {}
    names: dict[str, str] = {}
    for layer in network.layers:
        before = layers.get(layer.inputs[0])
        op = layer.op
        if isinstance(op, Neuron) and before is not None and per_step(before):
            layers[layer.name] = _into_neuron(layer, op, before)
            report.changed.append(before.name)
        elif not isinstance(op, BatchNorm) or per_step(layer):
            layers[layer.name] = layer
        elif before is not None and isinstance(before.op, Conv2d | Linear):
            folded = scaled(before.op, *affine(op))
            layers[layer.name] = replace(layer, op=folded, inputs=before.inputs)
            if uses[before.name] == 1:
                names[layer.name] = names.pop(before.name, before.name)
            report.changed.append(layer.name)
        else:
            for new in _scale_and_bias(layer, op):
                layers[new.name] = new
            report.changed.append(layer.name)
    used = {name for name, count in uses.items() if count}
    folded_network = without_unused(replace(network, layers=tuple(layers.values())), used)
    return report.result(renamed(folded_network, names), "folded")


def affine(op: BatchNorm) -> tuple[FloatArray, FloatArray]:
    """(gain, bias): the norm is gain·x + bias, arrays [C] or [T, C]."""
    root = np.sqrt(op.var) + op.eps if op.eps_outside else np.sqrt(op.var + op.eps)
    gain = op.factor * op.weight / root
    return gain, op.bias - gain * op.mean


def scaled(op: Conv2d | Linear, gain: FloatArray, bias: FloatArray) -> Conv2d | Linear:
    """The layer with gain·output + bias, arrays [O], in place of its output."""
    old = 0.0 if op.bias is None else op.bias
    weight = op.weight * gain.reshape(-1, *[1] * (op.weight.ndim - 1))
    return replace(op, weight=floats(weight), bias=floats(gain * old + bias))


def per_step(layer: Layer) -> bool:
    """Whether the layer is a norm of one gain or bias per step."""
    op = layer.op
    return isinstance(op, BatchNorm) and any(
        a.ndim == 2 for a in (op.weight, op.bias, op.mean, op.var)
    )


def _into_neuron(layer: Layer, op: Neuron, norm: Layer) -> Layer:
    """The neuron with the gain and bias of the norm before it."""
    if not isinstance(norm.op, BatchNorm) or op.model.gain is not None or op.bias is not None:
        return layer
    gain, bias = (a[..., None, None] for a in np.broadcast_arrays(*affine(norm.op)))
    model = replace(op.model, gain=floats(gain))
    scaled_bias = floats(op.model.input_gain * bias)
    return replace(layer, op=replace(op, model=model, bias=scaled_bias), inputs=norm.inputs)


def _scale_and_bias(layer: Layer, op: BatchNorm) -> tuple[Layer, Layer]:
    gain, bias = affine(op)
    scale = Layer(
        name=f"{layer.name}#scale", op=Scale(scale=floats(gain[:, None, None])), inputs=layer.inputs
    )
    return scale, Layer(
        name=layer.name, op=Bias(bias=floats(bias[:, None, None])), inputs=(scale.name,)
    )
