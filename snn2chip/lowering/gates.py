"""Joins that are logic become threshold gates.

    a ─┐                          a ─▶ ×1 ─┐
       ├─▶ AND ─▶      ⇒                   ├─▶ + ─▶ gate: fires where a + b >= 2, forgets at once
    b ─┘                          b ─▶ ×1 ─┘

For a, b in {0, 1}:  a AND b = [a + b >= 2],  a AND NOT b = [a - b >= 1],  a OR b = [a + b >= 1].
The gate has no memory (decay 0), so its output in a step depends on that step only: the join is the same, bit for bit.
Operands that can be larger than 1 (joins by ADD) are refused, since the product of integers is no threshold.
"""

from snn2chip.arrays import floats
from snn2chip.lowering.graph import Report, Rewritten, View, sweep
from snn2chip.network.types import Add, And, AndNot, Layer, Network, Neuron, Or, Part, Scale
from snn2chip.neuron import Compare, NeuronModel, Reset


def gates(network: Network) -> Rewritten:
    """The network without And, AndNot and Or."""
    report = Report()
    return report.result(sweep(network, lambda view, x: _rule(view, x, report)), "made gates of")


def gate(threshold: float, part: Part) -> Neuron:
    """Neurons without memory that fire where their current reaches `threshold`."""
    model = NeuronModel(
        levels=(floats([[[threshold]]]),),
        decay=floats([[[0.0]]]),
        compare=Compare.GREATER_EQUAL,
        reset=Reset.ZERO,
    )
    return Neuron(model=model, part=part)


def _rule(view: View, layer: Layer, report: Report) -> list[Layer] | None:
    op = layer.op
    if not isinstance(op, And | AndNot | Or):
        return None
    if not _binary(view, layer, report):
        return None
    report.changed.append(layer.name)
    signs = (1.0, -1.0) if isinstance(op, AndNot) else (1.0, 1.0)
    operands = [
        Layer(name=f"{layer.name}#{side}", op=Scale(scale=floats([[[sign]]])), inputs=(source,))
        for side, sign, source in zip("ab", signs, layer.inputs, strict=True)
    ]
    total = Layer(name=f"{layer.name}#sum", op=Add(), inputs=tuple(x.name for x in operands))
    threshold = 2.0 if isinstance(op, And) else 1.0
    fires = Layer(name=layer.name, op=gate(threshold, Part(layer=layer.name)), inputs=(total.name,))
    return [*operands, total, fires]


def _binary(view: View, layer: Layer, report: Report) -> bool:
    for name in layer.inputs:
        if view.spiking.get(name, 2.0) > 1.0:
            have = f"up to {view.spiking[name]:g}" if name in view.spiking else "currents"
            report.refuse(
                "lower-gate", layer.name, f"logic on {name!r}", need="spikes of 0 and 1", have=have
            )
            return False
    return True
