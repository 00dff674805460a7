"""Circuits for the tests of `.nir` files: one with everything, and random ones."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import (
    INPUT,
    Circuit,
    CircuitReadOut,
    Conv,
    Dense,
    Identity,
    Input,
    InputKind,
    Join,
    Origin,
    Population,
    Projection,
    Provenance,
    Role,
)
from snn2chip.neuron import ChipRounding, Compare, Emits, NeuronModel, Reset

STEPS = 3
NUMBERS = st.floats(-4, 4, width=64)
PROVENANCE = Provenance(
    path="net.pth",
    sha256="0" * 64,
    system="sew_resnet",
    arch="sew_resnet18",
    options={"connect_f": "ADD", "T": 3, "tau": 2.0, "names": ("a", "ü"), "none": None},
    assumed=("v_threshold is 1.0",),
    used=7,
    unused=("fc.weight: a head for training",),
)


def weights(seed: int, *shape: int) -> FloatArray:
    """Multiples of 1/8."""
    return floats(np.random.default_rng(seed).integers(-6, 9, shape) / 8)


def zeros() -> FloatArray:
    return floats(np.zeros((1, 1, 1)))


def population(
    name: str,
    shape: tuple[int, int, int],
    bias: FloatArray | None = None,
    role: Role = Role.NEURON,
    **neuron,
) -> Population:
    return Population(
        name=name,
        shape=shape,
        neuron=NeuronModel(**neuron),
        bias=zeros() if bias is None else bias,
        origin=Origin(layer=name, role=role),
    )


def projection(
    sources: str | tuple[str, ...], target: str, kernel: Conv | Dense | Identity, weight: FloatArray
) -> Projection:
    names = (sources,) if isinstance(sources, str) else sources
    return Projection(
        name=f"{target}.from.{names[0]}", sources=names, target=target, kernel=kernel, weight=weight
    )


def circuit(
    populations: list[Population],
    projections: list[Projection],
    joins: tuple[Join, ...] = (),
    kind: InputKind = InputKind.FRAMES,
    mean: bool = False,
) -> Circuit:
    return Circuit(
        input=Input(shape=(2, 6, 6), kind=kind, scale=0.5, bits=3, signed=True),
        steps=STEPS,
        populations=tuple(populations),
        projections=tuple(projections),
        joins=joins,
        readout=CircuitReadOut(population=populations[-1].name, mean=mean),
        provenance=PROVENANCE,
    )


def residual() -> Circuit:
    """A block with a join of two consumers, a pool of spikes, an AND gate and a read-out; nearly plain NIR."""
    same = Conv(padding=(1, 1))
    names = ("stem", "a")
    return circuit(
        [
            population("stem", (4, 6, 6), bias=weights(1, 4, 1, 1)),
            population("a", (4, 6, 6), decay=floats([[[0.5]]])),
            population("b", (4, 6, 6), reset=Reset.SUBTRACT, bias=weights(2, 4, 1, 1)),
            population(
                "gate",
                (4, 6, 6),
                role=Role.GATE,
                decay=floats([[[0.0]]]),
                levels=(floats([[[2.0]]]),),
                reset=Reset.NONE,
            ),
            population(
                "pool", (4, 3, 3), role=Role.GATE, decay=floats([[[0.0]]]), reset=Reset.NONE
            ),
            population(
                "fc",
                (5, 1, 1),
                role=Role.READOUT,
                emits=Emits.NOTHING,
                reset=Reset.NONE,
                bias=weights(3, 5, 1, 1),
            ),
        ],
        [
            projection(INPUT, "stem", same, weights(4, 4, 2, 3, 3)),
            projection("stem", "a", same, weights(5, 4, 4, 3, 3)),
            projection(names, "b", Conv(padding=(1, 1), groups=2), weights(6, 4, 2, 3, 3)),
            projection("b", "gate", Identity(), floats(np.ones(4))),
            projection(names, "gate", Identity(), floats(np.ones(4))),
            projection(
                "gate", "pool", Conv(stride=(2, 2), groups=4), floats(np.ones((4, 1, 2, 2)))
            ),
            projection("pool", "fc", Dense(), weights(7, 5, 36)),
        ],
        (Join(name="block#out", summands=names),),
    )


def plain_circuit() -> Circuit:
    """Nothing that NIR has no words for: neurons that fire above their threshold and go back to 0, gates, a pool."""
    above: dict[str, Any] = {"compare": Compare.GREATER}
    gate: dict[str, Any] = {"decay": floats([[[0.0]]]), "reset": Reset.NONE, "role": Role.GATE}
    names = ("stem", "a")
    return circuit(
        [
            population("stem", (4, 6, 6), bias=weights(1, 4, 1, 1), **above),
            population("a", (4, 6, 6), decay=floats([[[0.75]]]), **above),
            population("and", (4, 6, 6), levels=(floats([[[2.0]]]),), **gate),
            population("pool", (4, 3, 3), **gate),
            population("fc", (5, 1, 1), bias=weights(3, 5, 1, 1), **above),
        ],
        [
            projection(INPUT, "stem", Conv(padding=(1, 1)), weights(4, 4, 2, 3, 3)),
            projection("stem", "a", Conv(padding=(1, 1), groups=2), weights(5, 4, 2, 3, 3)),
            projection(names, "and", Identity(), floats(np.ones(4))),
            projection(
                "stem", "pool", Conv(stride=(2, 2), groups=4), floats(np.ones((4, 1, 2, 2)))
            ),
            projection("pool", "fc", Dense(), weights(7, 5, 36)),
            Projection(
                name="pooled",
                sources=("and",),
                target="fc",
                kernel=Dense(pooled=True),
                weight=weights(8, 5, 4),
            ),
        ],
        (Join(name="block#out", summands=names),),
    )


def everything() -> Circuit:
    """What NIR has no words for: levels, gains and biases per step, bias maps, rounding, late resets, floors."""
    wide = Conv(padding=(1, 2), stride=(2, 1), dilation=(1, 2))
    rounding = ChipRounding(
        unit=floats([[[1 / 64]]]), decay_4096=floats([[[4095.0]]]), v_limit=2**23, gain_divisor=4
    )
    return circuit(
        [
            population(
                "stem/0",
                (4, 6, 6),
                bias=weights(1, 4, 6, 6),
                levels=(floats([[[1.0]]]), weights(9, 4, 1, 1)),
                v_min=-0.1,
            ),
            population(
                "late",
                (4, 3, 6),
                bias=weights(2, STEPS, 4, 1, 1),
                gain=weights(3, STEPS, 4, 1, 1),
                late_reset=True,
                reset=Reset.SUBTRACT,
                decay=floats([[[0.9]]]),
            ),
            population(
                "many",
                (4, 3, 6),
                gain=weights(4, 4, 1, 1),
                emits=Emits.MULTISPIKE,
                reset=Reset.SUBTRACT,
                rounding=rounding,
                compare=Compare.GREATER,
                decay=weights(5, 4, 1, 1),
            ),
            population("relay", (4, 3, 6), role=Role.RELAY, emits=Emits.GRADED),
            population(
                "output", (3, 1, 1), decay=floats(np.array([1.0, 0.0, 0.3]).reshape(3, 1, 1))
            ),
            population(
                "vector",
                (3, 1, 1),
                role=Role.READOUT,
                emits=Emits.NOTHING,
                decay=floats([[[0.75]]]),
            ),
        ],
        [
            projection(INPUT, "stem/0", Conv(padding=(1, 1)), weights(6, 4, 2, 3, 3)),
            projection(("stem/0", "stem/0"), "late", wide, floats(weights(7, 4, 4, 3, 3) / 3)),
            projection("late", "many", Identity(), weights(8, 4)),
            projection(("late", "many", "late"), "relay", Identity(), floats(np.full(4, 2.0))),
            projection("relay", "output", Dense(pooled=True), weights(10, 3, 4)),
            projection("output", "vector", Identity(), floats(np.ones(3))),
            projection("many", "vector", Dense(), weights(11, 3, 72)),
        ],
        kind=InputKind.STATIC,
        mean=True,
    )


@st.composite
def arrays(draw, shape: tuple[int, int, int], source=NUMBERS) -> FloatArray:
    """One value, one per channel or one per neuron."""
    sizes = draw(st.sampled_from([(1, 1, 1), (shape[0], 1, 1), shape]))
    values = draw(st.lists(source, min_size=1, max_size=3))
    return floats(np.resize(np.array(values), sizes))


@st.composite
def neurons(draw, shape: tuple[int, int, int]) -> NeuronModel:
    """Neurons that spike, in any way."""
    emits = draw(st.sampled_from([Emits.SPIKE, Emits.MULTISPIKE]))
    levels = draw(st.integers(1, 2)) if emits is Emits.SPIKE else 1
    thresholds = st.floats(0.25, 4, width=64)
    reset = draw(st.sampled_from(Reset))
    return NeuronModel(
        levels=tuple(draw(arrays(shape, thresholds)) for _ in range(levels)),
        decay=draw(arrays(shape, st.sampled_from([0.0, 0.1, 0.5, 2 / 3, 1.0]))),
        compare=draw(st.sampled_from(Compare)),
        reset=reset,
        late_reset=reset is Reset.SUBTRACT and draw(st.booleans()),
        emits=emits,
        v_min=draw(st.none() | st.floats(-4, 0)),
        gain=draw(st.none() | arrays(shape)),
    )


@st.composite
def biases(draw, shape: tuple[int, int, int]) -> FloatArray:
    """One value, one per channel, one per neuron, or one per step and channel."""
    sizes = [(1, 1, 1), (shape[0], 1, 1), shape, (STEPS, shape[0], 1, 1)]
    return weights(draw(st.integers(0, 99)), *draw(st.sampled_from(sizes)))


@st.composite
def circuits(draw, scales: tuple[float, ...] = (1, 1 / 3)) -> Circuit:
    """Chains of convolutions on maps with shortcuts, a relay, then a dense layer.

    `scales` of weights: those of 1 are multiples of 1/8, whose sums are exact in any order.
    """
    shape = (2, 6, 6)
    populations: list[Population] = []
    projections: list[Projection] = []
    for i in range(draw(st.integers(1, 3))):
        name, seed, groups = f"layer{i}", draw(st.integers(0, 99)), draw(st.sampled_from([1, 2]))
        earlier = [p.name for p in populations]
        some = st.lists(
            st.sampled_from(earlier or [INPUT]), min_size=1, max_size=3 if earlier else 1
        )
        sources = tuple(draw(some))
        role = draw(st.sampled_from([Role.NEURON, Role.GATE]))
        origin = Origin(layer="x/y", role=role, call=i, level=seed)
        bias, neuron = draw(biases(shape)), draw(neurons(shape))
        populations.append(
            Population(name=name, shape=shape, neuron=neuron, bias=bias, origin=origin)
        )
        weight = weights(seed, 2, 2 // groups, 3, 3) * draw(st.sampled_from(scales))
        projections.append(
            projection(sources, name, Conv(padding=(1, 1), groups=groups), floats(weight))
        )
        if draw(st.booleans()):
            shortcut = Projection(
                name=f"{name}#in",
                sources=sources,
                target=name,
                kernel=Identity(),
                weight=weights(seed, 2),
            )
            projections.append(shortcut)
    block, last = tuple(p.name for p in populations), tuple(p.name for p in populations)
    if draw(st.booleans()):
        populations.append(population("relay", shape, role=Role.RELAY, emits=Emits.GRADED))
        projections.append(projection(block, "relay", Identity(), floats(np.ones(2))))
        last = ("relay",)
    pooled, answers = draw(st.booleans()), draw(st.booleans())
    if answers:
        populations.append(
            population("fc", (3, 1, 1), role=Role.READOUT, emits=Emits.NOTHING, reset=Reset.NONE)
        )
    else:
        populations.append(population("fc", (3, 1, 1), bias=draw(biases((3, 1, 1)))))
    projections.append(
        projection(last, "fc", Dense(pooled=pooled), weights(5, 3, 2 if pooled else 72))
    )
    kind = draw(st.sampled_from(InputKind))
    return circuit(
        populations,
        projections,
        (Join(name="b#out", summands=block),),
        kind=kind,
        mean=draw(st.booleans()),
    )
