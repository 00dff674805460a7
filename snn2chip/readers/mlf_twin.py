"""The twin of a quantized MLF network, in the layout of its checkpoint.

tdBN computes, from left to right, factor · (x - mean) / (sqrt(var) + eps) · weight + bias. With sqrt(var) = factor ·
2^38, eps vanishes and the norm is 2^-38·(x - mean)·weight + bias in real numbers. In float32 the first product rounds
unless the factor is a power of two; the quotient then rounds back to x - mean if factor's mantissa times that of
x - mean stays below 2. So `mean` moves every x there, and `bias` takes it back: then the norm is exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.project import project
from snn2chip.circuit.types import INPUT, Projection
from snn2chip.fixed import DECAY_ONE
from snn2chip.neuron import Compare
from snn2chip.quantize.grid import is_power_of_two
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.twin import TwinWriter, refusal, unit_of
from snn2chip.zoo.mlf import MLFNeurons

WIDE = 2.0**38
WHOLE = 1 << 24
"""float32 has every integer up to here."""

STEPS = 64
"""The middle of the window is a multiple of 1/64: few digits, so that x - mean keeps its own."""

INPUT_NORM = "bn0.bn"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    conv: str
    norm: str
    neuron: str


def write_twin(
    qc: QuantizedCircuit,
    path: Path,
    container: Container,
    blocks: Sequence[int],
    neurons: MLFNeurons,
    readout: str,
) -> tuple[str, ...]:
    """Write the twin of `qc` to `path`, returning its caveats; StatementError where this layout cannot say it."""
    twin = TwinWriter(qc, container)
    factor = float(np.float32(neurons.thresholds[0]))
    for u in _units(blocks, container):
        p = twin.neurons(u.neuron, len(neurons.thresholds), DECAY_ONE * (1.0 - neurons.decay))
        twin.fires(p, neurons.thresholds, Compare.GREATER)
        gain = twin.convolution(u.conv, u.neuron)
        if u.conv == "conv1" and f"{INPUT_NORM}.running_mean" in container.tensors:
            bias = _input_norm(twin, u.neuron, factor)
            gain = gain * WIDE
        else:
            bias = twin.bias(u.neuron)
        _norm(twin, u, gain, bias, factor)
    twin.linear(readout, averaged=True)
    return twin.write(path, {})


def _units(blocks: Sequence[int], container: Container) -> Iterator[_Unit]:
    yield _Unit(conv="conv1", norm="bn1.bn", neuron="spike_func")
    for i, count in enumerate(blocks):
        for j in range(count):
            path = f"layer{i + 1}.execute.{j}"
            for k in (1, 2):
                neuron = f"{path}.spike_func@{k}"
                yield _Unit(conv=f"{path}.conv{k}", norm=f"{path}.bn{k}.bn", neuron=neuron)
            if f"{path}.shortcut.0.weight" in container.tensors:
                shortcut = f"{path}.shortcut"
                yield _Unit(conv=f"{shortcut}.0", norm=f"{shortcut}.1.bn", neuron=f"{shortcut}.2")


def _norm(twin: TwinWriter, u: _Unit, gain: FloatArray, bias: FloatArray, factor: float) -> None:
    """The tdBN that is gain·x + bias for the sums x of integers that the convolution makes."""
    middle = _middle(factor, _largest(twin, u))
    mean = 0.0 if middle is None else -middle
    shifted = bias + gain * mean
    if middle is None or not _single(shifted):
        twin.caveats.append(f"{u.norm}: the factor {factor:g} of the norm rounds in float32")
        mean, shifted = 0.0, bias
    channels = len(gain)
    twin.put(f"{u.norm}.weight", gain * WIDE, u.norm)
    twin.put(f"{u.norm}.bias", shifted, u.norm)
    twin.put(f"{u.norm}.running_mean", np.full(channels, mean), u.norm)
    twin.tensors[f"{u.norm}.running_var"] = _variance(factor, channels)


def _middle(factor: float, largest: int) -> float | None:
    """M such that x + M, |x| <= largest, is where the factor's product can be divided back; None: nowhere.

    0 where the factor is a power of two. Mantissas of x + M must lie in [1, 2/m), where m is the factor's.
    """
    if is_power_of_two(factor):
        return 0.0
    m = np.frexp(factor)[0] * 2
    middle = np.floor((1 + 2 / m) / 2 * STEPS) / STEPS
    room = min(middle - 1, 2 / m - middle)
    if room <= 0:
        return None
    scale = 2.0 ** max(np.ceil(np.log2((largest + 1) / room)), np.log2(STEPS))
    return middle * scale if 2 * scale <= WHOLE else None


def _largest(twin: TwinWriter, u: _Unit) -> int:
    """No sum of the convolution is larger; the input's integers count as the source's code sees them, in any unit."""
    return twin.ranges[u.neuron].partial


def _input_norm(twin: TwinWriter, neuron: str, factor: float) -> FloatArray:
    """Write the norm of the input as 2^-38·(x - mean) with the source's mean; returns the bias [C] behind conv1.

    Its -mean ends at the borders, where conv1 pads with zeros after it: the chip has a bias for every neuron. Only a
    map that is exactly such a sum can be said by a checkpoint.
    """
    mean = twin.container.tensors[f"{INPUT_NORM}.running_mean"].astype(np.float32)
    p, projection = twin.population(neuron), twin.projection(neuron, "conv1")
    worth = twin.worth(projection)
    real = Projection(
        name="conv1",
        sources=(INPUT,),
        target=neuron,
        kernel=projection.kernel,
        weight=floats(projection.weight * worth[:, None, None, None]),
    )
    shift = np.broadcast_to(-mean.astype(np.float64)[:, None, None], twin.qc.input.shape)
    rest = p.bias * unit_of(p) - project(real, shift[None])[0]
    if (rest != rest[:, :1, :1]).any():
        raise refusal(
            neuron,
            "its biases at the borders are rounded, and no mean of the input's norm gives them",
        )
    if not _divides_back(twin.qc, mean, factor):
        twin.caveats.append(f"{INPUT_NORM}: the factor {factor:g} of the norm rounds in float32")
    twin.tensors |= {
        f"{INPUT_NORM}.running_mean": mean,
        f"{INPUT_NORM}.running_var": _variance(factor, len(mean)),
    }
    return rest[:, 0, 0]


def _divides_back(qc: QuantizedCircuit, mean: np.ndarray, factor: float) -> bool:
    """Whether every value that the input can have comes out of the norm as x - mean, times 2^-38."""
    q = qc.input
    x = (np.arange(q.low, q.high + 1) * q.scale).astype(np.float32)[:, None]
    exact = x.astype(np.float64) - mean
    z = (x - mean) * np.float32(factor) / np.float32(factor * WIDE)
    return np.array_equal(z.astype(np.float64) * WIDE, exact)


def _variance(factor: float, channels: int) -> np.ndarray:
    """Var whose root in float32 is factor · 2^38."""
    return np.full(channels, (factor * WIDE) ** 2).astype(np.float32)


def _single(values: FloatArray) -> bool:
    return np.array_equal(values.astype(np.float32).astype(np.float64), values)
