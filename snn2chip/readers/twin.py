"""What the twins of all systems share: the tensors of a checkpoint, in the layout of the file that a network came from.

Convolutions hold the chip's integer weights. A batch norm with variance 2^40 divides by 2^20 (eps vanishes in float32
and in float64), so with weight 2^20·g, mean 0 and bias b it is exactly y = g·x + b; g, the worth of a weight unit, is a
power of two. Thresholds stay as they were: a chip's integer threshold fires for the same membranes. So plain float32
code computes the chip's membranes times a power of two, without rounding while sums stay under 2^24 units.

A classifier's weights are multiplied by the size of the pooled map, because the authors' code averages where the chip
sums. Where that size is no power of two, the logits (not the spikes) are rounded.
"""

import argparse
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray, IntArray
from snn2chip.circuit.types import Conv, Dense, Identity
from snn2chip.errors import StatementError
from snn2chip.files import write_whole
from snn2chip.network.types import INPUT
from snn2chip.neuron import Compare, Reset
from snn2chip.quantize.grid import is_power_of_two
from snn2chip.quantize.ranges import Range, ranges
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation, QuantizedProjection
from snn2chip.readers.checkpoint import Container

VARIANCE = 2.0**40
DEVIATION = 2.0**20
COUNTER = ".num_batches_tracked"

Arrays = dict[str, NDArray[Any]]
Signs = FloatArray | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A convolution and its norm, the neurons behind them; `pool`: rows and columns of the mean in front of it."""

    conv: str
    norm: str
    neuron: str
    pool: int = 1
    shortcut: bool = False


class TwinWriter:
    """Gathers the tensors of a twin, unit by unit; StatementError naming a layer that the layout cannot say.

    `caveats`: why float32 code may fire other spikes than the chip, one sentence each; empty where it cannot.
    """

    def __init__(self, qc: QuantizedCircuit, container: Container) -> None:
        self.qc = qc
        self.container = container
        self.tensors: Arrays = {}
        self.caveats: list[str] = []

    @cached_property
    def ranges(self) -> Mapping[str, Range]:
        """What every population can reach."""
        return ranges(self.qc)

    def unit(
        self,
        conv: str,
        norm: str,
        neuron: str,
        *,
        bias: bool = True,
        sign: Signs = 1.0,
        pool: int = 1,
    ) -> None:
        """The convolution `conv` into `neuron` and the batch norm behind it, which carries the neurons' `bias` or 0.

        `sign` [C] of the currents in the source's code; `pool`: mean over so many rows and columns before it.
        """
        gain = self.convolution(conv, neuron, pool) * sign
        self.affine(norm, gain, self.bias(neuron) * sign if bias else np.zeros(len(gain)))

    def convolution(
        self, path: str, neuron: str, pool: int = 1, name: str | None = None
    ) -> FloatArray:
        """Its weights in integers; returns what one of them is worth, [C], a power of two. `name`: if not `path`."""
        projection = self.projection(neuron, name or path)
        gain = self.worth(projection)
        if not is_power_of_two(gain):
            raise refusal(path, "its scale is no power of two, so its norm would round")
        self.put(f"{path}.weight", _unpooled(projection, pool, path), path)
        return gain * pool**2

    def affine(self, norm: str, gain: FloatArray, bias: FloatArray) -> None:
        """A batch norm that is gain·x + bias, [C]."""
        self.put(f"{norm}.weight", gain * DEVIATION, norm)
        self.put(f"{norm}.bias", bias, norm)
        self.put(f"{norm}.running_mean", np.zeros(len(gain)), norm)
        self.put(f"{norm}.running_var", np.full(len(gain), VARIANCE), norm)

    def linear(self, path: str, *, averaged: bool) -> None:
        """The linear layer `path` with bias; `averaged`: the source's code takes the mean of every map before it."""
        population, projection = self.population(path), self.projection(path, path)
        weight, maps = projection.weight, self.qc.population(projection.sources[0])
        pixels = maps.shape[1] * maps.shape[2]
        if averaged and not (isinstance(projection.kernel, Dense) and projection.kernel.pooled):
            per_pixel = weight.reshape(len(weight), maps.shape[0], -1)
            if (per_pixel != per_pixel[:, :, :1]).any():
                why = "its weights differ within a channel, and the authors' code averages first"
                raise refusal(path, why)
            weight = per_pixel[:, :, 0]
        worth = self.worth(projection)[:, None] * (pixels if averaged else 1)
        self.put(f"{path}.weight", weight * worth, f"{path}.weight")
        self.put(f"{path}.bias", self.bias(population.name), f"{path}.bias")

    def shortcut(self, target: str, kernels: Sequence[str], sign: Signs = 1.0) -> None:
        """Check that what enters `target` beside `kernels` counts 1 (a mean of spikes 1 in all): no tensor says it."""
        for projection in self.qc.into(target):
            if projection.name in kernels:
                continue
            weight = projection.weight * np.reshape(
                self.worth(projection) * sign, (-1, *[1] * (projection.weight.ndim - 1))
            )
            total = weight if isinstance(projection.kernel, Identity) else weight.sum((1, 2, 3))
            same = np.broadcast_to(
                total.reshape(-1, *[1] * (weight.ndim - 1)) / _taps(projection), weight.shape
            )
            if (total != 1.0).any() or (weight != same).any():
                raise refusal(target, "its shortcut has another weight than 1")

    def neurons(
        self, name: str, levels: int = 1, delta: float | None = None, *, gained: bool = False
    ) -> QuantizedPopulation:
        """The population `name`, of as many `levels` as the source's neurons have, and of nothing that they have not.

        `gained`: norms of the source say a gain.

        `delta`: the source's decay in the chip's units, 4096 · (1 - decay); None where a tensor says it.
        """
        p = self.population(name)
        n = p.neuron
        if (n.gain is not None) != gained or n.v_min is not None or len(n.levels) != levels:
            raise refusal(name, "its neurons have a gain, a floor or other levels")
        if delta is not None and (n.delta != delta).any():
            have = n.delta.reshape(-1)[0]
            raise refusal(name, f"its decay is not the chip's (δ = {have}, need {delta:g})")
        return p

    def fires(
        self,
        p: QuantizedPopulation,
        thresholds: Sequence[float],
        compare: Compare,
        factor: float = 1.0,
    ) -> None:
        """Check that the source's code fires and resets where the chip does.

        Its membrane is `factor` times the Circuit's, and float32 code compares it with these `thresholds`.
        """
        unit = unit_of(p) * factor
        for level, amount, real in zip(p.neuron.levels, p.neuron.amounts, thresholds, strict=True):
            threshold = float(np.float32(real))
            fires, rests = (v * unit for v in _around(p, level))
            if compare is Compare.GREATER:
                same = (fires > threshold) & (rests <= threshold)
            else:
                same = (fires >= threshold) & (rests < threshold)
            if not same.all():
                raise refusal(p.name, f"its threshold is not {real:g} on the chip's grid")
            if p.neuron.reset is Reset.SUBTRACT and (amount * unit != threshold).any():
                raise refusal(p.name, f"it does not subtract exactly {real:g}")

    def population(self, name: str) -> QuantizedPopulation:
        """The population of a layer."""
        found = next((p for p in self.qc.populations if p.name == name), None)
        if found is None:
            raise refusal(name, "the quantized network has no population of this name")
        return found

    def projection(self, target: str, name: str) -> QuantizedProjection:
        """The projection of a convolution or linear layer."""
        found = next((p for p in self.qc.into(target) if p.name == name), None)
        if found is None:
            raise refusal(
                name, f"the quantized network has no projection of this name into {target}"
            )
        return found

    def worth(self, projection: QuantizedProjection) -> FloatArray:
        """[C]: current that one integer of the weights makes of one spike, or of an input of 1."""
        source = projection.sources[0]
        unit = self.qc.input.scale if source == INPUT else self.qc.population(source).unit
        return self.population(projection.target).scale * 2.0**projection.exponent / unit

    def bias(self, name: str) -> FloatArray:
        """Real bias [C]."""
        p = self.population(name)
        rows = p.bias.reshape(*p.bias.shape[:-2], -1)
        if p.bias.ndim != 3 or (rows != rows[:, :1]).any():
            raise refusal(name, "its bias differs within a channel")
        return np.broadcast_to(rows[:, 0] * unit_of(p).reshape(-1), p.scale.shape)

    def put(self, key: str, values: NDArray[Any], where: str) -> None:
        """A tensor, as float32 if that loses nothing."""
        single = np.asarray(values).astype(np.float32)
        if not np.array_equal(single.astype(np.float64), np.asarray(values, np.float64)):
            raise refusal(where, "its values need more than float32 has")
        self.tensors[key] = single

    def write(self, path: Path, args: Mapping[str, object]) -> tuple[str, ...]:
        """The file: container, keys and prefix of the source, `args` beside its own; returns the caveats."""
        held = self.container
        counters = {k: v for k, v in held.tensors.items() if k.endswith(COUNTER)}
        found = {**self.tensors, **counters}
        prefix = "module." if held.prefixed else ""
        state: object = {
            prefix + held.key_of(k): torch.from_numpy(found[k].copy())
            for k in held.tensors
            if k in found
        }
        if held.key:
            merged = argparse.Namespace(**{**held.args, **args, "T": self.qc.steps})
            state = {held.key: state, "args": merged}
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_whole(path, buffer.getvalue())
        return tuple(dict.fromkeys(self.caveats))


def unit_of(p: QuantizedPopulation) -> FloatArray:
    """Worth of one membrane unit, [C, 1, 1]."""
    return (p.scale / 2.0**p.fraction_bits)[:, None, None]


def refusal(where: str, why: str) -> StatementError:
    """What the layout cannot say."""
    return StatementError(
        "twin-inexact", where, f"the authors' layout cannot say the quantized network: {why}"
    )


def _around(p: QuantizedPopulation, level: IntArray) -> tuple[IntArray, IntArray]:
    """(smallest membrane that fires, largest that does not), of those that can be reached.

    Without a decay membranes are multiples of 2^f if biases are.
    """
    grid = 1 << p.fraction_bits
    whole = not (p.bias % grid).any() and not p.neuron.delta.any() and p.neuron.reset is Reset.ZERO
    step = grid if whole else 1
    fires = -(-(level + 1) // step) * step
    return fires, fires - step


def _taps(projection: QuantizedProjection) -> int:
    kernel = projection.kernel
    return int(np.prod(projection.weight.shape[1:])) if isinstance(kernel, Conv) else 1


def _unpooled(projection: QuantizedProjection, pool: int, where: str) -> IntArray:
    """The weights [O, I, kh, kw] of a convolution whose mean over `pool` x `pool` before it was made part of it."""
    weight = projection.weight
    if pool == 1:
        return weight
    o, i, rows, columns = weight.shape
    cut = weight.reshape(o, i, rows // pool, pool, columns // pool, pool)
    if (cut != cut[:, :, :, :1, :, :1]).any():
        raise refusal(
            where, "its weights differ within a window that the authors' code averages first"
        )
    return cut[:, :, :, 0, :, 0]
