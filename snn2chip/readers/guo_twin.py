"""The twin of a quantized ResNet of Guo's group, in the layout of its checkpoint.

A membrane's norm z = γ(u - μ)/σ + β > θ becomes z = ± u/(2·unit) + β: half of a membrane unit counts, and β puts θ into
the middle between the chip's integer threshold and the next membrane above it. The sign is the source's, because blocks
add their input's spikes to u as they are: where γ < 0 the chip's membrane is -u.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.fixed import DECAY_ONE
from snn2chip.neuron import Compare
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.twin import TwinWriter, Unit, unit_of

ROOM = 1 << 21
"""Membranes and thresholds below this many units: z and β each round by at most 1/16, and a quarter is between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuoPlan:
    """What the writer must know beside the tensors. `stem`: convolutions before the first pool, 0 without one."""

    stem: int
    blocks: Sequence[int]
    decay: float
    threshold: float
    membrane_norm: bool
    readout: str


def write_twin(
    qc: QuantizedCircuit, path: Path, container: Container, plan: GuoPlan
) -> tuple[str, ...]:
    """Write the twin of `qc` to `path`, returning its caveats; StatementError where this layout cannot say it."""
    twin = TwinWriter(qc, container)
    kernels: dict[str, list[str]] = {}
    signs: dict[str, FloatArray | float] = {}
    for u in _units(plan, container):
        if u.neuron not in signs:
            signs[u.neuron] = _neurons(twin, u.neuron, plan)
        sign = signs[u.neuron]
        twin.unit(u.conv, u.norm, u.neuron, bias=not u.shortcut, sign=sign, pool=u.pool)
        kernels.setdefault(u.neuron, []).append(u.conv)
    for neuron, names in kernels.items():
        if neuron.endswith(".output_act"):
            twin.shortcut(neuron, names, signs[neuron])
    twin.linear(plan.readout, averaged=True)
    return twin.write(path, {})


def _units(plan: GuoPlan, container: Container) -> Iterator[Unit]:
    for i in range(0, 3 * plan.stem, 3):
        names = (f"model.conv1.{i + k}" for k in range(3))
        conv, norm, neuron = names
        yield Unit(conv=f"{conv}.pool", norm=f"{norm}.bn", neuron=neuron)
    if not plan.stem:
        yield Unit(conv="model.conv1.pool", norm="model.bn1.bn", neuron="model.relu")
    for i, count in enumerate(plan.blocks):
        for j in range(count):
            path, last = f"model.layer{i + 1}.{j}", f"model.layer{i + 1}.{j}.output_act"
            pool = 2 if plan.stem and i == j == 0 else 1
            yield Unit(
                conv=f"{path}.conv1.pool", norm=f"{path}.bn1.bn", neuron=f"{path}.relu1", pool=pool
            )
            yield Unit(conv=f"{path}.conv2.pool", norm=f"{path}.bn2.bn", neuron=last)
            first = 1 if plan.stem else 0
            conv, norm = (f"{path}.downsample.{first + k}" for k in range(2))
            if f"{conv}.pool.weight" in container.tensors:
                stride = 2 if i and j == 0 else 1
                pool = pool * stride if plan.stem else 1
                yield Unit(
                    conv=f"{conv}.pool", norm=f"{norm}.bn", neuron=last, pool=pool, shortcut=True
                )


def _neurons(twin: TwinWriter, name: str, plan: GuoPlan) -> FloatArray | float:
    """Check the neurons, write their norm; returns the sign of the source's currents, [C] or 1."""
    p = twin.neurons(name, delta=DECAY_ONE * (1.0 - plan.decay))
    if not plan.membrane_norm:
        twin.fires(p, (plan.threshold,), Compare.GREATER)
        return 1.0
    sign = np.sign(twin.container.tensors[f"{name}.bn.weight"].astype(np.float64))
    theta = p.neuron.levels[0].reshape(len(sign))
    beta = float(np.float32(plan.threshold)) - 0.5 * (theta + 0.5)
    twin.affine(f"{name}.bn", sign * 0.5 / unit_of(p).reshape(-1), floats(beta.astype(np.float32)))
    exact = np.array_equal(beta, floats(beta.astype(np.float32)))
    _check_room(twin, p, 2 * ROOM if exact else ROOM)
    return sign


def _check_room(twin: TwinWriter, p: QuantizedPopulation, room: int) -> None:
    """Where β is exact only z rounds, so there is room for twice as many units."""
    reach = twin.ranges[p.name]
    if max(-reach.low, reach.high, int(np.abs(p.neuron.levels[0]).max())) >= room:
        twin.caveats.append(f"{p.name}: the norm of its membrane may round by half a unit")
