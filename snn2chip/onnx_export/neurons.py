"""One step of a population as standard operators on int64: the equations of docs/arithmetic.md."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from snn2chip.arrays import IntArray
from snn2chip.neuron import Emits, Reset
from snn2chip.onnx_export.graph import INT64, Graph
from snn2chip.quantize.types import IntegerNeuron, QuantizedPopulation

ONE = 4096
"""A decay δ keeps (4096 - δ) / 4096."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """Names of the values after a step; `output` is empty for a read-out."""

    states: tuple[str, ...]
    output: str


def states(p: QuantizedPopulation) -> tuple[str, ...]:
    """What the population remembers: a membrane for each level, then what late resets owe."""
    levels = range(len(p.neuron.levels))
    owed = [f"owed/{p.name}/{k}" for k in levels] if _owes(p.neuron) else []
    return (*(f"membrane/{p.name}/{k}" for k in levels), *owed)


def stepped(
    g: Graph, p: QuantizedPopulation, a: str, before: Sequence[str], step: str, v_limit: int
) -> Stepped:
    """Step number `step` (a value, int64 scalar) from the sums `a` and the states `before`."""
    n, levels = p.neuron, len(p.neuron.levels)
    drive = _drive(g, p, a, step)
    after: list[str] = []
    owed: list[str] = []
    output = ""
    for k in range(levels):
        u = _decayed(g, n, before[k])
        if _owes(n):
            u = g.add("Sub", u, before[levels + k])
        u = g.add("Add", u, drive)
        u = g.add("Clip", u, g.constant(-v_limit), g.constant(v_limit))
        spikes, v, debt = _fired(g, n, u, k)
        after.append(v)
        owed += [debt] if _owes(n) else []
        if spikes:
            output = g.add("Add", output, spikes) if output else spikes
    return Stepped(states=(*after, *owed), output=output)


def _owes(n: IntegerNeuron) -> bool:
    fires = n.emits in (Emits.SPIKE, Emits.MULTISPIKE)
    return fires and n.late_reset and n.reset is Reset.SUBTRACT


def _drive(g: Graph, p: QuantizedPopulation, a: str, step: str) -> str:
    """(c << f) + b[t]."""
    n = p.neuron
    if n.gain is not None:
        product = g.add("Mul", a, _at(g, n.gain, step))
        # Div truncates toward zero, as the shift does.
        a = g.add("Div", product, g.constant(1 << n.gain_shift))
    if p.fraction_bits:
        a = g.add("Mul", a, g.constant(1 << p.fraction_bits))
    return g.add("Add", a, _at(g, p.bias, step)) if p.bias.any() else a


def _at(g: Graph, values: IntArray, step: str) -> str:
    table = g.constant(values)
    return g.add("Gather", table, step, axis=0) if values.ndim == 4 else table


def _decayed(g: Graph, n: IntegerNeuron, v: str) -> str:
    """Toward zero, as Div of integers does."""
    if not n.delta.any():
        return v
    kept = g.add("Mul", v, g.constant(ONE - n.delta))
    return g.add("Div", kept, g.constant(ONE))


def _fired(g: Graph, n: IntegerNeuron, u: str, level: int) -> tuple[str, str, str]:
    """(output, membrane, owed) of one level; empty names where there is none."""
    if n.emits is Emits.NOTHING:
        return "", g.add("Identity", u), ""
    if n.emits is Emits.GRADED:
        return _half_even(g, u, n.graded_shift), g.add("Mul", u, g.constant(0)), ""
    if n.emits is Emits.MULTISPIKE:
        reached = u if n.multispike_ge else g.add("Sub", u, g.constant(1))
        positive = g.add("Max", reached, g.constant(0))
        spikes = g.add("Div", positive, g.constant(1 << n.multispike_shift))
    else:
        spikes = g.add("Cast", g.add("Greater", u, g.constant(n.levels[level])), to=INT64)
    v, owed = _reset(g, n, u, spikes, level)
    v = v if n.v_min is None else g.add("Max", v, g.constant(n.v_min))
    return spikes, v, owed


def _reset(g: Graph, n: IntegerNeuron, u: str, spikes: str, level: int) -> tuple[str, str]:
    if n.reset is Reset.NONE:
        return g.add("Identity", u), ""
    if n.reset is Reset.ZERO:
        fires = g.add("Greater", spikes, g.constant(0))
        return g.add("Where", fires, g.constant(0), u), ""
    amount = g.add("Mul", spikes, g.constant(n.amounts[level]))
    if n.late_reset:
        return g.add("Identity", u), amount
    return g.add("Sub", u, amount), ""


def _half_even(g: Graph, v: str, bits: int) -> str:
    """Quotient v / 2^bits, to the nearest integer, halves to the even one.

    With v = down · 2^bits + rest, it is down + 1 exactly where 2 · rest + (down odd) > 2^bits.
    """
    if not bits:
        return g.add("Identity", v)
    one = g.constant(1 << bits)
    rest = g.add("Mod", v, one)
    down = g.add("Div", g.add("Sub", v, rest), one)
    odd = g.add("Mod", down, g.constant(2))
    twice = g.add("Add", g.add("Mul", rest, g.constant(2)), odd)
    return g.add("Add", down, g.add("Cast", g.add("Greater", twice, one), to=INT64))


def narrowed(g: Graph, output: str, kind: int, name: str) -> str:
    """The output under its own name, in the type that holds it."""
    if kind == TensorProto.INT64:
        return g.add("Identity", output, output=name)
    return g.add("Cast", output, to=kind, output=name)


def unit(p: QuantizedPopulation) -> np.ndarray:
    """Worth of one membrane unit of each channel, [C, 1, 1]."""
    return p.scale[:, None, None] / 2.0**p.fraction_bits
