"""Where plain float32 code must fire the chip's spikes: a proof from the numbers of a quantized circuit."""

from dataclasses import replace

import numpy as np

import snn2chip.fixed as fixed
from snn2chip.arrays import FloatArray, IntArray, floats
from snn2chip.circuit.types import Circuit, Population, Role
from snn2chip.errors import StatementError
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.grid import is_power_of_two
from snn2chip.quantize.ranges import Range, ranges
from snn2chip.quantize.twin import twin
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation

MANTISSA = 1 << 24
"""Integers up to 2^24, times a power of two, are exact in float32, and so is every partial sum below it."""


def equal_in_float32(qc: QuantizedCircuit) -> tuple[bool, str]:
    """(proved, reason): whether the twin checkpoint in float32 equals the integers for every input.

    Every sum and membrane must stay under 2^24 membrane units and reach no clip, and a decay must be 2^-m that loses no
    bit in T steps, or forget everything (4095 of small membranes); scales must be powers of two. No bit is lost where
    2^(m·(T - 1)) divides all that is added to a membrane: currents << f, biases, what a spike subtracts.
    """
    bounds = ranges(qc)
    for p in qc.populations:
        if p.neuron.emits is Emits.NOTHING or p.origin.role is Role.GATE:
            continue  # not compared; or logic on 0/1, which is a product or a maximum in the source's code
        why = _rounds(p, bounds[p.name], qc.steps)
        if why:
            return False, f"{p.name}: {why}"
    return True, "proved: every sum stays under 2^24 units and no decay rounds"


def float32_twin(qc: QuantizedCircuit) -> Circuit:
    """The twin with nothing left to round: code in float32 that runs it as it stands fires the chip's spikes.

    Also code that keeps u = (1 - d)·v and adds (1 - d)·(x - u), as norse does. Where no bit is lost in d = 2^-m, u and
    x - u are whole, and what (1 - d) = (2^m - 1)/2^m makes of them fits if (|x| + |v|)·(2^m - 1) stays under 2^24.
    Errors: StatementError `float32-twin` where it is not proved.
    """
    if not is_power_of_two(np.array([qc.input.scale])):
        raise _unproved("input", "its scale is no power of two")
    bounds, plain = ranges(qc), twin(qc)
    populations: list[Population] = []
    for p, real in zip(qc.populations, plain.populations, strict=True):
        bound = bounds[p.name]
        largest = max(-bound.low, bound.high)
        why = _rounds(p, bound, qc.steps)
        decay = real.neuron.decay
        if not why and _forgets(p.neuron.delta, largest):
            decay = floats(np.zeros((1, 1, 1)))
        sums = (bound.partial << p.fraction_bits) + int(np.abs(p.bias).max(initial=0))
        if not why and max(sums, (sums + largest) * _odd_part(decay)) >= MANTISSA:
            why = "sums may reach 2^24 of the units that float32 needs"
        if why:
            raise _unproved(p.name, why)
        populations.append(replace(real, neuron=replace(real.neuron, decay=decay, rounding=None)))
    return replace(plain, populations=tuple(populations))


def _unproved(where: str, why: str) -> StatementError:
    return StatementError("float32-twin", where, f"float32 may not fire the chip's spikes: {why}")


def _odd_part(decay: FloatArray) -> int:
    """The largest 2^m - 1 of the decays 2^-m; 0 where everything is kept or forgotten."""
    return int(np.where(decay == 0, 0.0, 1 / np.where(decay == 0, 1.0, decay) - 1).max())


def _rounds(p: QuantizedPopulation, bound: Range, steps: int) -> str:
    """Why float32 may differ from the integers of `p`; empty where it cannot."""
    if not is_power_of_two(p.scale):
        return "its scales are no powers of two"
    if max(-bound.low, bound.high, bound.partial << p.fraction_bits) >= MANTISSA:
        return "sums may reach 2^24 membrane units"
    if not bound.proved:
        return "its membrane may reach the chip's limit and be clipped"
    if _forgets(p.neuron.delta, max(-bound.low, bound.high)):
        return ""
    if p.neuron.delta.any() and not _exact_decay(p, steps):
        return "its decay rounds"
    return ""


def _forgets(delta: IntArray, largest: int) -> bool:
    """Whether 1/4096 of every membrane is 0: what a decay of 0 becomes on the chip."""
    return bool((delta == fixed.DECAY_ONE - 1).all()) and largest < fixed.DECAY_ONE


def _exact_decay(p: QuantizedPopulation, steps: int) -> bool:
    n = p.neuron
    kept = fixed.DECAY_ONE - n.delta
    m = fixed.DECAY_BITS - np.round(np.log2(kept)).astype(np.int64)
    shifted = int(m.max()) * (steps - 1)
    if (kept << m != fixed.DECAY_ONE).any() or shifted > p.fraction_bits:
        return False
    added = (p.bias, *n.amounts) if n.reset is Reset.SUBTRACT else (p.bias,)
    return not any((a % (1 << shifted)).any() for a in added)
