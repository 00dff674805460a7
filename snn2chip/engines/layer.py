"""The layer engine: the fast default. Event-driven, exact in integers, without torch; its cost follows the spikes.

Population by population over all T steps (nothing flows back, so this is the same as step by step). Spikes are uint8
with channels last. What is chosen for each population, and why it is exact, is in `layer_population`, `layer_currents`
and `kernels`.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numba
import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.circuit.types import INPUT
from snn2chip.engines import layer_population
from snn2chip.engines.bounds import bounds
from snn2chip.engines.chunks import chunks, joined
from snn2chip.engines.decision import decide
from snn2chip.engines.kernels.compiled import CONFIG
from snn2chip.engines.layer_currents import Source, Values
from snn2chip.engines.layer_population import PreparedPopulation, channels_in_memory
from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation
from snn2chip.recording import Outputs, Recording

CHUNK_VALUES = 1 << 22
"""Outputs (bytes) of the largest population that run at once: two or three such layers stay in memory in use."""


def run(
    qc: QuantizedCircuit,
    inputs: InputData,
    *,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
    threads: int | None = None,
) -> Recording:
    """Recording of `inputs` (int64 values within the input's range).

    `record` False keeps only the decision and the read-out potentials. `threads`: cores to use (default: all). Errors:
    Snn2ChipError where the input does not fit the circuit, StatementError where currents can leave 64 bits.
    """
    return prepare(qc).run(inputs, record=record, progress=progress, threads=threads)


def prepare(qc: QuantizedCircuit) -> "PreparedCircuit":
    """The circuit with weights and parameters laid out; worth keeping where the same circuit runs often."""
    known = bounds(qc)
    lowest, highest = known.outputs[INPUT]
    fits8, fits32 = lowest >= 0 and highest <= 255, highest < 2**31
    last: dict[str, int] = {}
    for i, p in enumerate(qc.populations):
        for projection in qc.into(p.name):
            last |= dict.fromkeys(projection.sources, i)
    order = range(len(qc.populations))
    return PreparedCircuit(
        qc=qc,
        populations=tuple(layer_population.prepare(qc, p, known) for p in qc.populations),
        input_channels=channels_in_memory(qc, INPUT),
        input_type=np.uint8 if fits8 else np.int32 if fits32 else np.int64,
        join_types={j.sources: _type(known.summed(j.sources)) for j in qc.projections},
        read=tuple(tuple({j.sources: None for j in qc.into(p.name)}) for p in qc.populations),
        dropped=tuple(frozenset(s for s, use in last.items() if use == i) for i in order),
    )


def _type(reach: tuple[int, int]) -> type:
    low, high = reach
    if low >= 0 and high <= 255:
        return np.uint8
    return np.int32 if max(high, -low) < 2**31 else np.int64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedCircuit:
    """A circuit ready to run. Of each population `read`: the sums that it reads; `dropped`: what none reads after."""

    qc: QuantizedCircuit
    populations: tuple[PreparedPopulation, ...]
    input_channels: int
    input_type: type
    join_types: Mapping[tuple[str, ...], type]
    read: tuple[tuple[tuple[str, ...], ...], ...]
    dropped: tuple[frozenset[str], ...]

    def run(
        self,
        inputs: InputData,
        *,
        record: bool = True,
        progress: Callable[[float], None] | None = None,
        threads: int | None = None,
    ) -> Recording:
        """See `run` of the module."""
        _check(self.qc, inputs)
        outputs: list[dict[str, Outputs]] = []
        potentials: list[dict[str, Outputs]] = []
        done = 0
        with _threads(threads):
            for part in chunks(self.qc, inputs, CHUNK_VALUES):
                outputs.append({})
                potentials.append({})
                for p, spikes, membranes in self._populations(part):
                    if p.neuron.emits is Emits.NOTHING:
                        potentials[-1][p.name] = _channels_at(1, membranes[..., : p.shape[0]])
                    if record or p.name == self.qc.readout.population:
                        outputs[-1][p.name] = _channels_at(2, spikes[..., : p.shape[0]])
                    done += part.samples
                    if progress is not None:
                        progress(done / (inputs.samples * len(self.populations)))
        all_outputs, all_potentials = joined(outputs, 1), joined(potentials, 0)
        return Recording(
            engine="layer",
            outputs={name: _compact(v) for name, v in all_outputs.items()} if record else {},
            potentials=all_potentials,
            decision=decide(self.qc, all_outputs, all_potentials),
        )

    def _populations(
        self, inputs: InputData
    ) -> Generator[tuple[QuantizedPopulation, Values, IntArray]]:
        """One population after the other: outputs [T, N, H, W, C], a read-out's membranes [N, H, W, C]."""
        values: dict[str, Values] = {INPUT: _input(inputs, self.input_channels, self.input_type)}
        sources: dict[tuple[str, ...], Source] = {}
        for p, read, dropped in zip(self.populations, self.read, self.dropped, strict=True):
            name = p.population.name
            for key in read:
                if key not in sources:
                    sources[key] = Source(self._summed(key, values, sources))
            values[name], membranes = p.run(sources, self.qc.steps, inputs.samples)
            yield p.population, values[name], membranes
            for name in dropped:
                del values[name]
            for key in [k for k in sources if not dropped.isdisjoint(k)] if dropped else ():
                del sources[key]

    def _summed(
        self,
        key: tuple[str, ...],
        values: Mapping[str, Values],
        known: Mapping[tuple[str, ...], Source],
    ) -> Values:
        """Sum of the outputs of `key`, from the longest sum of its first summands that is there already."""
        if len(key) == 1:
            return values[key[0]]
        kind = self.join_types[key]
        n = next((n for n in range(len(key) - 1, 1, -1) if key[:n] in known), 1)
        total = known[key[:n]].values if n > 1 else values[key[0]]
        total = total.astype(kind, copy=False)
        for name in key[n:]:
            total = np.add(total, values[name], dtype=kind, casting="unsafe")
        return total


@contextmanager
def _threads(count: int | None) -> Generator[None]:
    before = numba.get_num_threads()
    numba.set_num_threads(min(count or before, CONFIG.NUMBA_NUM_THREADS))
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _check(qc: QuantizedCircuit, inputs: InputData) -> None:
    """The kernels trust shapes and bounds, so they must hold."""
    frames = inputs.kind is InputKind.FRAMES
    have = inputs.values.shape[2:] if frames else inputs.values.shape[1:]
    if inputs.kind is not qc.input.kind or have != qc.input.shape:
        need = f"{qc.input.kind.value} {qc.input.shape}"
        raise Snn2ChipError(
            "input-shape",
            INPUT,
            "is not what the circuit takes",
            need=need,
            have=f"{inputs.kind.value} {have}",
        )
    if frames and len(inputs.values) != qc.steps:
        raise Snn2ChipError(
            "input-shape",
            INPUT,
            "has another number of steps",
            need=str(qc.steps),
            have=str(len(inputs.values)),
        )
    low, high = inputs.values.min(initial=0), inputs.values.max(initial=0)
    if low < qc.input.low or high > qc.input.high:
        raise Snn2ChipError(
            "input-range",
            INPUT,
            "has values that it cannot hold",
            need=f"{qc.input.low}..{qc.input.high}",
            have=f"{low}..{high}",
        )


def _input(inputs: InputData, channels: int, kind: type) -> Values:
    """[1 or T, N, H, W, channels], new and contiguous."""
    values = inputs.values[None] if inputs.kind is InputKind.STATIC else inputs.values
    values = np.moveaxis(values, 2, -1)
    out = np.zeros((*values.shape[:-1], channels), kind)
    out[..., : values.shape[-1]] = values
    return out


def _channels_at(axis: int, values: Outputs) -> Outputs:
    """`values` with their last axis in another place: NumPy's moveaxis, which takes a small layer's time."""
    return values.transpose(*range(axis), -1, *range(axis, values.ndim - 1))


def _compact(values: Outputs) -> Outputs:
    """uint8 where all values fit, as every engine records them."""
    if values.dtype == np.uint8 or values.min(initial=0) < 0 or values.max(initial=0) > 255:
        return values
    return values.astype(np.uint8)
