"""Runs of mixed and of rounded circuits beside the original, chunk by chunk of the samples."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.circuit.types import INPUT, Circuit
from snn2chip.debug.journal import Journal
from snn2chip.debug.types import Counts
from snn2chip.engines.registry import ENGINES
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits
from snn2chip.progress import Progress
from snn2chip.quantize.input import dequantize_input, quantize_input
from snn2chip.quantize.mix import ends, rounded_populations
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs, Recording
from snn2chip.verify.compare import Tally
from snn2chip.verify.ladder import Span, part, spans_of

LABEL = 60
"""The most letters of a setting that its progress shows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chunk:
    """Some samples: as they are, on the grid, and the runs that others are compared with and begin from."""

    first: int
    real: InputData
    on_grid: InputData
    expected: Mapping[str, Outputs]
    decision: NDArray[Any]
    ends: dict[bool, Mapping[str, Outputs]]


class Trials:
    """A network, its rounding, and samples to try on; what is finished is in the journal.

    `places`: what may lose something, in the order of the network, `input` first where its samples are rounded.
    """

    def __init__(
        self,
        circuit: Circuit,
        qc: QuantizedCircuit,
        inputs: InputData,
        labels: NDArray[np.int64] | None,
        journal: Journal,
    ) -> None:
        self._circuit, self._qc, self._inputs, self._labels = circuit, qc, inputs, labels
        self._journal = journal
        self._ends = ends(circuit, qc)
        rounded = quantize_input(qc.input, inputs)[1] > 0
        self.places: tuple[str, ...] = (*((INPUT,) if rounded else ()), *rounded_populations(qc))
        self._exact = frozenset(p.name for p in qc.populations).difference(self.places)
        self._spans = spans_of(qc, inputs.samples)
        self._last: _Chunk | None = None

    @property
    def exact(self) -> int:
        """Populations that lose nothing."""
        return len(self._exact)

    def original(self) -> Counts:
        """The float network beside itself."""
        return self.mixes([frozenset(self.places)], lambda _: None)[0]

    def mixes(
        self, floated: Sequence[frozenset[str]], done: Callable[[float], None]
    ) -> list[Counts]:
        """One run for each set of places that are left in floats, all others rounded."""
        total: dict[int, Counts] = {}
        for n, span in enumerate(self._spans):
            for i, places in enumerate(floated):
                counts = self._kept(
                    f"{span[0]}: {json.dumps(sorted(places))}",
                    lambda span=span, places=places: self._mix(self._chunk(span), places),
                )
                total[i] = total[i] + counts if i in total else counts
                done((n * len(floated) + i + 1) / (len(self._spans) * len(floated)))
        return [total[i] for i in range(len(floated))]

    def rounding(self, words: str, qc: QuantizedCircuit, progress: Progress) -> Counts:
        """The network rounded in another way, by the engine that is fast; `words` name it in the journal."""
        found: list[Counts] = []
        with progress.stage(shorten(words, LABEL, placeholder=" …")) as done:
            for span in self._spans:
                found.append(
                    self._kept(f"{span[0]}: {words}", lambda span=span: self._chip(span, qc))
                )
                done(span[1] / self._inputs.samples)
        return sum(found[1:], found[0])

    def _kept(self, name: str, run: Callable[[], Counts]) -> Counts:
        known = self._journal.get(name)
        if known is None:
            known = run()
            self._journal.put(name, known)
        return known

    def _chunk(self, span: Span) -> _Chunk:
        if self._last is None or self._last.first != span[0]:
            real = part(self._inputs, *span)
            integers, _ = quantize_input(self._qc.input, real)
            original = run_circuit(self._circuit, real)
            self._last = _Chunk(
                first=span[0],
                real=real,
                on_grid=dequantize_input(self._qc.input, integers),
                expected=layer_outputs(self._circuit, original.outputs),
                decision=original.decision,
                ends={},
            )
        return self._last

    def _mix(self, chunk: _Chunk, floated: frozenset[str]) -> Counts:
        """Only what lies behind a change is run: the rest is as in the nearer of the two ends."""
        circuit = self._ends.mixed(floated | self._exact)
        changed = {False: floated, True: frozenset(self.places) - floated}
        behind = {end: downstream(circuit, names) for end, names in changed.items()}
        end = min(behind, key=lambda e: len(behind[e]))
        readouts = {p.name for p in circuit.populations if p.neuron.emits is Emits.NOTHING}
        known = {
            name: values
            for name, values in self._end(chunk, end).items()
            if name not in behind[end] and name not in readouts
        }
        values = chunk.real if INPUT in floated else chunk.on_grid
        return self._counts(chunk, self._qc, run_circuit(circuit, values, known=known))

    def _end(self, chunk: _Chunk, floats: bool) -> Mapping[str, Outputs]:
        """Outputs of the network with everything in floats, or everything rounded."""
        if floats not in chunk.ends:
            names = self._exact.union(self.places) if floats else self._exact
            values = chunk.real if floats or INPUT not in self.places else chunk.on_grid
            chunk.ends[floats] = run_circuit(self._ends.mixed(names), values).outputs
        return chunk.ends[floats]

    def _chip(self, span: Span, qc: QuantizedCircuit) -> Counts:
        chunk = self._chunk(span)
        integers, _ = quantize_input(qc.input, chunk.real)
        return self._counts(chunk, qc, ENGINES["layer"].load()(qc, integers))  # type: ignore[arg-type]

    def _counts(self, chunk: _Chunk, qc: QuantizedCircuit, found: Recording) -> Counts:
        tally = Tally()
        tally.add(chunk.expected, layer_outputs(qc, in_real_units(qc, found.outputs)))
        answers = found.decision.argmax(1)
        labels = self._labels
        stop = chunk.first + len(answers)
        right = None if labels is None else int((answers == labels[chunk.first : stop]).sum())
        return Counts(
            samples=len(answers),
            same=int((answers == chunk.decision.argmax(1)).sum()),
            right=right,
            compared=tally.compared,
            differing=tally.differing,
        )


def in_real_units(qc: QuantizedCircuit, outputs: Mapping[str, Outputs]) -> dict[str, Outputs]:
    """Outputs as the source has them: those of graded populations are sent in whole units."""
    units = {p.name: p.unit for p in qc.populations if p.neuron.emits is Emits.GRADED}
    return {name: v * units[name] if name in units else v for name, v in outputs.items()}


def downstream(circuit: Circuit, changed: Collection[str]) -> frozenset[str]:
    """The places that are changed, and all populations that hear of them."""
    found = set(changed)
    for p in circuit.populations:
        if any(found.intersection(q.sources) for q in circuit.into(p.name)):
            found.add(p.name)
    return frozenset(found)
