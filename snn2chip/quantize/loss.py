"""What rounding did to one population, as lines of text; none where nothing changed."""

from collections.abc import Iterable

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.neuron import Compare, Emits, Reset
from snn2chip.quantize.graded import zero_bits
from snn2chip.quantize.grid import power
from snn2chip.quantize.population import Quantized
from snn2chip.quantize.weights import restored


def loss(q: Quantized) -> tuple[str, ...]:
    """One line for each kind of number that was rounded: how many, the largest error, and the largest magnitude of all.

    Both are in the source's own units. Several thresholds of a neuron are levels 1, 2, ...
    """
    lines = (*_weights(q), *_bias(q), *_thresholds(q), *_decay(q), *_gain(q), *_outputs(q))
    return tuple(line for line in lines if line)


def _weights(q: Quantized) -> Iterable[str]:
    for s, p in zip(q.facts.synapses, q.projections, strict=True):
        error = np.abs(restored(p.weight, q.scales.weight_x + p.exponent) - s.weight)
        yield _line(f"weights of {p.name}", error, s.weight)


def _bias(q: Quantized) -> Iterable[str]:
    bias = q.facts.population.bias
    error = np.abs(q.built.bias * _unit(q) - bias)
    yield _line("biases", error, bias)


def _thresholds(q: Quantized) -> Iterable[str]:
    """Where the membrane keeps its grid, θ on or off it makes no difference; elsewhere it moves by less than a unit."""
    n = q.facts.population.neuron
    if n.emits not in (Emits.SPIKE, Emits.MULTISPIKE):
        return
    step = 1 if n.compare is Compare.GREATER_EQUAL else 0
    noticed = ~q.scales.exact | (q.built.coarse > 0)
    which = [f" of level {k}" if len(n.levels) > 1 else "" for k in range(1, len(n.levels) + 1)]
    for level, real, whole in zip(which, n.levels, q.built.neuron.levels, strict=True):
        error = np.abs((whole + step) * _unit(q) - real) * noticed[:, None, None]
        yield _line(f"thresholds{level}", error, real)
    if n.reset is Reset.SUBTRACT:
        for level, real, whole in zip(which, n.levels, q.built.neuron.amounts, strict=True):
            yield _line(f"reset amounts{level}", np.abs(whole * _unit(q) - real), real)
    if n.v_min is not None and q.built.neuron.v_min is not None:
        floor = q.built.neuron.v_min * float(_unit(q).flat[0])
        yield _line("floor", np.abs(np.asarray([floor - n.v_min])), np.asarray([n.v_min]))


def _decay(q: Quantized) -> Iterable[str]:
    n = q.facts.population.neuron
    if n.emits is Emits.GRADED:
        return
    kept = (4096 - q.built.neuron.delta) / 4096
    forgotten = (n.decay == 0) & (int(q.reach.membrane.magnitude.max()) < 4096)
    yield _line("decays", np.where(forgotten, 0.0, np.abs(kept - n.decay)), n.decay)
    cut = ~q.scales.exact[:, None, None] & (n.decay > 0) & (n.decay < 1)
    if cut.any():
        yield f"membranes: cut to whole units, of up to {_unit(q).max():.3g}, at every decay"


def _gain(q: Quantized) -> Iterable[str]:
    gain, whole = q.facts.population.neuron.gain, q.built.neuron.gain
    if gain is None or whole is None:
        return
    s = q.scales
    worth = power(s.x - s.weight_x - s.gain_shift)[:, None, None]
    yield _line("gains", np.abs(whole * worth - gain), gain)


def _outputs(q: Quantized) -> Iterable[str]:
    sent = q.built.neuron.graded_shift
    if sent > zero_bits(q.scales, q.built):
        yield f"outputs: sent in multiples of {q.population.unit:.3g}, which is {2**sent} units of the membrane"


def _unit(q: Quantized) -> FloatArray:
    return power(q.scales.x - q.scales.fraction_bits)[:, None, None]


def _line(what: str, error: FloatArray, real: FloatArray) -> str:
    if not error.any():
        return ""
    count, largest = int((error > 0).sum()), float(np.abs(real).max())
    return (
        f"{what}: {count:,} of {error.size:,} rounded, "
        f"largest error {error.max():.3g}, largest magnitude {largest:.3g}"
    )
