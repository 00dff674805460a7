"""Every way in which a circuit can be wrong is told with the population or projection it is about."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import floats
from snn2chip.circuit.check import check
from snn2chip.circuit.types import INPUT, Conv, Dense, Identity, Join, Origin, Role
from snn2chip.errors import Snn2ChipError
from snn2chip.neuron import Emits, NeuronModel
from tests.circuit.build import circuit, population, projection
from tests.network.build import per_map

SHAPE = (2, 3, 3)
A, B = population("a", SHAPE), population("b", SHAPE)
TO_A = projection(INPUT, "a", Identity(), [1.0, 1.0])
TO_B = projection("a", "b", Conv(padding=(1, 1)), np.ones((2, 2, 3, 3)))
GOOD = circuit(SHAPE, (A, B), (TO_A, TO_B), joins=(Join(name="j", summands=("a", "b", "b")),))


def test_a_good_circuit_passes():
    check(GOOD)


def with_b(**fields):
    return replace(GOOD, populations=(A, replace(B, **fields)))


def into_b(sources, kernel, weight):
    return replace(GOOD, projections=(TO_A, projection(sources, "b", kernel, weight)))


BAD = {
    "two populations have this name": replace(GOOD, populations=(A, A)),
    "two projections have this name": replace(GOOD, projections=(TO_A, TO_A)),
    "its target 'c' is not a population": replace(
        GOOD, projections=(TO_A, replace(TO_B, target="c"))
    ),
    "source 'b' is no population before": into_b("b", Identity(), [1.0, 1.0]),
    "it has no sources": into_b((), Identity(), [1.0, 1.0]),
    "summands of different units": into_b(("a", INPUT), Identity(), [1.0, 1.0]),
    r"weight \(3,\) on \(2, 3, 3\); need": into_b("a", Identity(), np.ones(3)),
    r"gives \(2, 1, 1\); need": into_b("a", Conv(), np.ones((2, 2, 3, 3))),
    r"weight \(2, 2, 5, 5\) on \(2, 3, 3\);": into_b("a", Conv(), np.ones((2, 2, 5, 5))),
    r"weight \(2, 9\) on": into_b("a", Dense(), np.ones((2, 9))),
    "a weight is not finite": into_b("a", Identity(), [1.0, np.inf]),
    "are not substituted": with_b(neuron=NeuronModel(leak=1.0)),
    "an array of its neurons does not fit": with_b(neuron=NeuronModel(levels=(per_map(1, 2, 3),))),
    r"have \(3, 2, 1, 1\)": with_b(bias=floats(np.zeros((3, 2, 1, 1)))),
    "a value is not finite": with_b(bias=floats(np.full((2, 1, 1), np.nan))),
    "several levels send spikes only": with_b(
        neuron=NeuronModel(levels=(per_map(1), per_map(2)), emits=Emits.MULTISPIKE)
    ),
    "a read-out accumulates": with_b(origin=Origin(layer="b", role=Role.READOUT)),
    "the read-out is not a population": replace(
        GOOD, readout=replace(GOOD.readout, population="c")
    ),
    "summand 'c' is missing": replace(GOOD, joins=(Join(name="j", summands=("a", "c")),)),
}


@pytest.mark.parametrize("message", BAD)
def test_what_is_wrong_is_named(message):
    with pytest.raises(Snn2ChipError, match=message) as error:
        check(BAD[message])
    assert error.value.finding.code == "circuit-wrong"


def test_nothing_comes_out_of_a_read_out():
    silent = replace(A, neuron=NeuronModel(emits=Emits.NOTHING))
    with pytest.raises(Snn2ChipError, match="source 'a' sends nothing"):
        check(replace(GOOD, populations=(silent, B)))


def test_graded_summands_stand_alone():
    graded = replace(A, neuron=NeuronModel(emits=Emits.GRADED))
    c = population("c", SHAPE)
    both = projection(("a", "b"), "c", Identity(), [1.0, 1.0])
    with pytest.raises(Snn2ChipError, match="summands of different units"):
        check(replace(GOOD, populations=(graded, B, c), projections=(TO_A, TO_B, both)))
