import json

import numpy as np
import pytest

from snn2chip.arrays import floats, ints
from snn2chip.circuit.types import Conv, Dense, Identity, Input, InputKind, Origin, Projection, Role
from snn2chip.codec import decode, encode
from snn2chip.network.types import Provenance
from snn2chip.neuron import ChipRounding, Emits, NeuronModel, Reset
from snn2chip.quantize.types import IntegerNeuron


def round_trip(kind, value):
    tree, arrays = encode(value)
    return decode(kind, json.loads(json.dumps(tree)), arrays)


def same(a, b):
    return encode(a)[0] == encode(b)[0] and all(
        np.array_equal(encode(a)[1][k], encode(b)[1][k]) for k in encode(a)[1]
    )


@pytest.mark.parametrize("kernel", [Conv(stride=(2, 1), groups=3), Dense(pooled=True), Identity()])
def test_projection_keeps_its_kernel_and_weight(kernel):
    weight = floats(np.arange(6.0).reshape(2, 3))
    p = Projection(name="p", sources=("a", "b#1"), target="t", kernel=kernel, weight=weight)
    back = round_trip(Projection, p)
    assert back.kernel == kernel and back.sources == ("a", "b#1")
    assert np.array_equal(back.weight, weight) and not back.weight.flags.writeable


@pytest.mark.parametrize(
    "value",
    [
        NeuronModel(v_min=-0.5, emits=Emits.GRADED),
        NeuronModel(
            rounding=ChipRounding(unit=floats([1.0]), decay_4096=floats([4096.0]), v_limit=99)
        ),
        NeuronModel(gain=floats(np.ones((2, 3, 1, 1))), levels=(floats([0.6]), floats([1.6]))),
        IntegerNeuron(
            levels=(ints([[[1]]]), ints([[[2]]])),
            amounts=(ints([[[1]]]), ints([[[2]]])),
            delta=ints([[[0]]]),
            reset=Reset.SUBTRACT,
            late_reset=True,
            emits=Emits.SPIKE,
            v_min=-3,
        ),
        Input(shape=(3, 4, 5), kind=InputKind.FRAMES, scale=0.25, bits=8),
        Origin(layer="layer1.0.sn1", role=Role.GATE, call=2),
    ],
)
def test_round_trip(value):
    assert same(round_trip(type(value), value), value)


def test_mappings_keep_order_and_options_of_any_kind():
    options = {"z": 1, "a": 0.5, "b": None, "c": (1, 2), "d": "x", "e": True}
    p = Provenance(path="p", sha256="0", system="s", arch="a", options=options, assumed=("one",))
    back = round_trip(Provenance, p)
    assert back == p and list(back.options) == list(options)


@pytest.mark.parametrize(
    "damage",
    [
        lambda t: t.pop("is"),
        lambda t: t.update({"is": "Conv"}),
        lambda t: t.update(role="rely"),
        lambda t: t.update(layer=3),
        lambda t: t.update(call="1"),
        lambda t: t.update(colour="blue"),
        lambda t: t.pop("layer"),
    ],
)
def test_a_tree_of_another_type_is_a_value_error(damage):
    tree, arrays = encode(Origin(layer="a", role=Role.NEURON))
    damage(tree)
    with pytest.raises(ValueError):
        decode(Origin, tree, arrays)


def test_missing_array_is_a_value_error():
    tree, _ = encode(NeuronModel())
    with pytest.raises(ValueError):
        decode(NeuronModel, tree, {})


def test_objects_have_no_json_form():
    with pytest.raises(ValueError, match="no JSON form"):
        encode(object())
