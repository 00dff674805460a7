"""Every parameter on its way to the chip: the float, the integer, and what the integer is worth."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.circuit.types import INPUT, Circuit, Population, Projection
from snn2chip.neuron import Compare, Emits, Reset
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation, QuantizedProjection
from snn2chip.report.data import LayerParameters, ParameterRow
from snn2chip.report.numbers import number, percent, powers, span

Array = NDArray[Any]

RESETS = {
    Reset.ZERO: "resets to 0",
    Reset.SUBTRACT: "subtracts its threshold",
    Reset.NONE: "does not reset",
}
EMITS = {
    Emits.SPIKE: "sends spikes",
    Emits.MULTISPIKE: "sends how often the threshold fits in",
    Emits.GRADED: "sends its membrane",
    Emits.NOTHING: "accumulates; the host reads it",
}


def parameters(circuit: Circuit, qc: QuantizedCircuit) -> tuple[LayerParameters, ...]:
    """All kinds of parameters of every population."""
    return tuple(
        LayerParameters(layer=q.name, neuron=_neuron(q), rows=tuple(_rows(circuit, qc, q)))
        for q in qc.populations
    )


def _neuron(q: QuantizedPopulation) -> str:
    n = q.neuron
    words = [EMITS[n.emits]]
    if n.emits in (Emits.SPIKE, Emits.MULTISPIKE):
        late = " in the next step" if n.late_reset else ""
        words.append(RESETS[n.reset] + late)
    words.append("decays" if n.delta.any() else "no decay")
    return ", ".join([*words, f"{q.fraction_bits} fraction bits"])


def _rows(circuit: Circuit, qc: QuantizedCircuit, q: QuantizedPopulation) -> Iterator[ParameterRow]:
    floats = {p.name: p for p in circuit.into(q.name)}
    for projection in qc.into(q.name):
        yield _weights(floats[projection.name], projection, q, _source_unit(qc, projection))
    p = circuit.population(q.name)
    if q.neuron.emits in (Emits.SPIKE, Emits.MULTISPIKE):
        yield from _thresholds(p, q)
    yield _row("bias", p.bias, q.bias, q.bias * _unit(q))
    if q.neuron.delta.any():
        kept = (4096 - q.neuron.delta) / 4096
        yield _row("decay (part kept; integer δ)", p.neuron.decay, q.neuron.delta, kept)
    if q.neuron.gain is not None and p.neuron.gain is not None:
        worth = q.neuron.gain / 2.0**q.neuron.gain_shift
        yield _row(f"gain (integer / 2^{q.neuron.gain_shift})", p.neuron.gain, q.neuron.gain, worth)
    if q.neuron.v_min is not None and p.neuron.v_min is not None:
        floor = np.array([q.neuron.v_min])
        yield _row("floor", np.array([p.neuron.v_min]), floor, floor * _unit(q).ravel()[:1])


def _weights(
    p: Projection, q: QuantizedProjection, target: QuantizedPopulation, source_unit: float
) -> ParameterRow:
    """Worth of a weight: integer · 2^exponent · scale of its channel, / worth of the source's 1."""
    scale = target.scale.reshape(-1, *(1,) * (q.weight.ndim - 1))
    effective = q.weight * scale * 2.0**q.exponent / source_unit
    exponent = f", exponent {q.exponent}" if q.exponent else ""
    note = f"{q.bits} bits, scale {powers(target.scale)}{exponent}"
    return replace(_row(f"weights of {q.name}", p.weight, q.weight, effective), note=note)


def _thresholds(p: Population, q: QuantizedPopulation) -> Iterator[ParameterRow]:
    """A membrane of integers fires above θ, that is from θ + 1 on: this is what a float `>=` is compared with."""
    n = q.neuron
    from_on = p.neuron.compare is Compare.GREATER_EQUAL
    word = "threshold (fires from)" if from_on else "threshold (fires above)"
    if n.emits is Emits.MULTISPIKE:
        yield from (
            _row("threshold", f, a, a * _unit(q))
            for f, a in zip(p.neuron.levels, n.amounts, strict=True)
        )
        return
    for i, (f, level) in enumerate(zip(p.neuron.levels, n.levels, strict=True)):
        integer = level + 1 if from_on else level
        which = f" {i + 1}" if len(n.levels) > 1 else ""
        yield _row(word.replace("threshold", f"threshold{which}"), f, integer, integer * _unit(q))
        if n.reset is Reset.SUBTRACT:
            yield _row(f"reset amount{which}", f, n.amounts[i], n.amounts[i] * _unit(q))


def _row(kind: str, original: Array, integer: Array, effective: Array) -> ParameterRow:
    error = np.abs(effective - original)
    largest, scale = float(error.max(initial=0.0)), float(np.abs(original).max(initial=0.0))
    return ParameterRow(
        kind=kind,
        count=integer.size,
        original=span(original),
        integer=span(integer),
        effective=span(effective),
        error="exact"
        if largest == 0
        else number(largest) + (f" ({percent(largest / scale)})" if scale else ""),
    )


def _unit(q: QuantizedPopulation) -> Array:
    """[C,1,1]: worth of one membrane unit."""
    return (q.scale / 2.0**q.fraction_bits)[:, None, None]


def _source_unit(qc: QuantizedCircuit, projection: QuantizedProjection) -> float:
    source = projection.sources[0]
    return qc.input.scale if source == INPUT else qc.population(source).unit
