"""How the layer engine runs a population over all T steps: a fused kernel for simple neurons, a general one for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.circuit.types import INPUT
from snn2chip.engines import layer_layout as layout
from snn2chip.engines import layer_projections
from snn2chip.engines.bounds import Bounds
from snn2chip.engines.kernels import conv, neurons
from snn2chip.engines.kernels.events import NO_EVENTS
from snn2chip.engines.kernels.vectors import DECAYS, KEEPS, PLAIN
from snn2chip.engines.layer_currents import CurrentsOf, EventConv, Source, Values
from snn2chip.network.types import InputKind
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation

NO_FLOOR = -(1 << 62)
INT32 = 1 << 31


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedPopulation:
    """A population ready to run. `channels`: in memory; `currents`: the type that is proved to hold its currents.

    `convolution`: what the fused kernel gathers itself, if anything; `others`: projections computed before.
    `simple`: the fused kernel's parameters, for each level of the neurons; or `general`, and no `simple`.
    """

    population: QuantizedPopulation
    channels: int
    currents: type
    convolution: EventConv | None
    others: tuple[CurrentsOf, ...]
    simple: tuple[conv.Neurons, ...]
    general: neurons.AnyNeurons | None
    outputs: type

    def run(
        self, sources: Mapping[tuple[str, ...], Source], steps: int, batch: int
    ) -> tuple[Values, IntArray]:
        """(outputs [T, N, H, W, C], final membranes int64 [N, H, W, C] of a read-out, else empty)."""
        extra = self._currents(sources, batch)
        shape = (steps, batch, *self.population.shape[1:], self.channels)
        if self.general is not None:
            return self._general(extra, shape)
        out = self._simple(self.simple[0], extra, sources, shape)
        for level in self.simple[1:]:
            out += self._simple(level, extra, sources, shape)
        return out, np.empty((0, 0, 0, 0), np.int64)

    def _general(self, currents: Values, shape: tuple[int, ...]) -> tuple[Values, IntArray]:
        silent = self.population.neuron.emits is Emits.NOTHING
        membranes = np.empty(shape[1:] if silent else (0, 0, 0, 0), np.int64)
        out = np.empty(shape, self.outputs)
        neurons.integrate(currents, self.general, out, membranes)
        return out, membranes

    def _simple(
        self,
        level: conv.Neurons,
        extra: Values,
        sources: Mapping[tuple[str, ...], Source],
        out_shape: tuple[int, ...],
    ) -> Values:
        if self.convolution is None:
            steps, batch, rows, columns, channels = out_shape
            shape = conv.Shape(steps, batch, 0, 0, 0, rows, columns, channels, 0, 0, 0, 0, 0, 0)
            events, weight = NO_EVENTS, np.empty((0, 0), np.int8)
        else:
            source = sources[self.convolution.sources]
            shape = self.convolution.shaped(source.values)
            events, weight = source.events, self.convolution.weight
        out = np.empty(out_shape, np.uint8)
        blocks = conv.blocks_of(shape.out_channels)
        conv.spiking_conv(events, shape, weight, extra, level, blocks, out)
        return out

    def _currents(self, sources: Mapping[tuple[str, ...], Source], batch: int) -> Values:
        """Sum of the other projections' currents [1 or T, N, H, W, C]; empty where the fused kernel needs none."""
        steps = 0 if self.general is None else 1
        for p in self.others:
            steps = max(steps, len(sources[p.sources].values))
        total = np.zeros((steps, batch, *self.population.shape[1:], self.channels), self.currents)
        for p in self.others:
            source = sources[p.sources]
            if len(source.values) == steps:
                p.add(source, total)
            else:
                once = np.zeros_like(total[:1])
                p.add(source, once)
                total += once
        return total


def prepare(qc: QuantizedCircuit, p: QuantizedPopulation, known: Bounds) -> PreparedPopulation:
    """Choose how to run one population, and lay its parameters out."""
    channels = layout.padded(p.shape[0])
    projections = tuple(
        layer_projections.prepare(j, _ends(qc, p, j.name, known)) for j in qc.into(p.name)
    )
    low, high = known.outputs[p.name]
    fits32 = known.currents[p.name] < INT32
    levels = range(len(p.neuron.levels))
    simple = is_simple(p, known.drives[p.name], qc.v_limit)
    fused = None
    if simple and len(levels) == 1:
        fused = _largest(tuple(j for j in projections if not _still(qc, j.sources)))
    alone = all(j is fused for j in projections)
    return PreparedPopulation(
        population=p,
        channels=channels,
        currents=np.int32 if fits32 else np.int64,
        convolution=fused,
        others=tuple(j for j in projections if j is not fused),
        simple=tuple(_simple_neurons(p, i, qc.v_limit, fused, alone) for i in levels if simple),
        general=None if simple else _any_neurons(p, qc.v_limit, channels),
        outputs=np.uint8 if low >= 0 and high <= 255 else np.int32,
    )


def is_simple(p: QuantizedPopulation, drive: int, v_limit: int) -> bool:
    """Whether the fused kernel has these neurons, and everything in it stays within 32 bits."""
    n = p.neuron
    plain = n.emits is Emits.SPIKE and len(n.levels) <= 255 and n.gain is None
    late = n.late_reset and n.reset is Reset.SUBTRACT
    amount = max(int(np.abs(a).max(initial=0)) for a in n.amounts)
    floor = abs(n.v_min or 0)
    return plain and not late and max(drive, amount) + v_limit < INT32 and floor < INT32


def channels_in_memory(qc: QuantizedCircuit, name: str) -> int:
    """Channels of a source as the engine stores them; an input that is not part of a join is stored as it is."""
    if name != INPUT:
        return layout.padded(qc.population(name).shape[0])
    joined = any(INPUT in j.sources and len(j.sources) > 1 for j in qc.projections)
    return layout.padded(qc.input.shape[0]) if joined else qc.input.shape[0]


def _ends(
    qc: QuantizedCircuit, p: QuantizedPopulation, projection: str, known: Bounds
) -> layer_projections.Ends:
    j = next(j for j in qc.projections if j.name == projection)
    low, high = known.summed(j.sources)
    first = j.sources[0]
    return layer_projections.Ends(
        source=qc.input.shape if first == INPUT else qc.population(first).shape,
        source_channels=channels_in_memory(qc, first),
        target=p.shape,
        target_channels=layout.padded(p.shape[0]),
        lowest=low,
        highest=high,
        largest=known.sums[j.name] << j.exponent,
    )


def _still(qc: QuantizedCircuit, sources: tuple[str, ...]) -> bool:
    """Whether the sources are the same at every step: their current is computed once, outside the fused kernel."""
    return qc.input.kind is InputKind.STATIC and set(sources) == {INPUT}


def _largest(projections: tuple[CurrentsOf, ...]) -> EventConv | None:
    """The convolution worth fusing: the one with the most weights."""
    found = [j for j in projections if isinstance(j, EventConv)]
    return max(found, key=lambda j: j.weight.size, default=None)


def _simple_neurons(
    p: QuantizedPopulation, level: int, v_limit: int, fused: EventConv | None, alone: bool
) -> conv.Neurons:
    """Parameters of one level for the fused kernel; `alone`: it gathers all of the current itself."""
    n = p.neuron
    exponent = fused.exponent if fused is not None else 0
    floor = -INT32 if n.v_min is None else n.v_min
    mask = 0 if n.reset is Reset.ZERO else -1
    amount = n.amounts[level] if n.reset is Reset.SUBTRACT else np.zeros_like(n.amounts[level])
    theta = np.clip(n.levels[level], -INT32, layout.NEVER)
    keep = np.broadcast_to(fixed.DECAY_ONE - n.delta, (p.shape[0], *n.delta.shape[1:]))
    maps = any(a.shape[1:] != (1, 1) for a in (theta, amount, keep))
    plain = alone and n.reset is Reset.ZERO and n.v_min is None and exponent == p.fraction_bits == 0
    lay = _Lines(p.shape, layout.padded(p.shape[0]), fused)
    bias = p.bias if p.bias.ndim == 4 else p.bias[None]
    return conv.Neurons(
        bias=np.stack([lay.lines(b, 0, b.shape[1:] != (1, 1)) for b in bias]),
        theta=lay.lines(theta, layout.NEVER, maps),
        amount=lay.lines(amount, 0, maps),
        keep=lay.lines(keep, 0, maps),
        settings=np.array([exponent, p.fraction_bits, v_limit, floor, mask], np.int32),
        kind=DECAYS if n.delta.any() else PLAIN if plain else KEEPS,
    )


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lays parameters out for the fused kernel, whose pixels may hold several pixels of the population."""

    shape: tuple[int, int, int]
    channels: int
    fused: EventConv | None

    def lines(self, values: IntArray, fill: int, whole: bool) -> NDArray[np.int32]:
        """[1 or pixels, C] of parameters [1 or C, 1 or H, 1 or W]; `whole`: one value for every pixel."""
        count, rows, columns = self.shape
        width = self.channels if self.fused is None else self.fused.shape.out_channels
        if whole or width % self.channels or width > self.channels * columns:
            values = np.broadcast_to(values, (values.shape[0], rows, columns))
            return layout.last(values, count, self.channels, fill, np.int32).reshape(-1, width)
        line = layout.last(values, count, self.channels, fill, np.int32).reshape(1, self.channels)
        return np.tile(line, width // self.channels)


def _any_neurons(p: QuantizedPopulation, v_limit: int, channels: int) -> neurons.AnyNeurons:
    n = p.neuron

    def last(values: IntArray, fill: int = 0) -> Any:
        return layout.last(values, p.shape[0], channels, fill, np.int64)

    return neurons.AnyNeurons(
        bias=last(p.bias if p.bias.ndim == 4 else p.bias[None]),
        gain=np.empty((0, 1, 1, 0), np.int64)
        if n.gain is None
        else last(n.gain if n.gain.ndim == 4 else n.gain[None]),
        theta=_stacked([last(x, layout.NEVER) for x in n.levels]),
        amount=_stacked([last(x) for x in n.amounts]),
        delta=last(n.delta),
        emits=neurons.EMITS.index(n.emits),
        reset=neurons.RESETS.index(n.reset),
        late=n.late_reset,
        gain_shift=n.gain_shift,
        fraction_bits=p.fraction_bits,
        limit=v_limit,
        floor=NO_FLOOR if n.v_min is None else n.v_min,
        multispike_shift=n.multispike_shift,
        multispike_ge=n.multispike_ge,
        graded_shift=n.graded_shift,
    )


def _stacked(levels: list[IntArray]) -> IntArray:
    return np.stack(np.broadcast_arrays(*levels))
