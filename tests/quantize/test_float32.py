"""Where float32 must fire the chip's spikes: each condition of the proof, broken alone."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import ints
from snn2chip.quantize.float32 import equal_in_float32
from tests.readers.on_grid import with_population
from tests.readers.test_ledinauskas_like import images, saved
from tests.readers.test_sew_resnet import load
from tests.readers.test_twins import quantized


@pytest.fixture(scope="module")
def halved(tmp_path_factory):
    """Decay 1/2 and subtraction over four steps: three bits are shifted out of a membrane."""
    path = tmp_path_factory.mktemp("halved") / "net.pth"
    saved(path)
    qc = quantized(load(str(path), images()))
    p = qc.population("sn1")
    assert (p.neuron.delta == 2048).all()
    assert p.fraction_bits >= 3
    return qc


def neuron(qc, **changes):
    return with_population(qc, "sn1", neuron=replace(qc.population("sn1").neuron, **changes))


def biased(qc, by):
    return with_population(qc, "sn1", bias=ints(qc.population("sn1").bias + by))


def test_no_bit_is_lost(halved):
    assert equal_in_float32(halved)[0]
    assert equal_in_float32(biased(halved, 8))[0]


def test_a_lost_bit_is_found(halved):
    """Biases and subtracted amounts count as currents do: 4 · 2^-3 is half a unit."""
    amounts = halved.population("sn1").neuron.amounts[0]
    losing = [
        biased(halved, 4),
        neuron(halved, amounts=(ints(amounts + 4),)),
        neuron(halved, delta=ints([[[1024]]])),
        with_population(halved, "sn1", fraction_bits=2),
        replace(halved, steps=halved.steps + 9),
    ]
    for qc in losing:
        proved, why = equal_in_float32(qc)
        assert not proved
        assert "sn1: its decay rounds" in why


def test_a_membrane_that_may_be_clipped(halved):
    reached = replace(halved, v_limit=int(np.max(halved.population("sn1").neuron.levels[0])) + 1)
    assert equal_in_float32(reached) == (
        False,
        "sn1: its membrane may reach the chip's limit and be clipped",
    )


def test_scales_and_sums(halved):
    scale = halved.population("sn1").scale
    assert (
        "no powers of two" in equal_in_float32(with_population(halved, "sn1", scale=scale * 3))[1]
    )
    assert "2^24" in equal_in_float32(biased(halved, 1 << 24))[1]
