"""Average and sum pools that no one kernel can take up become graded relays, which send how many spikes they see.

                                                                       ┌─▶ ×1/k² ─▶ conv ─▶ …
    spikes ─▶ average pool k×k ─▶ conv ─▶ …   ⇒   spikes ─▶ sum pool ─▶ relay ─┤
                               └─▶ + ─▶ …                              └─▶ ×1/k² ─▶ + ─▶ …

A pool and the convolution behind it are one kernel only where that kernel sees the same zeros (see merge_linear). A
window that overlaps its neighbours and is padded (3 x 3 in steps of 2 with padding 1, on a map of even size) is not:
beyond the last row the composed kernel would see spikes where the convolution sees its own padding. The relay sends
its current, the number of spikes in the window, as it is and forgets it: what is read behind it is the same value in
the same step, borders included, as an average divides by k² everywhere. Everything that reads the pool reads the relay.
"""

from dataclasses import replace

import numpy as np

from snn2chip.arrays import floats
from snn2chip.lowering.graded_norms import relay
from snn2chip.lowering.graph import Report, Rewritten
from snn2chip.lowering.merge_linear import Average, merge_linear
from snn2chip.network.ranges import spiking_layers
from snn2chip.network.types import INPUT, AvgPool2d, Layer, Network, Scale, SumPool2d


def graded_pools(network: Network) -> Rewritten:
    """The network in which every pool of spikes can be merged with what reads it."""
    report = Report()
    refused = _refused(network)
    layers: list[Layer] = []
    for layer in network.layers:
        if layer.name in refused and isinstance(layer.op, Average):
            report.changed.append(layer.name)
            layers += _counted(layer, layer.op)
        else:
            layers.append(layer)
    return report.result(replace(network, layers=tuple(layers)), "made graded relays of")


def _refused(network: Network) -> set[str]:
    """Pools of spikes that merging refuses."""
    spiking = spiking_layers(network)
    pools = {
        x.name
        for x in network.layers
        if isinstance(x.op, Average) and (x.inputs[0] in spiking and x.inputs[0] != INPUT)
    }
    if not pools:
        return set()
    return pools & {finding.where for finding in merge_linear(network).findings}


def _counted(layer: Layer, op: Average) -> list[Layer]:
    """The pool as a sum, the relay, and what an average divides by, under the pool's name."""
    total = SumPool2d(kernel=op.kernel, stride=op.stride, padding=op.padding)
    count, sent = f"{layer.name}#count", f"{layer.name}#relay"
    factor = 1.0 / float(np.prod(op.kernel)) if isinstance(op, AvgPool2d) else 1.0
    return [
        Layer(name=count, op=total, inputs=layer.inputs),
        relay(sent, count),
        Layer(name=layer.name, op=Scale(scale=floats([[[factor]]])), inputs=(sent,)),
    ]
