"""Every number that a target cannot hold is found."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.circuit.types import INPUT, Dense, Identity
from snn2chip.neuron import Emits, NeuronModel, Reset
from snn2chip.quantize.check import check
from snn2chip.quantize.quantize import quantize
from tests.circuit.build import circuit, population, projection
from tests.quantize.build import STRICT_WIDTHS, WIDTHS
from tests.quantize.test_quantize import BITS


def small(widths=WIDTHS):
    source = circuit(
        (2, 1, 1),
        (
            population("n", (2, 1, 1)),
            population("out", (2, 1, 1), NeuronModel(emits=Emits.NOTHING, reset=Reset.NONE)),
        ),
        (
            projection(INPUT, "n", Dense(), [[0.3, 0.7], [1.5, -0.2]]),
            projection("n", "out", Identity(), [1.0, 1.0], name="copy"),
        ),
    )
    return quantize(source, widths, target="test", input=BITS)[0]


def changed(qc, **fields):
    """`qc` with other fields of its first population's neuron, or of the population itself."""
    first = qc.populations[0]
    own = {k: v for k, v in fields.items() if k in ("bias", "fraction_bits")}
    neuron = replace(first.neuron, **{k: v for k, v in fields.items() if k not in own})
    return replace(qc, populations=(replace(first, neuron=neuron, **own), *qc.populations[1:]))


def test_what_quantize_makes_fits():
    assert not check(small(), WIDTHS)
    assert not check(small(STRICT_WIDTHS), STRICT_WIDTHS)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"levels": (ints(np.full((2, 1, 1), 1 << 23)),)}, "thresholds"),
        ({"amounts": (ints(np.full((2, 1, 1), 1 << 23)),)}, "reset amounts"),
        ({"bias": ints(np.full((2, 1, 1), -(1 << 23) - 1))}, "biases"),
        ({"delta": ints(np.full((2, 1, 1), 4096))}, "decays"),
        ({"gain": ints(np.full((2, 1, 1), 1 << 15))}, "gains"),
        ({"fraction_bits": 7}, "fraction bits"),
        ({"fraction_bits": 20}, "current"),
        ({"emits": Emits.GRADED, "gain": ints(np.full((2, 1, 1), 1 << 12))}, "outputs"),
    ],
)
def test_numbers_that_are_too_large(fields, word):
    found = check(changed(small(), **fields), WIDTHS)
    assert any(f.code == "width" and f.where == "n" and f.why.startswith(word) for f in found), (
        found
    )


def test_thresholds_off_the_step_and_mantissas_with_low_bits():
    qc = small(STRICT_WIDTHS)
    found = check(changed(qc, levels=(ints(np.full((2, 1, 1), 65)),)), STRICT_WIDTHS)
    assert [f.have for f in found] == ["off the step"]
    for bias, fits in (
        (4095, True),
        (4097, False),
        (4098, True),
        (4095 << 7, True),
        (4096 << 7, False),
    ):
        assert (
            not check(changed(qc, bias=ints(np.full((2, 1, 1), bias))), STRICT_WIDTHS)
        ) == fits, bias


def test_weights_and_exponents():
    qc = small()
    first = qc.projections[0]
    for broken in (
        replace(first, bits=7),
        replace(first, exponent=8),
        replace(first, weight=ints([[200, 1], [1, 1]])),
    ):
        found = check(replace(qc, projections=(broken, *qc.projections[1:])), WIDTHS)
        assert found and found[0].where == first.name
