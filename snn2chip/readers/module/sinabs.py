"""sinabs' neurons (3.1.3), on [N, T, ...] or squeezed, on [N·T, ...].

LIF   v = a · v + (1 - a) · x        norm_input;   v = a · v + x  without;   a = exp(-1 / tau_mem)
IAF   v = v + x
all   n = trunc(v / threshold) where v > 0   MultiSpike;   n = [v >= threshold]   SingleSpike
v = v - n · threshold   MembraneSubtract;   v = 0 where n   MembraneReset;   then v = max(v, min_v_mem)
"""

from typing import Any

import torch
from torch import nn

from snn2chip.arrays import floats
from snn2chip.neuron import Compare, Emits, NeuronModel, Reset
from snn2chip.readers.module.neurons import Framework, LiveNeuron, Spot
from snn2chip.readers.module.values import Axes

_KINDS = ("LIF", "IAF", "LIFSqueeze", "IAFSqueeze")
_EMITS = {"MultiSpike": Emits.MULTISPIKE, "SingleSpike": Emits.SPIKE}


def _read(module: nn.Module, kind: str, spot: Spot) -> LiveNeuron:
    m: Any = module
    if kind not in _KINDS:
        raise spot.error(f"neurons of the kind {kind} are not understood", need=" or ".join(_KINDS))
    if m.alpha_syn_calculated is not None:
        raise spot.error("these neurons have a current that decays on its own", need="tau_syn=None")
    alpha = m.alpha_mem_calculated
    leaky = not kind.startswith("IAF")
    model = NeuronModel(
        levels=(spot.spread(m.spike_threshold, "spike_threshold"),),
        decay=spot.spread(alpha, "tau_mem") if leaky else floats([[[1.0]]]),
        compare=Compare.GREATER_EQUAL,
        reset=_reset(m, spot),
        emits=_emits(m, spot),
        v_min=None if m.min_v_mem is None else spot.number(m.min_v_mem, "min_v_mem"),
        input_gain=spot.spread(1 - alpha, "tau_mem")
        if leaky and m.norm_input
        else floats([[[1.0]]]),
    )
    squeezed = kind.endswith("Squeeze")
    return LiveNeuron(model=model, axes=Axes.MERGED_SECOND if squeezed else Axes.SECOND)


def _emits(m: Any, spot: Spot) -> Emits:
    name = getattr(m.spike_fn, "__name__", type(m.spike_fn).__name__)
    if name not in _EMITS:
        raise spot.error(f"spike_fn {name} is not understood", need=" or ".join(_EMITS))
    return _EMITS[name]


def _reset(m: Any, spot: Spot) -> Reset:
    name = type(m.reset_fn).__name__
    if name == "MembraneReset" and m.reset_fn.reset_value == 0:
        return Reset.ZERO
    amount = getattr(m.reset_fn, "subtract_value", None)
    threshold = spot.number(m.spike_threshold, "spike_threshold") if amount is not None else None
    if name == "MembraneSubtract" and amount == threshold:
        return Reset.SUBTRACT
    raise spot.error(
        f"reset_fn {m.reset_fn} is not understood",
        need="MembraneSubtract() or MembraneReset(0)",
    )


def _prepare(module: nn.Module, steps: int) -> None:
    """States of no shape, which the next call makes anew; squeezed layers count steps, so that any batch fits."""
    m: Any = module
    for name, _ in list(m.named_buffers(recurse=False)):
        m.register_buffer(name, torch.zeros(0))
    if hasattr(m, "num_timesteps"):
        m.num_timesteps, m.batch_size = steps, -1


FRAMEWORK = Framework(
    name="sinabs",
    neurons=tuple(f"sinabs.layers.{n}" for n in ("lif", "iaf", "alif", "exp_leak")),
    read=_read,
    prepare=_prepare,
)
