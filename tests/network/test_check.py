"""Every way in which a network can be wrong is told with the layer it is about."""

import numpy as np
import pytest

from snn2chip.arrays import floats
from snn2chip.errors import Snn2ChipError
from snn2chip.network.check import check
from snn2chip.network.ranges import spiking_layers
from snn2chip.network.shapes import shapes, vectors
from snn2chip.network.types import (
    Add,
    And,
    BatchNorm,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Scale,
)
from snn2chip.neuron import Emits
from tests.network.build import layer, network, neuron, per_map

ONES = floats(np.ones((3, 2, 3, 3)))


def test_shapes_of_every_layer():
    net = network(
        (2, 7, 5),
        layer("conv", Conv2d(weight=ONES, stride=(2, 1), padding=(1, 0), dilation=(1, 2))),
        layer("sn", neuron(), "conv"),
        layer("pool", MaxPool2d(kernel=(3, 1), stride=(2, 1), padding=(1, 0)), "sn"),
        layer("flat", Flatten(), "pool"),
        layer("fc", Linear(weight=floats(np.ones((4, 6)))), "flat"),
    )
    check(net)
    assert shapes(net) == {
        "input": (2, 7, 5),
        "conv": (3, 4, 1),
        "sn": (3, 4, 1),
        "pool": (3, 2, 1),
        "flat": (6, 1, 1),
        "fc": (4, 1, 1),
    }
    assert vectors(net) == {"flat", "fc"}


def test_largest_outputs_of_joins():
    net = network(
        (1, 2, 2),
        layer("a", neuron()),
        layer("b", neuron(emits=Emits.MULTISPIKE)),
        layer("c", Add(), "a", "a"),
        layer("d", Add(), "c", "a"),
        layer("e", Add(), "d", "b"),
        layer("f", Add(), "d", "input"),
        layer("out", neuron(emits=Emits.NOTHING), "a"),
    )
    assert spiking_layers(net) == {"a": 1, "b": np.inf, "c": 2, "d": 3, "e": np.inf}


def norm(shape, var=1.0):
    ones = np.ones(shape)
    return BatchNorm(
        weight=floats(ones), bias=floats(ones), mean=floats(ones), var=floats(var * ones)
    )


BAD = {
    "network-names": [layer("a", neuron()), layer("a", neuron())],
    "network-unknown-input": [layer("a", neuron(), "inptu")],
    "network-order": [layer("a", neuron(), "b"), layer("b", neuron())],
    "network-cycle": [layer("x", neuron()), layer("a", neuron(), "b"), layer("b", neuron(), "a")],
    "network-inputs": [layer("a", And(), "input", "input", "input")],
    "network-shape": [layer("a", Conv2d(weight=floats(np.ones((1, 5, 1, 1)))))],
    "network-values": [layer("a", Linear(weight=floats([[1.0, np.nan]])))],
    "network-steps": [layer("a", norm((3, 2)))],
}


@pytest.mark.parametrize("code", BAD)
def test_what_is_wrong_is_named(code):
    net = network((2, 1, 1), *BAD[code])
    with pytest.raises(Snn2ChipError, match=rf"error\[{code}\] a: "):
        check(net)


def test_a_misspelt_input_gets_a_suggestion():
    with pytest.raises(Snn2ChipError, match="did you mean 'input'"):
        check(network((2, 1, 1), *BAD["network-unknown-input"]))


@pytest.mark.parametrize(
    ("op", "numbers"),
    [
        (Conv2d(weight=ONES), r"have 2; need 3"),
        (Conv2d(weight=floats(np.ones((3, 1, 1, 1))), groups=2), r"have 3; need a multiple of 2"),
        (
            Conv2d(weight=floats(np.ones((3, 2, 1, 1))), bias=floats([1.0])),
            r"have \(1,\); need \(3,\)",
        ),
        (Linear(weight=floats(np.ones((3, 7)))), r"have 8 = 2 × 2 × 2; need 7"),
        (Scale(scale=per_map(1.0, 2.0, 3.0)), r"have \(3, 1, 1\); need \(2, 2, 2\)"),
        (MaxPool2d(kernel=(3, 3), stride=(1, 1)), r"have 2; need 3"),
        (MaxPool2d(kernel=(2, 2), stride=(1, 1), padding=(2, 2)), r"have \(2, 2\); need \(2, 2\)"),
    ],
)
def test_shapes_that_do_not_fit_say_what_is_needed(op, numbers):
    with pytest.raises(Snn2ChipError, match=rf"error\[network-shape\] a: .*\({numbers}\)"):
        check(network((2, 2, 2), layer("a", op)))


def test_joins_need_equal_shapes():
    net = network((2, 2, 2), layer("a", Flatten()), layer("b", Add(), "a", "input"))
    with pytest.raises(Snn2ChipError, match=r"b: a join of different shapes \(have \(2, 2, 2\)"):
        check(net)


def test_the_readout_must_exist_and_time_must_pass():
    net = network((2, 1, 1), layer("fc", neuron()), readout="cf")
    with pytest.raises(Snn2ChipError, match="network-readout"):
        check(net)
    with pytest.raises(Snn2ChipError, match="network-steps"):
        check(network((2, 1, 1), layer("fc", neuron()), steps=0))


def test_a_variance_is_positive():
    with pytest.raises(Snn2ChipError, match="a variance that is not positive"):
        check(network((1, 1, 1), layer("bn", norm(1, var=-1.0))))
