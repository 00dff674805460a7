"""One layer of float neurons over all steps, with a judge looking in. Shared by the engines of Network and Circuit."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.network.judge import Firing, Judge, Magnitudes, error_bound, forced_levels
from snn2chip.neuron import (
    NeuronModel,
    NeuronState,
    fire,
    initial_state,
    membranes_before_firing,
)
from snn2chip.recording import Outputs


def run_neurons(
    name: str,
    model: NeuronModel,
    currents: FloatArray,
    bias: FloatArray,
    steps: int,
    judge: Judge | None = None,
    magnitudes: Callable[[], Magnitudes] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """(outputs [T, N, C, H, W], membrane of the first level at the end [N, C, H, W]).

    currents: [T, N, C, H, W], or [1, N, C, H, W] where every step gets the same. `magnitudes` of the sums behind the
    currents are only computed when the judge asks for an error bound.
    """
    batch, shape = currents.shape[1], currents.shape[2:]
    state = initial_state(model, batch, (shape[0], shape[1], shape[2]))
    outputs = np.empty((steps, *currents.shape[1:]), currents.dtype)
    for t in range(steps):
        current = currents[t if len(currents) > 1 else 0]
        membranes = membranes_before_firing(model, state, current, bias, t)
        after, outputs[t] = fire(model, membranes)
        if judge is not None and magnitudes is not None:
            firing = Firing(
                name=name,
                step=t,
                model=model,
                membranes=membranes,
                outputs=outputs[t],
                error_bound=_bound(model, magnitudes, bias, outputs[:t]),
            )
            after, outputs[t] = _judged(firing, judge, after)
        state = after
    return outputs, state.membranes[0]


def in_float_type(model: NeuronModel, dtype: np.dtype[np.float64]) -> NeuronModel:
    """The model with its arrays in `dtype`; the static type says float64, but float32 runs as well."""

    def cast(values: FloatArray) -> FloatArray:
        return values.astype(dtype, copy=False)

    return replace(
        model,
        levels=tuple(cast(v) for v in model.levels),
        decay=cast(model.decay),
        input_gain=cast(model.input_gain),
        gain=None if model.gain is None else cast(model.gain),
    )


def compact(outputs: FloatArray) -> Outputs:
    """uint8 where all values are whole and fit, int32 where they are whole, else float64; read-only."""
    low, high = (outputs.min(), outputs.max()) if outputs.size else (0, 0)
    if low >= -(2**31) and high < 2**31:
        whole = outputs.astype(np.uint8 if low >= 0 and high <= 255 else np.int32)
        if np.array_equal(whole, outputs):
            return _read_only(whole)
    return _read_only(outputs.astype(np.float64))


def _read_only(outputs: Outputs) -> Outputs:
    outputs.flags.writeable = False
    return outputs


def _judged(firing: Firing, judge: Judge, after: NeuronState) -> tuple[NeuronState, FloatArray]:
    forced = judge(firing)
    if forced is None:
        return after, firing.outputs
    wanted = forced_levels(firing.model, firing.membranes, forced.astype(firing.outputs.dtype))
    return fire(firing.model, firing.membranes, wanted)


def _bound(
    model: NeuronModel, magnitudes: Callable[[], Magnitudes], bias: FloatArray, sent: FloatArray
) -> Callable[[float], FloatArray]:
    return lambda unit: error_bound(model, magnitudes(), bias, sent, unit)
