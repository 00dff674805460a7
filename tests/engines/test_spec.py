"""The spec engine by hand: numbers small enough to follow on paper."""

import numpy as np
import pytest

from snn2chip.arrays import floats, ints
from snn2chip.circuit.types import Conv, Dense, Identity, InputKind, Origin, Provenance, Role
from snn2chip.engines.spec import run
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedInput,
    QuantizedPopulation,
    QuantizedProjection,
    QuantizedReadOut,
)

SOURCE = Provenance(path="", sha256="", system="test", arch="by hand")


def neuron(theta: int, **changes: object) -> IntegerNeuron:
    fields: dict[str, object] = {
        "levels": (ints([[[theta]]]),),
        "amounts": (ints([[[theta + 1]]]),),
        "delta": ints([[[0]]]),
        "reset": Reset.ZERO,
        "late_reset": False,
        "emits": Emits.SPIKE,
    }
    return IntegerNeuron(**{**fields, **changes})  # type: ignore[arg-type]


def one_neuron(
    model: IntegerNeuron,
    weight: int,
    *,
    bias: int = 0,
    f: int = 0,
    exponent: int = 0,
    v_limit: int = 1 << 23,
) -> QuantizedCircuit:
    """A single neuron on a single pixel, T = 4."""
    population = QuantizedPopulation(
        name="n",
        shape=(1, 1, 1),
        neuron=model,
        bias=ints([[[bias]]]),
        fraction_bits=f,
        scale=floats([0.5]),
        unit=1.0,
        origin=Origin(layer="n", role=Role.NEURON),
    )
    projection = QuantizedProjection(
        name="w",
        sources=("input",),
        target="n",
        kernel=Dense(),
        weight=ints([[weight]]),
        exponent=exponent,
        bits=8,
    )
    return QuantizedCircuit(
        input=QuantizedInput(
            shape=(1, 1, 1), kind=InputKind.FRAMES, scale=1.0, bits=8, signed=True
        ),
        steps=4,
        populations=(population,),
        projections=(projection,),
        joins=(),
        readout=QuantizedReadOut(population="n", mean=False),
        v_limit=v_limit,
        target="none",
        provenance=SOURCE,
    )


def fired(qc: QuantizedCircuit, *pixels: int) -> list[int]:
    frames = np.array(pixels, np.int64).reshape(4, 1, 1, 1, 1)
    return run(qc, InputData(kind=InputKind.FRAMES, values=frames)).outputs["n"].ravel().tolist()


def test_strict_threshold_and_reset_to_zero() -> None:
    # v: 3, 6 > 5 fires -> 0, 3, 6 > 5 fires
    assert fired(one_neuron(neuron(5), 3), 1, 1, 1, 1) == [0, 1, 0, 1]
    # v: 5 is not > 5; 10 fires
    assert fired(one_neuron(neuron(5), 5), 1, 1, 1, 1) == [0, 1, 0, 1]


def test_subtract_keeps_the_rest() -> None:
    # amounts 6: v 5, 10 -> 4, 9 -> 3, 8 -> 2
    assert fired(one_neuron(neuron(5, reset=Reset.SUBTRACT), 5), 1, 1, 1, 1) == [0, 1, 1, 1]


def test_late_subtract_comes_after_the_decay_of_the_next_step() -> None:
    # half decay, amount 6. v: 8 fires; trunc(8/2) - 6 + 8 = 6 fires; 3 - 6 + 8 = 5 silent; 2 + 8 = 10 fires
    late = neuron(5, reset=Reset.SUBTRACT, late_reset=True, delta=ints([[[2048]]]))
    assert fired(one_neuron(late, 8), 1, 1, 1, 1) == [1, 1, 0, 1]


def test_decay_truncates_toward_zero_for_negative_membranes() -> None:
    # v: -5; -2 + 3 = 1 (a floor would give -3 + 3 = 0, and not fire)
    assert fired(one_neuron(neuron(0, delta=ints([[[2048]]])), 1), -5, 3, 0, 0) == [0, 1, 0, 0]


def test_fraction_bits_shift_the_current_and_not_the_bias() -> None:
    # membrane units 1/4: (1 << 2) + 1 = 5 > 4 fires at once
    assert fired(one_neuron(neuron(4), 1, bias=1, f=2), 1, 1, 0, 0) == [1, 1, 0, 0]


def test_exponent_multiplies_the_sum() -> None:
    assert fired(one_neuron(neuron(11), 3, exponent=2), 1, 0, 1, 0) == [1, 0, 1, 0]


def test_membranes_saturate() -> None:
    # -7 - 7 stops at -10, so two steps of +6 fire above 1; without the limit they would not
    assert fired(one_neuron(neuron(1), 1, v_limit=10), -7, -7, 6, 6) == [0, 0, 0, 1]


def test_multispike_counts_thresholds() -> None:
    many = neuron(
        0,
        emits=Emits.MULTISPIKE,
        reset=Reset.SUBTRACT,
        amounts=(ints([[[4]]]),),
        multispike_shift=2,
    )
    assert fired(one_neuron(many, 1), 9, 3, -8, 100) == [2, 1, 0, 23]


def test_graded_rounds_halves_to_even_and_forgets() -> None:
    relay = neuron(0, emits=Emits.GRADED, reset=Reset.NONE, graded_shift=1)
    assert fired(one_neuron(relay, 1), 3, 5, -3, 4) == [2, 2, -2, 2]


def test_levels_share_the_current_and_add_up() -> None:
    levels = tuple(ints([[[t]]]) for t in (1, 3, 5))
    mlf = neuron(1, levels=levels, amounts=levels)
    assert fired(one_neuron(mlf, 1), 4, 1, 1, 6) == [2, 0, 2, 3]


def test_gain_shifts_toward_zero_each_step() -> None:
    gain = ints(np.array([3, -3, 1, 0]).reshape(4, 1, 1, 1))
    relay = neuron(0, emits=Emits.GRADED, reset=Reset.NONE, gain=gain, gain_shift=1)
    assert fired(one_neuron(relay, 1), 3, 3, 3, 3) == [4, -4, 1, 0]


@pytest.mark.parametrize("kernel", [Conv(padding=(1, 1)), Identity()])
def test_a_join_is_summed_before_the_weights(kernel: Conv | Identity) -> None:
    weight = np.ones((2, 2, 3, 3)) if isinstance(kernel, Conv) else np.array([1, 2])
    base = one_neuron(neuron(0), 1)
    shape = (2, 3, 3)
    source = QuantizedPopulation(
        name="a",
        shape=shape,
        neuron=neuron(0),
        bias=ints([[[0]]]),
        fraction_bits=0,
        scale=floats([1.0, 1.0]),
        unit=1.0,
        origin=Origin(layer="a", role=Role.NEURON),
    )
    relay = neuron(0, emits=Emits.GRADED, reset=Reset.NONE)
    twice = QuantizedPopulation(
        name="n",
        shape=shape,
        neuron=relay,
        bias=ints([[[0]]]),
        fraction_bits=0,
        scale=floats([1.0, 1.0]),
        unit=1.0,
        origin=Origin(layer="n", role=Role.RELAY),
    )
    into_a = QuantizedProjection(
        name="i",
        sources=("input",),
        target="a",
        kernel=Identity(),
        weight=ints([1, 1]),
        exponent=0,
        bits=2,
    )
    into_n = QuantizedProjection(
        name="j",
        sources=("a", "a"),
        target="n",
        kernel=kernel,
        weight=ints(weight),
        exponent=0,
        bits=2,
    )
    qc = QuantizedCircuit(
        input=QuantizedInput(shape=shape, kind=InputKind.STATIC, scale=1.0, bits=1, signed=False), steps=1,
        populations=(source, twice), projections=(into_a, into_n), joins=(), readout=base.readout,
        v_limit=base.v_limit, target="none", provenance=SOURCE,
    )  # fmt: skip
    x = np.zeros((1, *shape), np.int64)
    x[0, 0, 1, 1] = x[0, 1, 0, 0] = 1
    out = run(qc, InputData(kind=InputKind.STATIC, values=x)).outputs["n"][0, 0]
    if isinstance(kernel, Identity):
        assert out[0].tolist() == [[0, 0, 0], [0, 2, 0], [0, 0, 0]]
        assert out[1].tolist() == [[4, 0, 0], [0, 0, 0], [0, 0, 0]]
    else:
        assert out[0].tolist() == out[1].tolist() == [[4, 4, 2], [4, 4, 2], [2, 2, 2]]
