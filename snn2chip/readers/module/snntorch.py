"""snnTorch's neurons (1.0.0), with their membrane inside (init_hidden) or passed on by forward.

    Leaky    reset = mem > threshold                              what the step before left
             mem = beta · mem + x - reset · threshold             subtract: one step late, not decayed
             mem = beta · (1 - reset) · mem + x                   zero
             mem = beta · mem + x                                 none
             spk = mem > threshold

beta is clamped to 0 … 1. `zero` one step late fires as a reset in the same step: beta · 0 = 0. reset_delay=False
resets in the same step; what is above the threshold after a subtraction is then taken down once more in the next
step before it fires, which no model here has: it is assumed not to happen, and the comparison of spikes tells.
"""

from typing import Any

import torch
from torch import nn

from snn2chip.neuron import Compare, NeuronModel, Reset
from snn2chip.readers.module.neurons import Framework, LiveNeuron, Spot
from snn2chip.readers.module.values import Axes

_RESETS = {0: Reset.SUBTRACT, 1: Reset.ZERO, 2: Reset.NONE}


def _read(module: nn.Module, kind: str, spot: Spot) -> LiveNeuron:
    m: Any = module
    if kind != "Leaky":
        raise spot.error(f"neurons of the kind {kind} are not understood", need="Leaky")
    _check(m, spot)
    reset = _RESETS[int(m.reset_mechanism_val)]
    late = _late(m, reset)
    model = NeuronModel(
        levels=(spot.spread(m.threshold, "threshold"),),
        decay=spot.spread(m.beta.clamp(0, 1), "beta"),
        compare=Compare.GREATER,
        reset=reset,
        late_reset=late,
    )
    assumed: tuple[str, ...] = ()
    if reset is Reset.SUBTRACT and not late:
        assumed = (
            f"{spot.place.path}: no membrane is above its threshold after a reset (snnTorch would take it down twice)",
        )
    return LiveNeuron(model=model, axes=Axes.STEP, assumed=assumed)


def _late(m: Any, reset: Reset) -> bool:
    """Whether the threshold is taken off in the next step."""
    return reset is Reset.SUBTRACT and bool(m.reset_delay)


def _check(m: Any, spot: Spot) -> None:
    if m.state_quant:
        raise spot.error("state_quant rounds the membrane in its own way", need="state_quant=False")
    if m.inhibition:
        raise spot.error("inhibition lets one neuron of the layer fire", need="inhibition=False")
    if spot.number(m.graded_spikes_factor, "graded_spikes_factor") != 1.0:
        raise spot.error(
            "its spikes are scaled", need="graded_spikes_factor=1", help="scale the next weights"
        )
    if bool((m.threshold < 0).any()) and int(m.reset_mechanism_val) == 1:
        raise spot.error("a threshold below 0 is reset to 0, above itself, in every step")


def _prepare(module: nn.Module, steps: int) -> None:
    """Membranes of no shape, which the next call makes anew."""
    del steps
    m: Any = module
    for name in ("mem", "syn"):
        if name in dict(m.named_buffers(recurse=False)):
            setattr(m, name, torch.zeros(0))


FRAMEWORK = Framework(name="snnTorch", neurons=("snntorch._neurons",), read=_read, prepare=_prepare)
