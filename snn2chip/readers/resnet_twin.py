"""The twin of a quantized spiking ResNet: a checkpoint in the layout of the file that the network came from.

Convolutions hold the chip's integer weights. A batch norm with variance 2^40 divides by 2^20 (eps vanishes in float32
and in float64), so with weight 2^20·g, mean 0 and bias b it is exactly y = g·x + b; g, the worth of a weight unit, is a
power of two. The threshold stays as it was. So plain float32 code computes the chip's membranes times a power of two,
without rounding while sums stay under 2^24 units.

The classifier's weights are multiplied by the size of the pooled map, because the authors' code averages where the chip
sums. Where that size is no power of two, the logits (not the spikes) are rounded.
"""

import argparse
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray, IntArray
from snn2chip.circuit.types import Dense, Identity
from snn2chip.errors import StatementError
from snn2chip.files import write_whole
from snn2chip.network.types import INPUT
from snn2chip.neuron import Reset
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation, QuantizedProjection
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.resnet_build import READOUT
from snn2chip.readers.resnet_keys import COUNTER, BlockPlan, Plan, Unit
from snn2chip.readers.resnet_options import STORED, Settings

VARIANCE = 2.0**40
DEVIATION = 2.0**20
DECAY_ONE = 4096
"""δ = 4096 forgets everything: the unit of IntegerNeuron.delta."""

Arrays = dict[str, NDArray[Any]]


def write_twin(
    qc: QuantizedCircuit, path: Path, container: Container, plan: Plan, settings: Settings
) -> None:
    """Write the twin of `qc` to `path`; StatementError naming a layer that this layout cannot say exactly."""
    if plan.learned:
        raise _refusal(
            "neurons",
            "a learned decay is sigmoid(w), which hardly ever is a fraction of the chip's",
        )
    tensors: Arrays = {}
    for unit, neuron, has_bias in _units(plan):
        tensors |= _unit(qc, unit, neuron, settings, has_bias)
    for block in plan.blocks:
        _check_identity(qc, block, settings)
    tensors |= _head(qc, plan)
    for key, array in container.tensors.items():
        if key.endswith(COUNTER):
            tensors[key] = array
    write_whole(
        path,
        _bytes(
            container,
            {k: tensors[k] for k in container.tensors if k in tensors},
            settings,
            qc.steps,
        ),
    )


def _units(plan: Plan) -> list[tuple[Unit, str, bool]]:
    """(unit, the neuron layer it feeds, whether its norm carries that layer's bias)."""
    found = [(plan.stem, "sn1", True)]
    for block in plan.blocks:
        found += [(u, n, True) for u, n in zip(block.units, block.neurons, strict=True)]
        if block.shortcut is not None:
            own = block.shortcut_neuron
            found.append((block.shortcut, own or block.neurons[-1], bool(own)))
    return found


def _unit(
    qc: QuantizedCircuit, unit: Unit, neuron: str, settings: Settings, has_bias: bool
) -> Arrays:
    """The convolution's and norm's tensors."""
    population, projection = _population(qc, neuron), _projection(qc, neuron, unit.conv)
    _check_neuron(population, settings)
    gain = population.scale * 2.0**projection.exponent / _source_unit(qc, projection)
    bias = _bias(population) if has_bias else np.zeros(unit.outputs)
    _check_power_of_two(gain, unit.conv)
    return {
        f"{unit.conv}.weight": _single(projection.weight, unit.conv),
        f"{unit.norm}.weight": _single(gain * DEVIATION, unit.norm),
        f"{unit.norm}.bias": _single(bias, unit.norm),
        f"{unit.norm}.running_mean": np.zeros(unit.outputs, np.float32),
        f"{unit.norm}.running_var": np.full(unit.outputs, VARIANCE, np.float32),
    }


def _head(qc: QuantizedCircuit, plan: Plan) -> Arrays:
    """fc, whose weight counts every pixel of the map as 1/pixels."""
    population, projection = _population(qc, READOUT), _projection(qc, READOUT, READOUT)
    per_channel, source = projection.weight, qc.population(projection.sources[0])
    pixels = source.shape[1] * source.shape[2]
    if not (isinstance(projection.kernel, Dense) and projection.kernel.pooled):
        per_pixel = projection.weight.reshape(plan.classes, plan.features, -1)
        if (per_pixel != per_pixel[:, :, :1]).any():
            raise _refusal(
                READOUT, "its weights differ within a channel, and the authors' code averages first"
            )
        per_channel = per_pixel[:, :, 0]
    unit = population.scale * 2.0**projection.exponent / _source_unit(qc, projection)
    return {
        "fc.weight": _single(per_channel * pixels * unit[:, None], "fc.weight"),
        "fc.bias": _single(_bias(population), "fc.bias"),
    }


def _check_identity(qc: QuantizedCircuit, block: BlockPlan, settings: Settings) -> None:
    """A plain block without a shortcut convolution adds its input with weight 1, which no checkpoint can change."""
    if settings.connect_f or block.shortcut is not None:
        return
    target = block.neurons[-1]
    population = _population(qc, target)
    for projection in qc.into(target):
        if isinstance(projection.kernel, Identity):
            real = (
                projection.weight
                * population.scale
                * 2.0**projection.exponent
                / _source_unit(qc, projection)
            )
            if (real != 1.0).any():
                raise _refusal(target, "its shortcut has another weight than 1")


def _check_neuron(p: QuantizedPopulation, settings: Settings) -> None:
    """The chip's threshold, decay and reset are those that the authors' code has without being told."""
    n, wanted = p.neuron, settings.neuron
    if n.gain is not None or len(n.levels) != 1 or n.v_min is not None:
        raise _refusal(p.name, "its neurons have a gain, a floor or several levels")
    if wanted.v_reset not in (None, 0.0):
        raise _refusal(p.name, "a v_reset that is not 0 is not kept")
    delta = 0.0 if wanted.tau is None else DECAY_ONE / wanted.tau
    if (n.delta != delta).any():
        raise _refusal(
            p.name, f"its decay is not the chip's (δ = {n.delta.reshape(-1)[0]}, need {delta:g})"
        )
    unit, threshold = _unit_of(p), wanted.v_threshold * _tau(settings)
    if (_firing(p) * unit != threshold).any():
        raise _refusal(p.name, f"its threshold is not exactly {threshold:g} on the chip's grid")
    if n.reset is Reset.SUBTRACT and (n.amounts[0] * unit != threshold).any():
        raise _refusal(p.name, f"it does not subtract exactly {threshold:g}")


def _firing(p: QuantizedPopulation) -> IntArray:
    """The smallest reachable membrane that fires: without a decay, membranes are multiples of 2^f if biases are."""
    grid = 1 << p.fraction_bits
    whole = not (p.bias % grid).any() and not p.neuron.delta.any() and p.neuron.reset is Reset.ZERO
    step = grid if whole else 1
    return -(-(p.neuron.levels[0] + 1) // step) * step


def _bias(p: QuantizedPopulation) -> FloatArray:
    """Real bias [C]."""
    per_channel = p.bias.reshape(*p.bias.shape[:-2], -1)
    if p.bias.ndim != 3 or (per_channel != per_channel[:, :1]).any():
        raise _refusal(p.name, "its bias differs within a channel")
    real = per_channel[:, 0] * _unit_of(p).reshape(-1)
    return np.broadcast_to(real, p.scale.shape)


def _unit_of(p: QuantizedPopulation) -> FloatArray:
    """Worth of one membrane unit, [C, 1, 1]."""
    return (p.scale / 2.0**p.fraction_bits)[:, None, None]


def _source_unit(qc: QuantizedCircuit, projection: QuantizedProjection) -> float:
    source = projection.sources[0]
    return qc.input.scale if source == INPUT else qc.population(source).unit


def _tau(settings: Settings) -> float:
    """What the authors' code divides currents by; a Circuit does not, and its membranes are tau times as large."""
    n = settings.neuron
    return n.tau if n.tau is not None and n.decay_input else 1.0


def _population(qc: QuantizedCircuit, name: str) -> QuantizedPopulation:
    found = next((p for p in qc.populations if p.name == name), None)
    if found is None:
        raise _refusal(name, "the quantized network has no population of this name")
    return found


def _projection(qc: QuantizedCircuit, target: str, name: str) -> QuantizedProjection:
    found = next((p for p in qc.into(target) if p.name == name), None)
    if found is None:
        raise _refusal(name, f"the quantized network has no projection of this name into {target}")
    return found


def _check_power_of_two(gain: FloatArray, where: str) -> None:
    mantissa, _ = np.frexp(gain)
    if (mantissa != 0.5).any():
        raise _refusal(where, "its scale is no power of two, so its norm would round")


def _single(values: NDArray[Any], where: str) -> NDArray[np.float32]:
    """`values` as float32, if that loses nothing."""
    single = values.astype(np.float32)
    if not np.array_equal(single.astype(np.float64), values.astype(np.float64)):
        raise _refusal(where, "its values need more than float32 has")
    return single


def _refusal(where: str, why: str) -> StatementError:
    return StatementError(
        "twin-inexact", where, f"the authors' layout cannot say the quantized network: {why}"
    )


def _bytes(
    container: Container, tensors: Mapping[str, NDArray[Any]], settings: Settings, steps: int
) -> bytes:
    """The file: the same container, keys and prefix; args carry what they can, so that it reads without options."""
    prefix = "module." if container.prefixed else ""
    state: object = {prefix + k: torch.from_numpy(v.copy()) for k, v in tensors.items()}
    if container.key:
        carried = {k: v for k, v in settings.used.items() if k in STORED}
        args = argparse.Namespace(**{**container.args, **carried, "T": steps})
        state = {container.key: state, "args": args}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()
