"""One population in integers: scales, weights, neurons, and what rounding did."""

from dataclasses import dataclass

import numpy as np

from snn2chip import fixed
from snn2chip.arrays import FloatArray, IntArray, floats, ints
from snn2chip.circuit.types import Circuit, Population
from snn2chip.neuron import Emits
from snn2chip.quantize.facts import Facts, Method, Sources, facts
from snn2chip.quantize.gains import choose_gained_scales, gain_units
from snn2chip.quantize.graded import payload_shift
from snn2chip.quantize.grid import power
from snn2chip.quantize.neurons import Built, build
from snn2chip.quantize.ranges import Reach, currents, reach_of
from snn2chip.quantize.scales import MEMORYLESS, Scales, choose_scales, limit_of
from snn2chip.quantize.types import (
    IntegerNeuron,
    QuantizedPopulation,
    QuantizedProjection,
    Widths,
)
from snn2chip.quantize.weights import rounded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantized:
    """A population in integers, with how it came about."""

    facts: Facts
    scales: Scales
    built: Built
    population: QuantizedPopulation
    projections: tuple[QuantizedProjection, ...]
    reach: Reach


def quantize_population(
    circuit: Circuit, p: Population, sources: Sources, widths: Widths, method: Method, free: bool
) -> Quantized:
    """`p` and its projections in integers, given what the populations before it send."""
    f = facts(circuit, p, sources, widths.weight_bits, method, free)
    gained = p.neuron.gain is not None
    s = choose_gained_scales(f, widths, free) if gained else choose_scales(f, widths, free)
    gain = gain_units(s) if gained else None
    projections = tuple(_projection(f, s, i, widths) for i in range(len(f.synapses)))
    drive = currents(projections, p.shape[0], sources.bounds, sources.shapes)

    def reach(built: Built) -> Reach:
        return reach_of(_population(p, s, built), drive, circuit.steps, limit_of(widths))

    built = build(p, s.x, s.fraction_bits, widths, gain=gain)
    if widths.threshold_step > 1 or p.neuron.emits is Emits.GRADED:
        free_reach = reach(built)
        built = build(
            p,
            s.x,
            s.fraction_bits,
            widths,
            gain=gain,
            granularity=granularity(projections, built, s.fraction_bits, free_reach),
            graded_shift=payload_shift(circuit, f, s, built, free_reach, widths),
        )
    return Quantized(
        facts=f,
        scales=s,
        built=built,
        population=_population(p, s, built),
        projections=projections,
        reach=reach(built),
    )


def _projection(f: Facts, s: Scales, number: int, widths: Widths) -> QuantizedProjection:
    synapses, exponent = f.synapses[number], s.exponents[number]
    weight = rounded(synapses.weight, s.weight_x + exponent, widths.weight_bits)
    p = synapses.projection
    return QuantizedProjection(
        name=p.name,
        sources=p.sources,
        target=p.target,
        kernel=p.kernel,
        weight=weight,
        exponent=exponent,
        bits=fixed.signed_bits(int(weight.min(initial=0)), int(weight.max(initial=0))),
    )


def granularity(
    projections: tuple[QuantizedProjection, ...], built: Built, fraction_bits: int, reach: Reach
) -> IntArray:
    """[C]: membranes are always multiples of it. 1 where a decay or a gain may leave anything."""
    n = built.neuron
    channels = len(n.delta)
    if n.gain is not None or not _keeps_or_forgets(n, reach):
        return ints(np.ones(channels, np.int64))
    divisors = [
        fixed.shift_left(_divisor(p.weight, channels), p.exponent + fraction_bits)
        for p in projections
    ]
    divisors += [_divisor(_channels_first(x), channels) for x in (built.bias, *n.amounts)]
    if n.v_min is not None:
        divisors.append(np.full(channels, abs(n.v_min)))
    return ints(np.maximum(np.gcd.reduce(divisors, axis=0), 1))


def _keeps_or_forgets(n: IntegerNeuron, reach: Reach) -> bool:
    """Whether a decay leaves all of every membrane, or nothing of it."""
    if not n.delta.any():
        return True
    all_of_it = bool((n.delta == fixed.DECAY_ONE - 1).all())
    return all_of_it and int(reach.membrane.magnitude.max()) < MEMORYLESS


def _channels_first(values: IntArray) -> IntArray:
    return values if values.ndim == 3 else values.swapaxes(0, 1)


def _divisor(values: IntArray, channels: int) -> IntArray:
    return np.gcd.reduce(values.reshape(channels, -1), axis=1)


def _population(p: Population, s: Scales, built: Built) -> QuantizedPopulation:
    return QuantizedPopulation(
        name=p.name,
        shape=p.shape,
        neuron=built.neuron,
        bias=built.bias,
        fraction_bits=s.fraction_bits,
        scale=floats(power(s.x)),
        unit=output_unit(p, s.x, s.fraction_bits, built),
        origin=p.origin,
    )


def output_unit(p: Population, x: FloatArray, fraction_bits: int, built: Built) -> float:
    """What one unit of the output is worth: 1 for spikes, 2^p membrane units where the membrane itself is sent."""
    if p.neuron.emits is not Emits.GRADED:
        return 1.0
    return float(power(x[0] - fraction_bits + built.neuron.graded_shift))
