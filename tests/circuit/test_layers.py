"""Outputs of populations, shown as outputs of the layers of the paper."""

import numpy as np

from snn2chip.circuit.layers import layer_outputs, vectors
from snn2chip.circuit.types import INPUT, Dense, Identity, Join, Origin, Role
from tests.circuit.build import circuit, population, projection


def test_levels_calls_helpers_joins_and_vectors():
    shape = (2, 1, 1)
    populations = (
        population("map", shape),
        population("x#level1", shape, origin=Origin(layer="x", role=Role.RELAY, level=1)),
        population("x#max1", shape, origin=Origin(layer="x", role=Role.GATE, level=1)),
        population("x#max2", shape, origin=Origin(layer="x", role=Role.GATE, level=2)),
        population("act@2", (3, 1, 1), origin=Origin(layer="act", role=Role.NEURON, call=2)),
        population("gate", (3, 1, 1), origin=Origin(layer="gate", role=Role.GATE)),
    )
    sources = [INPUT, "map", "x#level1", "x#level1", "x#max1", "act@2"]
    kernels = [Identity()] * 4 + [Dense(), Identity()]
    weights = [[1.0, 1.0]] * 4 + [np.ones((3, 2)), np.ones(3)]
    net = circuit(
        shape,
        populations,
        tuple(
            projection(source, p.name, kernel, weight)
            for source, p, kernel, weight in zip(
                sources, populations, kernels, weights, strict=True
            )
        ),
        steps=1,
        joins=(
            Join(name="j#out", summands=("map", "map", "x#max1")),
            Join(name="v#out", summands=("gate", "act@2")),
        ),
    )
    outputs = {
        p.name: np.full((1, 1, *p.shape), i + 1, np.uint8) for i, p in enumerate(populations)
    }
    shown = layer_outputs(net, outputs)
    assert vectors(net) == {"act@2", "gate"}
    assert {name: values.reshape(-1)[0].item() for name, values in shown.items()} == {
        "map": 1,
        "x": 3 + 4,
        "act@2": 5,
        "gate": 6,
        "j#out": 1 + 1 + 3,
        "v#out": 11,
    }
    assert {name: values.shape for name, values in shown.items() if values.ndim == 3} == {
        "act@2": (1, 1, 3),
        "gate": (1, 1, 3),
        "v#out": (1, 1, 3),
    }
    assert all(values.dtype == np.uint8 for values in shown.values())


def test_large_sums_need_more_than_a_byte():
    net = circuit(
        (1, 1, 1),
        (population("a", (1, 1, 1)),),
        (projection(INPUT, "a", Identity(), [1.0]),),
        joins=(Join(name="j", summands=("a", "a")),),
    )
    shown = layer_outputs(net, {"a": np.full((4, 1, 1, 1, 1), 200, np.uint8)})
    assert shown["j"].dtype == np.int32
    assert shown["j"].max() == 400
