"""Max pools of neuron outputs become OR gates.

Spikes of 0/1:      x ─▶ max pool ─▶      ⇒      x ─▶ depthwise window of ones ─▶ gate: >= 1 ─▶

Integers up to n (joins by ADD, multi-level neurons):

                                            ┌─▶ gate: x >= 1 ─▶ window of ones ─▶ gate: >= 1 ─┐
    x ─▶ max pool ─▶      ⇒            x ───┼─▶ …                                             ├─▶ + ─▶
                                            └─▶ gate: x >= n ─▶ window of ones ─▶ gate: >= 1 ─┘

The largest value of a window is the number of levels k for which some x in it reaches k: max = Σ_k OR [x >= k].
Gates forget at once and send 0/1, so the pool is the same, bit for bit. Padding never wins: outputs are never
negative, and it adds 0. Max pools of currents, and of neurons whose output nothing bounds, are refused.
"""

import math

import numpy as np

from snn2chip.arrays import floats
from snn2chip.lowering.gates import gate
from snn2chip.lowering.graph import Report, Rewritten, View, sweep
from snn2chip.network.types import Add, Conv2d, Layer, MaxPool2d, Network, Part, Scale


def max_pool(network: Network) -> Rewritten:
    """The network without MaxPool2d."""
    report = Report()
    new = sweep(network, lambda view, x: _rule(view, x, report))
    return report.result(new, "made OR gates of")


def _rule(view: View, layer: Layer, report: Report) -> list[Layer] | None:
    op = layer.op
    if not isinstance(op, MaxPool2d):
        return None
    (source,) = layer.inputs
    highest = view.spiking.get(source)
    if highest is None or math.isinf(highest):
        have = "currents" if highest is None else "outputs without a bound"
        report.refuse(
            "lower-pool", layer.name, f"a max pool of {source!r}", need="spikes", have=have
        )
        return None
    report.changed.append(layer.name)
    channels = view.shapes[source][0]
    if highest <= 1:
        part = Part(layer=layer.name)
        return _any_in_window(layer.name, f"{layer.name}#window", source, op, channels, part)
    layers: list[Layer] = []
    for level in range(1, int(highest) + 1):
        reached, largest = f"{layer.name}#level{level}", f"{layer.name}#max{level}"
        helper = Part(layer=layer.name, level=level, helper=True)
        part = Part(layer=layer.name, level=level)
        operand = Layer(name=f"{reached}#a", op=Scale(scale=floats([[[1.0]]])), inputs=(source,))
        layers += [
            operand,
            Layer(name=reached, op=gate(float(level), helper), inputs=(operand.name,)),
            *_any_in_window(largest, f"{layer.name}#window{level}", reached, op, channels, part),
        ]
    names = tuple(f"{layer.name}#max{k}" for k in range(1, int(highest) + 1))
    return [*layers, Layer(name=layer.name, op=Add(), inputs=names)]


def _any_in_window(
    name: str, window: str, source: str, op: MaxPool2d, channels: int, part: Part
) -> list[Layer]:
    ones = Conv2d(
        weight=floats(np.ones((channels, 1, *op.kernel))),
        stride=op.stride,
        padding=op.padding,
        groups=channels,
    )
    return [
        Layer(name=window, op=ones, inputs=(source,)),
        Layer(name=name, op=gate(1.0, part), inputs=(window,)),
    ]
