"""Average and sum pools that stand directly before neurons become depthwise convolutions.

    spikes ─▶ average pool k×k ─▶ neurons      ⇒      spikes ─▶ depthwise conv, every weight 1/k² ─▶ neurons

The same sum with the same padding: the current is the same; a factor behind the pool goes into the weights. Pools
before another kernel were merged into it already; a pool over the whole map before a linear layer stays, as
to_circuit makes one projection of the two.
"""

from dataclasses import replace

from snn2chip.lowering import fold_scale
from snn2chip.lowering.compose import pool_as_conv
from snn2chip.lowering.graph import Report, Rewritten, View, renamed, sweep
from snn2chip.lowering.merge_linear import Average, is_whole
from snn2chip.network.types import Flatten, Layer, Linear, Network


def average_pool(network: Network) -> Rewritten:
    """The network without average and sum pools but those over the whole map before linear layers."""
    report = Report()
    kept = _before_linear(network)
    names: dict[str, str] = {}
    new = sweep(network, lambda view, x: _rule(view, x, kept, report, names))
    return report.result(renamed(new, names), "made convolutions of")


def _rule(
    view: View, layer: Layer, kept: frozenset[str], report: Report, names: dict[str, str]
) -> list[Layer] | None:
    folded = fold_scale.rule(view, layer, report, names)
    if folded is not None:
        return folded
    op = layer.op
    if not isinstance(op, Average):
        return None
    shape = view.shapes[layer.inputs[0]]
    if layer.name in kept and is_whole(op, shape) and view.sends_spikes(layer.inputs[0]):
        return None
    report.changed.append(layer.name)
    return [replace(layer, op=pool_as_conv(op, shape[0]))]


def _before_linear(network: Network) -> frozenset[str]:
    """Layers that only linear layers read, directly or through Flatten."""
    kept: set[str] = set()
    for layer in reversed(network.layers):
        readers = [x for x in network.layers if layer.name in x.inputs]
        fine = all(
            isinstance(x.op, Linear) or (isinstance(x.op, Flatten) and x.name in kept)
            for x in readers
        )
        if fine and readers and layer.name != network.readout.layer:
            kept.add(layer.name)
    return frozenset(kept)
