"""A lowering pass: Network -> Network, exact, and held against the network that it was given.

    a ─▶ flatten ─▶ flatten ─▶ fc      ⇒      a ─▶ flatten ─▶ fc

The second flatten sees a vector and returns it: y = x, so every current and every spike is the same.
python examples/06_add_a_lowering_pass.py (a second). How a pass gets into the compiler: CONTRIBUTING.md.
"""

from collections.abc import Sequence

import numpy as np

from snn2chip.arrays import floats
from snn2chip.inputs import InputData
from snn2chip.lowering import lower
from snn2chip.lowering.graph import Report, Rewritten, View, sweep
from snn2chip.network import types as n
from snn2chip.network.engine import run
from snn2chip.neuron import NeuronModel


def drop_flattened_twice(network: n.Network) -> Rewritten:
    """The network without a flatten of a vector: who reads one reads what it read."""
    report = Report()

    def rule(view: View, layer: n.Layer) -> Sequence[n.Layer] | None:
        inputs = tuple(_first(view, name) for name in layer.inputs)
        if inputs == layer.inputs:
            return None
        report.changed += [name for name in layer.inputs if name not in inputs]
        return [n.Layer(name=layer.name, op=layer.op, inputs=inputs)]

    return report.result(sweep(network, rule), "dropped")


def _first(view: View, name: str) -> str:
    """What `name` passes on, if it flattens a vector, else `name`."""
    if not isinstance(view.op(name), n.Flatten):
        return name
    (before,) = view.layers[name].inputs
    return before if isinstance(view.op(before), n.Flatten) else name


def example() -> n.Network:
    """Neurons on an image of 2 x 2, flattened twice, into three outputs."""
    weight = floats(np.arange(12).reshape(3, 4) / 8 - 0.5)
    neurons = n.Neuron(model=NeuronModel())
    layers = (
        n.Layer(name="sn", op=neurons, inputs=(n.INPUT,)),
        n.Layer(name="flatten", op=n.Flatten(), inputs=("sn",)),
        n.Layer(name="again", op=n.Flatten(), inputs=("flatten",)),
        n.Layer(name="fc", op=n.Linear(weight=weight, bias=None), inputs=("again",)),
    )
    return n.Network(
        input=n.NetworkInput(shape=(1, 2, 2), kind=n.InputKind.STATIC),
        steps=4,
        layers=layers,
        readout=n.ReadOut(layer="fc", mean=True),
        provenance=n.Provenance(path="", sha256="", system="example", arch="by hand"),
    )


def main() -> list[str]:
    """What the pass did, and whether anything differs; a pass that changes a spike is wrong."""
    before, done = example(), drop_flattened_twice(example())
    images = np.random.default_rng(0).integers(0, 9, (5, 1, 2, 2)) / 8
    x = InputData(kind=n.InputKind.STATIC, values=images)
    a, b = run(before, x), run(done.network, x)
    same = all(np.array_equal(a.outputs[name], b.outputs[name]) for name in a.outputs)
    same = same and np.array_equal(a.decision, b.decision)
    populations = lower(done.network).circuit.populations
    return [done.did, f"spikes and answers equal: {same}", f"{len(populations)} populations"]


if __name__ == "__main__":
    print("\n".join(main()))
