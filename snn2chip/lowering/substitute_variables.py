"""Write every neuron as v = decay·v + a + b with a reset to 0, by substituting variables.

    v[t] = d·v[t-1] + g·a[t] + (1-d)·L + b,   s = [v >= θ],   v = R where s,   v[-1] = R

u = (v - R) / g turns this into

    u[t] = d·u[t-1] + a[t] + ((1-d)·(L-R) + b) / g,   s = [u >= (θ-R)/g],   u = 0 where s,   u[-1] = 0

so decay_input (g = 1/tau) goes into the threshold, a reset value and a leak potential into threshold and bias. g >
0 keeps the comparison as it is; every step of the algebra is an equality of real numbers, so the spikes are the
same. Weights do not change: an identity shortcut keeps its weight of 1.

Not possible, and refused: v[-1] other than the value that stands for 0 (R, or 0 where nothing resets to a value), g
<= 0.
"""

from dataclasses import replace

import numpy as np

from snn2chip.arrays import floats
from snn2chip.lowering.graph import Report, Rewritten
from snn2chip.network.types import Layer, Network, Neuron
from snn2chip.neuron import Emits, NeuronModel, Reset

_ONE = floats([[[1.0]]])


def substitute_variables(network: Network) -> Rewritten:
    """The network with input gain 1 and leak, v_reset and v_init 0 in every neuron."""
    report = Report()
    layers = tuple(_substituted(layer, report) for layer in network.layers)
    return report.result(replace(network, layers=layers), "substituted variables of")


def _substituted(layer: Layer, report: Report) -> Layer:
    op = layer.op
    if not isinstance(op, Neuron) or is_normal(op.model):
        return layer
    model = op.model
    zero = model.v_reset if model.reset is Reset.ZERO and model.emits is not Emits.GRADED else 0.0
    if _refused(layer, model, zero, report):
        return layer
    report.changed.append(layer.name)
    gain = model.input_gain
    constant = (1.0 - model.decay) * (model.leak - zero) + (0.0 if op.bias is None else op.bias)
    bias = floats(constant / gain)
    normal = replace(
        model,
        levels=tuple(floats((threshold - zero) / gain) for threshold in model.levels),
        input_gain=_ONE,
        leak=0.0,
        v_reset=0.0,
        v_init=0.0,
        v_min=None if model.v_min is None else float((model.v_min - zero) / gain.reshape(-1)[0]),
    )
    return replace(layer, op=replace(op, model=normal, bias=bias if bias.any() else None))


def is_normal(model: NeuronModel) -> bool:
    """Whether nothing needs to be substituted."""
    potentials = (model.leak, model.v_init, model.v_reset)
    return not any(potentials) and bool(np.all(model.input_gain == 1.0))


def _refused(layer: Layer, model: NeuronModel, zero: float, report: Report) -> bool:
    if model.v_init != zero:
        report.refuse(
            "lower-init",
            layer.name,
            "membranes start elsewhere than where they are reset to",
            need=f"v_init = {zero:g}",
            have=f"{model.v_init:g}",
        )
        return True
    if np.any(model.input_gain <= 0):
        low = f"{model.input_gain.min():g}"
        report.refuse("lower-gain", layer.name, "the input's gain", need="> 0", have=low)
        return True
    if model.emits is Emits.MULTISPIKE and zero != 0:
        report.refuse(
            "lower-reset", layer.name, "multispikes with a reset value", need="0", have=f"{zero:g}"
        )
        return True
    scaled = model.emits in (Emits.GRADED, Emits.NOTHING) or model.v_min is not None
    if scaled and bool(np.any(model.input_gain != model.input_gain.reshape(-1)[0])):
        report.refuse(
            "lower-gain", layer.name, "the input's gain", need="one value", have="several"
        )
        return True
    if model.emits in (Emits.GRADED, Emits.NOTHING) and model.input_gain.reshape(-1)[0] != 1.0:
        report.refuse(
            "lower-gain",
            layer.name,
            "the input's gain of a neuron whose membrane is read",
            need="1",
        )
        return True
    return False
