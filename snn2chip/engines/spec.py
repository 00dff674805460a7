"""The spec engine: the arithmetic itself, in plain numpy int64. Slow, obvious, and what every other engine must equal.

Per population and per step t of the sample (docs/arithmetic.md):

    a[t] = Σ_projections ( W · Σ_summands s[t] ) << e
    c[t] = (gain[t] · a[t]) >> k, toward zero, where there is a gain; else a[t]
    v    = clip(decay(v) - owed + (c[t] << f) + b[t])
    s[t] = v > θ, then the reset, then the floor
"""

from collections.abc import Callable, Mapping

import numpy as np

import snn2chip.fixed as fixed
from snn2chip.arrays import IntArray
from snn2chip.circuit.types import INPUT, Conv, Dense
from snn2chip.engines.decision import decide
from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedCircuit,
    QuantizedPopulation,
    QuantizedProjection,
)
from snn2chip.recording import Outputs, Recording, compact


def run(
    qc: QuantizedCircuit,
    inputs: InputData,
    *,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Recording of `inputs` (int64 values), population by population over all T steps.

    `record` False keeps only the decision and the read-out potentials.
    """
    outputs: dict[str, Outputs] = {}
    potentials: dict[str, Outputs] = {}
    highest: dict[str, int] = {}
    lowest: dict[str, int] = {}
    for i, population in enumerate(qc.populations):
        currents = _currents(qc, population, inputs, outputs)
        spikes, v, low, high = _neurons(population, currents, qc.v_limit)
        outputs[population.name] = compact(spikes)
        lowest[population.name], highest[population.name] = low, high
        if population.neuron.emits is Emits.NOTHING:
            potentials[population.name] = v
        if progress is not None:
            progress((i + 1) / len(qc.populations))
    decision = decide(qc, outputs, potentials)
    return Recording(
        engine="spec",
        outputs=outputs if record else {},
        potentials=potentials,
        decision=decision,
        highest=highest,
        lowest=lowest,
    )


def project(
    projection: QuantizedProjection, source: IntArray, shape: tuple[int, int, int]
) -> IntArray:
    """(W · source) << e: source [N, C, H, W] -> [N, *shape]."""
    kernel = projection.kernel
    if isinstance(kernel, Conv):
        a = _convolve(source, projection.weight, kernel, shape)
    elif isinstance(kernel, Dense):
        flat = source.sum((2, 3)) if kernel.pooled else source.reshape(len(source), -1)
        a = (flat @ projection.weight.T).reshape(len(source), *shape)
    else:
        a = source * projection.weight[:, None, None]
    return fixed.shift_left(a, projection.exponent)


def summed(sources: tuple[str, ...], inputs: InputData, outputs: Mapping[str, Outputs]) -> IntArray:
    """Σ of the sources' outputs over all steps, [T, N, C, H, W]; T is 1 where all of them are a static input."""
    total: IntArray | None = None
    for name in sources:
        values = _static_or_frames(inputs) if name == INPUT else outputs[name]
        total = values.astype(np.int64) if total is None else total + values
    if total is None:
        raise ValueError("a projection without sources")
    return total


def _static_or_frames(inputs: InputData) -> IntArray:
    return inputs.values[None] if inputs.kind is InputKind.STATIC else inputs.values


def _currents(
    qc: QuantizedCircuit,
    population: QuantizedPopulation,
    inputs: InputData,
    outputs: Mapping[str, Outputs],
) -> IntArray:
    """a[t] for all steps, [T, N, C, H, W]."""
    a = np.zeros((qc.steps, inputs.samples, *population.shape), np.int64)
    for projection in qc.into(population.name):
        source = summed(projection.sources, inputs, outputs)
        steps, batch = source.shape[:2]
        part = project(
            projection, source.reshape(steps * batch, *source.shape[2:]), population.shape
        )
        a += part.reshape(steps, batch, *population.shape)
    return a


def _convolve(
    source: IntArray, weight: IntArray, kernel: Conv, shape: tuple[int, int, int]
) -> IntArray:
    (sy, sx), (py, px), (dy, dx) = kernel.stride, kernel.padding, kernel.dilation
    out_channels, rows, columns = shape
    padded = np.pad(source, ((0, 0), (0, 0), (py, py), (px, px)))
    groups = kernel.groups
    per_in, per_out = source.shape[1] // groups, out_channels // groups
    out = np.zeros((len(source), rows, columns, out_channels), np.int64)
    for ky in range(weight.shape[2]):
        for kx in range(weight.shape[3]):
            y, x = ky * dy, kx * dx
            seen = padded[
                :, :, y : y + (rows - 1) * sy + 1 : sy, x : x + (columns - 1) * sx + 1 : sx
            ]
            for g in range(groups):
                part = seen[:, g * per_in : (g + 1) * per_in].transpose(0, 2, 3, 1)
                w = weight[g * per_out : (g + 1) * per_out, :, ky, kx]
                out[..., g * per_out : (g + 1) * per_out] += part @ w.T
    return out.transpose(0, 3, 1, 2)


def _neurons(
    population: QuantizedPopulation, a: IntArray, v_limit: int
) -> tuple[IntArray, IntArray, int, int]:
    """(outputs [T, N, C, H, W], membranes of the first level [N, C, H, W], lowest, highest membrane seen)."""
    n = population.neuron
    v = [np.zeros(a.shape[1:], np.int64) for _ in n.levels]
    owed = [np.zeros(a.shape[1:], np.int64) for _ in n.levels]
    spikes = np.zeros(a.shape, np.int64)
    low = high = 0
    for t in range(len(a)):
        drive = fixed.shift_left(_gained(n, a[t], t), population.fraction_bits) + _at(
            population.bias, t
        )
        for level in range(len(n.levels)):
            u = fixed.saturate(fixed.decay(v[level], n.delta) - owed[level] + drive, v_limit)
            low, high = min(low, int(u.min())), max(high, int(u.max()))
            s, v[level], owed[level] = fire(n, u, level)
            spikes[t] += s
    return spikes, v[0], low, high


def fire(n: IntegerNeuron, v: IntArray, level: int) -> tuple[IntArray, IntArray, IntArray]:
    """(output, membrane, amount owed to the next step) from the membrane after input."""
    nothing = np.zeros_like(v)
    if n.emits is Emits.NOTHING:
        return nothing, v, nothing
    if n.emits is Emits.GRADED:
        return fixed.round_half_even(v, n.graded_shift), nothing, nothing
    if n.emits is Emits.MULTISPIKE:
        s = fixed.thresholds_reached(v, n.multispike_shift, n.multispike_ge)
    else:
        s = (v > n.levels[level]).astype(np.int64)
    amount = s * n.amounts[level]
    if n.reset is Reset.ZERO:
        v, owed = np.where(s > 0, 0, v), nothing
    elif n.reset is Reset.NONE:
        owed = nothing
    elif n.late_reset:
        owed = amount
    else:
        v, owed = v - amount, nothing
    return s, v if n.v_min is None else np.maximum(v, n.v_min), owed


def _gained(n: IntegerNeuron, a: IntArray, t: int) -> IntArray:
    return a if n.gain is None else fixed.shift_toward_zero(_at(n.gain, t) * a, n.gain_shift)


def _at(values: IntArray, t: int) -> IntArray:
    return values[t] if values.ndim == 4 else values
