"""Where plain float32 code must fire the chip's spikes: a proof from the numbers of a quantized circuit."""

import numpy as np

import snn2chip.fixed as fixed
from snn2chip.arrays import IntArray
from snn2chip.circuit.types import Role
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.ranges import ranges
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
        if not np.array_equal(np.exp2(np.round(np.log2(p.scale))), p.scale):
            return False, f"{p.name}: its scales are no powers of two"
        bound = bounds[p.name]
        if max(-bound.low, bound.high, bound.partial << p.fraction_bits) >= MANTISSA:
            return False, f"{p.name}: sums may reach 2^24 membrane units"
        if not bound.proved:
            return False, f"{p.name}: its membrane may reach the chip's limit and be clipped"
        if _forgets(p.neuron.delta, max(-bound.low, bound.high)):
            continue
        if p.neuron.delta.any() and not _exact_decay(p, qc.steps):
            return False, f"{p.name}: its decay rounds"
    return True, "proved: every sum stays under 2^24 units and no decay rounds"


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
