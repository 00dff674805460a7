"""Proved bounds: they hold for every input, and in small circuits some input reaches them."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from snn2chip.arrays import floats, ints
from snn2chip.circuit.types import INPUT, Conv, Dense, InputKind, Origin, Role
from snn2chip.engines.spec import run
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.ranges import ranges, reaches
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
    QuantizedReadOut,
)
from tests.engines.random_circuits import FAMILIES
from tests.network.build import PROVENANCE

STEPS = 3


def neuron(theta=3, amount=4, **changes):
    fields: dict[str, Any] = {
        "levels": (ints([[[theta]]]),),
        "amounts": (ints([[[amount]]]),),
        "delta": ints([[[0]]]),
        "reset": Reset.ZERO,
        "late_reset": False,
        "emits": Emits.SPIKE,
    }
    return IntegerNeuron(**{**fields, **changes})


def single(
    model,
    weights,
    *,
    kernel=None,
    shape=(1, 2, 1),
    out=(1, 1, 1),
    bias=0,
    f=0,
    v_limit=10**6,
    signed=False,
):
    """Two input lines of 2 bits into one neuron; 3 steps."""
    population = QuantizedPopulation(
        name="n",
        shape=out,
        neuron=model,
        bias=ints([[[bias]]]),
        fraction_bits=f,
        scale=floats([1.0]),
        unit=1.0,
        origin=Origin(layer="n", role=Role.NEURON),
    )
    projection = QuantizedProjection(
        name="w",
        sources=(INPUT,),
        target="n",
        kernel=kernel or Dense(),
        weight=ints(weights),
        exponent=0,
        bits=8,
    )
    return QuantizedCircuit(
        input=QuantizedInput(shape=shape, kind=InputKind.FRAMES, scale=1.0, bits=2, signed=signed),
        steps=STEPS,
        populations=(population,),
        projections=(projection,),
        joins=(),
        readout=QuantizedReadOut(population="n", mean=False),
        v_limit=v_limit,
        target="none",
        provenance=PROVENANCE,
    )


def everything(qc):
    """The recording of every possible input, as one batch."""
    values = range(qc.input.low, qc.input.high + 1)
    lines = int(np.prod(qc.input.shape))
    every = np.array(list(product(values, repeat=lines * STEPS)), np.int64)
    frames = every.reshape(len(every), STEPS, *qc.input.shape).swapaxes(0, 1)
    return run(qc, InputData(kind=InputKind.FRAMES, values=frames))


MODELS = {
    "zero": neuron(),
    "subtract": neuron(reset=Reset.SUBTRACT),
    "late": neuron(reset=Reset.SUBTRACT, late_reset=True, delta=ints([[[1024]]])),
    "none": neuron(reset=Reset.NONE),
    "decay": neuron(delta=ints([[[2048]]])),
    "forgets": neuron(delta=ints([[[4095]]])),
    "floor": neuron(v_min=-2),
    "always": neuron(theta=-100),
    "multispike": neuron(reset=Reset.SUBTRACT, emits=Emits.MULTISPIKE, multispike_shift=2),
    "multispike >": neuron(
        reset=Reset.SUBTRACT, emits=Emits.MULTISPIKE, multispike_shift=2, multispike_ge=False
    ),
    "graded": neuron(emits=Emits.GRADED, graded_shift=1),
    "read-out": neuron(emits=Emits.NOTHING, delta=ints([[[100]]])),
    "gain": neuron(gain=ints(np.array([3, -2, 1]).reshape(3, 1, 1, 1)), gain_shift=1),
    "levels": neuron(levels=(ints([[[1]]]), ints([[[4]]])), amounts=(ints([[[0]]]),) * 2),
}
TIGHT = (
    "zero",
    "subtract",
    "none",
    "forgets",
    "always",
    "graded",
    "gain",
    "levels",
    "floor",
    "multispike",
)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_bounds_hold_for_every_input_and_are_reached(name, signed):
    qc = single(MODELS[name], [[2, -3]], bias=1, f=1, signed=signed)
    seen, reach = everything(qc), ranges(qc)["n"]
    assert reach.low <= seen.lowest["n"] and seen.highest["n"] <= reach.high
    sent = seen.outputs["n"].astype(np.int64)
    assert reach.output_low <= sent.min() and sent.max() <= reach.output_high
    assert reach.proved and seen.lowest["n"] < 0
    if name in TIGHT:
        assert (reach.low, reach.high) == (seen.lowest["n"], seen.highest["n"])
        assert reach.output_high == sent.max()


def test_currents_and_partial_sums_by_hand():
    reach = ranges(single(neuron(), [[5, -2]], signed=True))["n"]
    # the input is -2..1
    assert (reach.current_low, reach.current_high) == (-2 * 5 - 2 * 1, 1 * 5 + 2 * 2)
    assert reach.partial == 2 * 5 + 2 * 2


def test_clipping_is_not_proved_away():
    reach = ranges(single(neuron(), [[2, -3]], v_limit=20))["n"]
    assert not reach.proved and reach.low == -9 - 18, (
        "before the clip, from a state that was clipped"
    )
    assert ranges(single(neuron(), [[2, -3]], v_limit=27))["n"].proved


def test_zero_padding_may_leave_any_part_of_a_sum():
    qc = single(
        neuron(reset=Reset.NONE),
        [[[[1], [-2], [3]]]],
        kernel=Conv(padding=(1, 0)),
        shape=(1, 2, 1),
        out=(1, 2, 1),
    )
    seen, reach = everything(qc), ranges(qc)["n"]
    assert reach.low <= seen.lowest["n"] and seen.highest["n"] <= reach.high
    assert reach.current_high == 3 * 4 and reach.current_low == -2 * 3


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("family", FAMILIES)
def test_bounds_hold_in_random_circuits(family, seed):
    qc, inputs = family(seed)
    seen, found = run(qc, inputs), reaches(qc)
    for p in qc.populations:
        sent = np.moveaxis(seen.outputs[p.name].astype(np.int64), 2, 0).reshape(p.shape[0], -1)
        reach = found[p.name]
        assert (reach.output.low <= sent.min(1)).all() and (sent.max(1) <= reach.output.high).all()
        clipped = min(int(reach.membrane.low.min()), 0)
        assert clipped <= seen.lowest[p.name] and seen.highest[p.name] <= int(
            reach.membrane.high.max()
        )
