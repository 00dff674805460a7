"""NIR neurons -> neuron models, by a convention.

    v <- decay·v + gain·x + (1 - decay)·v_leak;  spike;  reset

Decay and gain are computed in the dtype of the file: snnTorch writes tau = float32(dt / (1 - beta)), and 1 - dt/tau
is beta in float32 but not in float64.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray, floats
from snn2chip.neuron import Compare, NeuronModel, Reset
from snn2chip.readers.nir_convention import Convention, Decay, Floor, Gain, IfGain, Start
from snn2chip.readers.nir_nodes import NirShape, NodeReader, spread

_SNAP = 4  # ulps of the file's dtype: r·dt/tau of r = tau/dt is meant to be 1


def _if(reader: NodeReader, shape: NirShape, convention: Convention) -> NeuronModel:
    r = reader.numbers("r")
    gains: Mapping[IfGain, Callable[[], NDArray[Any]]] = {
        IfGain.R_DT: lambda: r * r.dtype.type(convention.dt),
        IfGain.R: lambda: r,
        IfGain.ONE: lambda: np.ones_like(r),
    }
    gain = _snapped(gains[convention.if_gain]())
    return _spiking(
        reader, shape, convention, floats([[[1.0]]]), spread(reader, "r", gain, shape), 0.0
    )


def _lif(reader: NodeReader, shape: NirShape, convention: Convention) -> NeuronModel:
    tau, r = reader.numbers("tau", infinite=True), reader.numbers("r", infinite=True)
    if np.any(tau <= 0):
        raise reader.error("tau is not above 0", have=float(tau.min()))
    if np.any(np.isinf(r) & ~np.isinf(tau)):
        raise reader.error("r is not finite where tau is")
    kept = _decay(reader, tau, convention)
    gain = _lif_gain(tau, r, kept, convention)
    return _spiking(
        reader,
        shape,
        convention,
        spread(reader, "tau", kept, shape),
        spread(reader, "r", gain, shape),
        _one_number(reader, "v_leak"),
    )


def _threshold(reader: NodeReader, shape: NirShape, convention: Convention) -> NeuronModel:
    """A node without memory: 1 where its input is above the threshold, as NIR defines it, whatever the convention."""
    del convention
    return NeuronModel(
        levels=(spread(reader, "threshold", reader.numbers("threshold"), shape),),
        decay=floats([[[0.0]]]),
        compare=Compare.GREATER,
        reset=Reset.NONE,
    )


NEURONS: Mapping[str, Callable[[NodeReader, NirShape, Convention], NeuronModel]] = {
    "IF": _if,
    "LIF": _lif,
    "Threshold": _threshold,
}
"""Type of NIR node -> reader."""


def _decay(reader: NodeReader, tau: NDArray[Any], convention: Convention) -> NDArray[Any]:
    part = tau.dtype.type(convention.dt) / tau
    kept = np.exp(-part) if convention.decay is Decay.EXP else 1 - part
    if np.any(kept < 0):
        have = f"decay {float(kept.min()):g} from tau {float(tau.min()):g} and dt {convention.dt:g}"
        raise reader.error(
            "its membrane would change sign in every step",
            have=have,
            need="dt <= tau",
            help="give the dt of the file: --convention NAME,dt=...",
        )
    return kept


def _lif_gain(
    tau: NDArray[Any], r: NDArray[Any], kept: NDArray[Any], convention: Convention
) -> NDArray[Any]:
    dt = np.result_type(r, tau).type(convention.dt)
    with np.errstate(invalid="ignore"):  # infinity / infinity, replaced below
        gains: Mapping[Gain, Callable[[], NDArray[Any]]] = {
            Gain.R_DT_TAU: lambda: r * dt / tau,
            Gain.DT_TAU: lambda: dt / tau,
            Gain.REST: lambda: 1 - kept,
            Gain.R: lambda: r,
            Gain.ONE: lambda: np.ones_like(r),
        }
        gain = gains[convention.gain]()
    # snnTorch writes a Leaky with beta = 1 as tau = r = infinity; there r·dt/tau is 1 for every beta.
    both = np.isinf(tau) & np.isinf(r)
    return _snapped(np.where(both, np.ones_like(gain), gain))


def _snapped(gain: NDArray[Any]) -> NDArray[Any]:
    near = np.abs(gain - 1) <= _SNAP * np.finfo(gain.dtype).eps
    return np.where(near, np.ones_like(gain), gain)


def _spiking(
    reader: NodeReader,
    shape: NirShape,
    convention: Convention,
    decay: FloatArray,
    gain: FloatArray,
    leak: float,
) -> NeuronModel:
    threshold = spread(reader, "v_threshold", reader.numbers("v_threshold"), shape)
    hard = convention.reset is Reset.ZERO
    # Files up to nir 1.0.5 have no v_reset; their hard resets go to 0.
    file_reset = _one_number(reader, "v_reset") if reader.has("v_reset") else 0.0
    v_reset = file_reset if hard else 0.0
    if hard and convention.late_reset and v_reset != 0:
        raise reader.error("a hard reset of the next step is supported to 0 only", have=v_reset)
    starts = {Start.ZERO: 0.0, Start.LEAK: leak, Start.RESET: file_reset}
    return NeuronModel(
        levels=(threshold,),
        decay=decay,
        compare=convention.compare,
        reset=convention.reset,
        # To 0, the next step's reset gives the same spikes as this step's: decay·0 = 0.
        late_reset=convention.late_reset and convention.reset is Reset.SUBTRACT,
        emits=convention.emits,
        v_min=_v_min(reader, threshold, convention),
        input_gain=gain,
        leak=leak,
        v_reset=v_reset,
        v_init=starts[convention.v_init],
    )


def _v_min(reader: NodeReader, threshold: FloatArray, convention: Convention) -> float | None:
    if not isinstance(convention.v_min, Floor):
        return convention.v_min
    if threshold.size != 1:
        raise reader.error(
            "v_min=-threshold needs one threshold for the whole node", have=threshold.size
        )
    return -float(threshold.item())


def _one_number(reader: NodeReader, field: str) -> float:
    values = reader.numbers(field)
    if values.size == 0 or np.any(values != values.flat[0]):
        have = f"{len(np.unique(values))} different values"
        raise reader.error(
            f"{field} differs between neurons", have=have, need="one value for the node"
        )
    return float(values.flat[0])
