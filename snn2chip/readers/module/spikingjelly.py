"""SpikingJelly's neurons (activation_based, 0.0.0.0.14 and 2.0.0), in single-step and multi-step mode.

    IF     v = v + x
    LIF    v = v + (x - (v - v_reset)) / tau          decay_input
           v = v - (v - v_reset) / tau + x            not decay_input
    PLIF   as LIF with sigmoid(w) in place of 1/tau
    all    s = v >= v_threshold;  v = v_reset where s, or without a v_reset v = v - s · v_threshold

v starts at v_reset, or at 0 without one.
"""

from typing import Any

from torch import nn

from snn2chip.arrays import floats
from snn2chip.neuron import Compare, NeuronModel, Reset
from snn2chip.readers.module.neurons import Framework, LiveNeuron, Spot
from snn2chip.readers.module.values import Axes


def _read(module: nn.Module, kind: str, spot: Spot) -> LiveNeuron:
    m: Any = module
    if kind not in ("IFNode", "LIFNode", "ParametricLIFNode"):
        raise spot.error(
            f"neurons of the kind {kind} are not understood",
            need="IFNode, LIFNode or ParametricLIFNode of activation_based",
        )
    if not getattr(m.surrogate_function, "spiking", True):
        raise spot.error("its surrogate function is set to give no spikes", need="spiking=True")
    step = 0.0 if kind == "IFNode" else _step(m, kind, spot)
    decayed = kind != "IFNode" and m.decay_input
    v_reset = 0.0 if m.v_reset is None else float(m.v_reset)
    model = NeuronModel(
        levels=(spot.spread(m.v_threshold, "v_threshold"),),
        decay=floats([[[1.0 - step]]]),
        compare=Compare.GREATER_EQUAL,
        reset=Reset.SUBTRACT if m.v_reset is None else Reset.ZERO,
        input_gain=floats([[[step if decayed else 1.0]]]),
        leak=v_reset if kind != "IFNode" else 0.0,
        v_reset=v_reset,
        v_init=v_reset,
    )
    return LiveNeuron(model=model, axes=Axes.TIME if m.step_mode == "m" else Axes.STEP)


def _step(m: Any, kind: str, spot: Spot) -> float:
    """The part of the way to rest that a membrane goes in one step."""
    if kind == "LIFNode":
        return 1.0 / float(m.tau)
    return spot.number(m.w.sigmoid(), "w")


def _prepare(module: nn.Module, steps: int) -> None:
    del steps
    m: Any = module
    m.reset()


FRAMEWORK = Framework(
    name="SpikingJelly",
    neurons=("spikingjelly.activation_based.neuron", "spikingjelly.clock_driven.neuron"),
    read=_read,
    prepare=_prepare,
)
