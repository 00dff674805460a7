"""norse's neurons (1.1.0): cells, which run one step, and the layers over all steps.

    LIFBox   v = v + dt · tau_mem_inv · (x + v_leak - v)
    LIF      i = i + x;  v = v + dt · tau_mem_inv · ((v_leak - v) + i);  i = i - dt · tau_syn_inv · i
    IAF      v = v + x
    all      z = v > v_th;  v = v_reset where z, or with reset_subtract v = v - v_th where z

v starts at v_leak (LIFBox, LIF) or at v_reset (IAF). LIF has a current of its own; where dt · tau_syn_inv = 1 it
forgets it in every step, and is a LIFBox. Other currents are refused.
"""

from typing import Any

from torch import nn

from snn2chip.arrays import floats
from snn2chip.neuron import Compare, NeuronModel, Reset
from snn2chip.readers.module.neurons import Framework, LiveNeuron, Spot
from snn2chip.readers.module.values import Axes

_KINDS = ("LIFBoxCell", "LIFCell", "LIF", "IAFCell", "IAF")


def _read(module: nn.Module, kind: str, spot: Spot) -> LiveNeuron:
    m: Any = module
    if kind not in _KINDS:
        raise spot.error(f"neurons of the kind {kind} are not understood", need=" or ".join(_KINDS))
    p = m.p
    leaky = not kind.startswith("IAF")
    if kind.startswith("LIF") and not kind.startswith("LIFBox"):
        _check_current(p, m.dt, spot)
    # norse multiplies dt and tau_mem_inv in the tensor's own type, and so do we.
    step = spot.spread(m.dt * p.tau_mem_inv, "tau_mem_inv") if leaky else floats([[[0.0]]])
    leak = spot.number(p.v_leak, "v_leak") if leaky else 0.0
    v_reset = spot.number(p.v_reset, "v_reset")
    subtracts = _subtracts(p, spot)
    model = NeuronModel(
        levels=(spot.spread(p.v_th, "v_th"),),
        decay=floats(1.0 - step),
        compare=Compare.GREATER,
        reset=Reset.SUBTRACT if subtracts else Reset.ZERO,
        input_gain=step if leaky else floats([[[1.0]]]),
        leak=leak,
        v_reset=0.0 if subtracts else v_reset,
        v_init=leak if leaky else v_reset,
    )
    axes = Axes.STEP if kind.endswith("Cell") else Axes.TIME
    return LiveNeuron(model=model, axes=axes, remembers=False)


def _check_current(p: Any, dt: float, spot: Spot) -> None:
    kept = 1.0 - spot.number(dt * p.tau_syn_inv, "tau_syn_inv")
    if kept != 0.0:
        raise spot.error(
            "these neurons have a current that decays on its own",
            have=f"{kept:g} of it is kept in a step",
            need="dt · tau_syn_inv = 1",
            help="use LIFBoxCell, or set tau_syn_inv to 1/dt",
        )


def _subtracts(p: Any, spot: Spot) -> bool:
    name = getattr(getattr(p, "reset_method", None), "__name__", "reset_value")
    if name not in ("reset_value", "reset_subtract"):
        raise spot.error(
            f"the reset method {name} is not understood", need="reset_value or reset_subtract"
        )
    return name == "reset_subtract"


def _prepare(module: nn.Module, steps: int) -> None:
    """Nothing: norse's neurons keep no state, it goes in and out of forward."""


FRAMEWORK = Framework(
    name="norse",
    neurons=(
        *(f"norse.torch.module.{n}" for n in ("lif", "lif_box", "iaf", "leaky_integrator")),
        *(f"norse.torch.module.{n}" for n in ("leaky_integrator_box", "lif_adex", "lif_ex")),
        *(f"norse.torch.module.{n}" for n in ("lif_refrac", "lif_mc", "lif_mc_refrac", "snn")),
        *(f"norse.torch.module.{n}" for n in ("lsnn", "izhikevich", "coba_lif", "lif_adex_refrac")),
        "norse.torch.module.lif_correlation",
    ),
    read=_read,
    prepare=_prepare,
)
