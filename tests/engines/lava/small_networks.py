"""Small random networks for Lava, drawn by hypothesis: a chain of blocks with shortcuts of unequal depth.

Every choice that Lava could get wrong is drawn: stride, groups, padding, dilation, leaks, biases, fraction bits,
resets, thresholds off Lava's grid, exponents, joins that wait, summands that stand there twice, frames or an image,
one step or several. Weights have both signs. Three samples follow each other.
"""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from snn2chip.arrays import ints
from snn2chip.chip.align import align
from snn2chip.circuit.types import INPUT, Conv, Dense, Identity, InputKind
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import QuantizedCircuit
from tests.engines.random_circuits import Builder, events, image

SAMPLES = 3


@st.composite
def networks(draw) -> tuple[QuantizedCircuit, InputData]:
    """A circuit and its input."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    steps, shape = draw(st.sampled_from([4, 3, 1])), (draw(st.sampled_from([1, 2])), 6, 5)
    static = draw(st.booleans())
    data = (
        image(rng, SAMPLES, shape, signed=draw(st.booleans()))
        if static
        else events(rng, steps, SAMPLES, shape)
    )
    b = Builder(rng=rng, steps=steps, inputs=data[0], input=data[1], v_limit=(1 << 23) - 1)
    channels = draw(st.sampled_from([2, 4]))
    b.neurons(
        "stem", b.project((INPUT,), "stem", draw(convolutions(1)), channels), **draw(models())
    )
    trunk: tuple[str, ...] = ("stem",)
    for block in range(draw(st.integers(1, 2))):
        trunk = _block(draw, b, f"b{block}", trunk, channels)
    kernel = Dense(pooled=draw(st.booleans()))
    if draw(st.booleans()):
        answer = b.project(trunk, "answer", kernel, 3, bits=draw(st.sampled_from([8, 11])))
        b.neurons("answer", answer, emits=Emits.NOTHING, f=draw(st.sampled_from([0, 2])))
    else:
        b.neurons("answer", b.project(trunk, "answer", kernel, 3), **draw(models()))
    return b.circuit("answer"), b.inputs


def _block(draw, b: Builder, name: str, trunk: tuple[str, ...], channels: int) -> tuple[str, ...]:
    """Two convolutions and a shortcut: by identity, by a convolution of its own, or into the same neurons."""
    one, two = f"{name}.1", f"{name}.2"
    groups = draw(st.sampled_from([1, channels]))
    b.neurons(one, b.project(trunk, one, draw(convolutions(groups)), channels), **draw(models()))
    how = draw(st.sampled_from(["identity", "twice", "strided", "current"]))
    stride = 2 if how == "strided" else 1
    body = Conv(stride=(stride, stride), padding=(1, 1))
    shape = b.project((one,), two, body, channels, e=draw(st.integers(0, 2)))
    if how == "current":
        b.project(trunk, two, Identity(), channels, e=draw(st.integers(0, 4)))
    b.neurons(two, shape, whole=draw(st.booleans()), **draw(models()))
    if how == "strided":
        down = b.project(trunk, f"{name}.down", Conv(stride=(2, 2)), channels, (1, 1))
        b.neurons(f"{name}.down", down, **draw(models()))
        return (two, f"{name}.down")
    if how == "current":
        return (two,)
    return (*trunk, two, two) if how == "twice" else (*trunk, two)


@st.composite
def convolutions(draw, groups: int) -> Conv:
    """One that keeps rows and columns."""
    far = draw(st.sampled_from([1, 2]))
    return Conv(padding=(far, far), dilation=(far, far), groups=groups)


@st.composite
def models(draw) -> dict[str, Any]:
    """Options of Builder.neurons: what Lava's stock neurons say, and what they do not."""
    leak = draw(st.sampled_from([0, 2048, 3072, 1234]))
    f = 6 if leak else draw(st.sampled_from([0, 6]))
    plain: dict[str, Any] = {"delta": ints([[[leak]]]), "f": f, "rate": 0.3}
    kind = draw(st.sampled_from(["plain", "plain", "gate", "soft", "graded", "levels", "multi"]))
    if kind == "gate":
        return {"delta": ints([[[4095]]]), "rate": 0.3}
    if kind == "graded":
        return {"emits": Emits.GRADED, "f": f}
    if kind == "multi":
        return {**plain, "emits": Emits.MULTISPIKE, "reset": Reset.SUBTRACT}
    if kind == "soft":
        reset = draw(st.sampled_from([Reset.SUBTRACT, Reset.NONE]))
        late = reset is Reset.SUBTRACT and draw(st.booleans())
        return {**plain, "reset": reset, "late_reset": late, "stepwise": draw(st.booleans())}
    return {**plain, "levels": 2} if kind == "levels" else plain


def features(qc: QuantizedCircuit, inputs: InputData) -> set[str]:
    """What a network has of all that Lava could get wrong."""
    kernels = [q.kernel for q in qc.projections if isinstance(q.kernel, Conv)]
    neurons = [p.neuron for p in qc.populations]
    found = {
        "stride": any(k.stride != (1, 1) for k in kernels),
        "groups": any(k.groups > 1 for k in kernels),
        "padding": any(k.padding != (0, 0) for k in kernels),
        "dilation": any(k.dilation != (1, 1) for k in kernels),
        "negative weights": any((q.weight < 0).any() for q in qc.projections),
        "exponents": any(q.exponent for q in qc.projections),
        "leaks": any(n.delta.any() for n in neurons),
        "biases": any(p.bias.any() for p in qc.populations),
        "parameters per step": any(p.bias.ndim == 4 for p in qc.populations),
        "late resets": any(n.late_reset for n in neurons),
        "levels": any(len(n.levels) > 1 for n in neurons),
        "joins of unequal depth": len(set(align(qc).delays.values())) > 2,
        "three samples": inputs.samples == SAMPLES,
        f"{inputs.kind.value} of several steps": qc.steps > 1,
        **{f"reset {n.reset.value}": True for n in neurons},
        **{f"emits {n.emits.value}": True for n in neurons},
    }
    return {name for name, there in found.items() if there}


EVERYTHING = {
    *("stride", "groups", "padding", "dilation", "negative weights", "exponents"),
    *("leaks", "biases", "parameters per step", "late resets", "levels"),
    *("joins of unequal depth", "three samples"),
    *(f"{kind.value} of several steps" for kind in InputKind),
    *(f"reset {reset.value}" for reset in Reset),
    *(f"emits {emits.value}" for emits in Emits),
}
