"""Norms of one gain per step that stand anywhere but before neurons get neurons of their own, which send numbers.

    spikes ─▶ conv ─▶ norm[t] ─▶ + ─▶ …      ⇒      spikes ─▶ conv ─▶ norm[t] ─▶ graded ─▶ + ─▶ …

Such a norm goes into no weight, because weights are the same at every step. A graded neuron sends its membrane as it
is, v = g[t]·a[t] + b[t], and starts the next step from 0: the value behind it is the value before. The next pass gives
it the gains and biases. It is the shortcut of S-ResNet into a smaller stage, which no threshold follows.
"""

from dataclasses import replace

from snn2chip.lowering.fold_batch_norm import per_step
from snn2chip.lowering.graph import Report, Rewritten
from snn2chip.network.types import Layer, Network, Neuron, Part
from snn2chip.neuron import Emits, NeuronModel, Reset

GRADED = NeuronModel(emits=Emits.GRADED, reset=Reset.NONE)


def graded_norms(network: Network) -> Rewritten:
    """The network in which only neurons read norms of one gain per step."""
    report = Report()
    layers: list[Layer] = []
    for layer in network.layers:
        if not per_step(layer) or _before_neurons(network, layer.name):
            layers.append(layer)
            continue
        norm = replace(layer, name=f"{layer.name}#norm")
        layers += [norm, relay(layer.name, norm.name)]
        report.changed.append(layer.name)
    return report.result(replace(network, layers=tuple(layers)), "made graded neurons behind")


def relay(name: str, source: str) -> Layer:
    """Graded neurons that send on what `source` is."""
    op = Neuron(model=GRADED, part=Part(layer=name, helper=True))
    return Layer(name=name, op=op, inputs=(source,))


def _before_neurons(network: Network, name: str) -> bool:
    """Whether every reader is a layer of neurons that can take gains and biases."""
    readers = [x.op for x in network.layers if name in x.inputs]
    takes = (isinstance(op, Neuron) and op.model.gain is None and op.bias is None for op in readers)
    return bool(readers) and all(takes) and name != network.readout.layer
