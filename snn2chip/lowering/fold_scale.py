"""Fold Scale and Bias layers into what stands before them.

    x ─▶ conv(W, b) ─▶ ×g ─▶ +c ─▶ …      ⇒      x ─▶ conv(g·W, g·b + c) ─▶ …
    (a + b) ─▶ ×g ─▶ …                    ⇒      (g·a + g·b) ─▶ …

Exact in real numbers, one value g per channel: the current is the same, so the spikes are. A Scale of spikes stays,
as it will be a projection of one synapse per neuron; a Bias that differs inside a channel stays, as it will be the
population's.
"""

from dataclasses import replace

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.lowering.compose import per_channel
from snn2chip.lowering.fold_batch_norm import scaled
from snn2chip.lowering.graph import Report, Rewritten, View, renamed, sweep
from snn2chip.network.types import Add, Bias, Conv2d, Layer, Linear, Network, Scale


def fold_scale(network: Network) -> Rewritten:
    """The network with Scale and Bias layers folded into the layers before them."""
    report = Report()
    names: dict[str, str] = {}
    new = sweep(network, lambda view, x: rule(view, x, report, names))
    return report.result(renamed(new, names), "folded")


def rule(view: View, layer: Layer, report: Report, names: dict[str, str]) -> list[Layer] | None:
    """One step of folding; `names` collects folded layers that take the name of the kernel before them."""
    op = layer.op
    if not isinstance(op, Scale | Bias) or view.sends_spikes(layer.inputs[0]):
        return None
    before = view.layers[layer.inputs[0]]
    shape = view.shapes[before.name]
    new: list[Layer] | None = None
    if isinstance(before.op, Conv2d | Linear):
        new = _into_kernel(layer, op, before, before.op, shape)
        if new is not None and view.uses.get(before.name) == 1:
            names[layer.name] = names.pop(before.name, before.name)
    elif isinstance(op, Scale):
        new = _further_back(layer, op, before)
    elif isinstance(before.op, Bias):
        total = floats(before.op.bias + op.bias)
        new = [replace(layer, op=Bias(bias=total), inputs=before.inputs)]
    if new is not None:
        report.changed.append(layer.name)
    return new


def _into_kernel(
    layer: Layer,
    op: Scale | Bias,
    before: Layer,
    kernel: Conv2d | Linear,
    shape: tuple[int, int, int],
) -> list[Layer] | None:
    values = op.scale if isinstance(op, Scale) else op.bias
    channels = None if values.ndim == 4 else per_channel(values, shape)
    if channels is None:
        return None
    ones, zeros = np.ones(shape[0]), np.zeros(shape[0])
    gain, bias = (channels, zeros) if isinstance(op, Scale) else (ones, channels)
    return [replace(layer, op=scaled(kernel, gain, bias), inputs=before.inputs)]


def _further_back(layer: Layer, op: Scale, before: Layer) -> list[Layer] | None:
    """The scale in front of a Scale, a Bias or a sum, instead of behind it."""
    if isinstance(before.op, Scale):
        return [
            replace(layer, op=Scale(scale=_times(op.scale, before.op.scale)), inputs=before.inputs)
        ]
    if isinstance(before.op, Bias):
        inner = Layer(name=f"{layer.name}#scale", op=op, inputs=before.inputs)
        bias = Bias(bias=_times(op.scale, before.op.bias))
        return [inner, replace(layer, op=bias, inputs=(inner.name,))]
    if not isinstance(before.op, Add):
        return None
    parts = [
        Layer(name=f"{layer.name}#{i}", op=op, inputs=(source,))
        for i, source in enumerate(before.inputs, 1)
    ]
    return [*parts, replace(layer, op=Add(), inputs=tuple(x.name for x in parts))]


def _times(a: FloatArray, b: FloatArray) -> FloatArray:
    return floats(a * b)
