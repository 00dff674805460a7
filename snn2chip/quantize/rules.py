"""What a circuit asks of a target and what quantizing it cost, as findings."""

from collections.abc import Iterable

import numpy as np

from snn2chip.circuit.types import Population, Projection
from snn2chip.errors import Finding, Severity
from snn2chip.fixed import signed_bits
from snn2chip.neuron import Emits, Reset
from snn2chip.quantize.exponents import Flags
from snn2chip.quantize.facts import Sources
from snn2chip.quantize.neurons import compact
from snn2chip.quantize.population import Quantized
from snn2chip.quantize.scales import MEMORYLESS, bias_max, forgets, limit_of, threshold_max
from snn2chip.quantize.types import Widths

_NAMED = 4
"""Channels that a finding names; the others are counted."""


def features(p: Population, widths: Widths, target: str) -> Iterable[Finding]:
    """Errors where the target cannot do what the neurons of `p` do."""
    n = p.neuron
    fires = n.emits in (Emits.SPIKE, Emits.MULTISPIKE)
    graded = n.emits in (Emits.GRADED, Emits.MULTISPIKE)
    varies = any(x is not None and compact(x, p.shape).ndim == 4 for x in (p.bias, n.gain))
    maps = compact(p.bias, p.shape).shape[-2:] != (1, 1)
    asked = (
        (
            "subtract",
            fires and n.reset is Reset.SUBTRACT and not widths.subtract_reset,
            "reset by subtraction",
        ),
        ("graded", graded and not widths.graded, "outputs that are numbers"),
        ("levels", len(n.levels) > 1 and not widths.levels, "several thresholds in one neuron"),
        ("per-step", varies and not widths.per_step, "biases or gains that change with the step"),
        (
            "gain",
            n.gain is not None and not widths.gain_bits,
            "a gain between weights and membrane",
        ),
        ("bias-map", maps and not widths.per_neuron_bias, "a bias of its own for every neuron"),
    )
    for name, missing, what in asked:
        if missing:
            yield Finding(
                code=f"feature-{name}",
                severity=Severity.ERROR,
                where=p.origin.key,
                why=f"needs {what}, which {target} does not have",
                help="choose another target",
            )


def units(p: Projection, sources: Sources) -> Iterable[Finding]:
    """An error where summands of a join are worth different amounts."""
    found = {sources.units[s] for s in p.sources}
    if len(found) > 1:
        yield Finding(
            code="join-units",
            severity=Severity.ERROR,
            where=p.name,
            why="its summands have different units: " + ", ".join(p.sources),
            have=", ".join(f"{u:g}" for u in sorted(found)),
            need="one unit",
        )


def costs(q: Quantized, widths: Widths) -> Iterable[Finding]:
    """What a population lost, or cannot do, once it is in integers."""
    yield from _range(q, widths)
    yield from _membrane(q, widths)
    yield from _payload(q, widths)
    yield from _multispike(q)
    yield from _coarse(q, widths)
    yield from dead(q)


def dead(q: Quantized) -> Iterable[Finding]:
    """Thresholds above everything that the membrane can reach."""
    p = q.population
    if p.neuron.emits not in (Emits.SPIKE, Emits.MULTISPIKE):
        return
    silent = q.reach.output.high == 0
    if silent.all():
        yield Finding(
            code="dead-layer",
            severity=Severity.ERROR,
            where=p.origin.key,
            why="no neuron can ever fire: every threshold is above the largest reachable membrane",
            have=f"{int(q.reach.membrane.high.max())}",
            need=f"over {int(min(x.min() for x in p.neuron.levels))}",
        )
    elif silent.any():
        yield Finding(
            code="dead-channel",
            severity=Severity.WARNING,
            where=p.origin.key,
            why=f"{_channels(silent)} can never fire",
        )


def _range(q: Quantized, widths: Widths) -> Iterable[Finding]:
    s, p = q.scales, q.population
    lost = s.lost >= 1
    if lost.any():
        yield Finding(
            code="range",
            severity=Severity.WARNING,
            where=p.origin.key,
            why=f"weights of {_channels(lost)} lose up to {int(s.lost.max())} bits: "
            "no finer scale holds thresholds, biases, currents and shortcuts",
            need=f"|θ| <= {threshold_max(widths)}, |bias| <= {bias_max(widths)}, |current| <= {limit_of(widths)}",
        )
    if s.broken:
        yield Finding(
            code="range",
            severity=Severity.WARNING,
            where=p.origin.key,
            why=f"{s.broken} weights of identity shortcuts into {p.name} are not whole at the scale of their channel",
            have=f"exponents {', '.join(map(str, s.exponents))}",
            need=f"exponents up to {widths.exponent_max} and {widths.weight_bits} bits",
        )
    current = int(np.maximum(-q.reach.current.low, q.reach.current.high).max())
    shifted = current * 2**p.fraction_bits if p.neuron.gain is None else current
    if not s.fits or max(shifted, _gained(q)) > limit_of(widths):
        yield Finding(
            code="current-overflow",
            severity=Severity.ERROR,
            where=p.origin.key,
            why="the sum of the inputs can leave the range of the target at every scale",
            have=f"{max(shifted, _gained(q))}",
            need=f"at most {limit_of(widths)}",
        )


def _gained(q: Quantized) -> int:
    """Largest |c << f| of a population with gain."""
    gain = q.population.neuron.gain
    if gain is None:
        return 0
    magnitude = np.maximum(np.abs(q.reach.current.low), q.reach.current.high)[:, None, None]
    c = (np.abs(gain) * magnitude).max() / 2.0**q.population.neuron.gain_shift
    return int(c * 2**q.population.fraction_bits)


def _membrane(q: Quantized, widths: Widths) -> Iterable[Finding]:
    p = q.population
    reached = int(q.reach.membrane.magnitude.max())
    if reached > limit_of(widths):
        yield Finding(
            code="range",
            severity=Severity.NOTE,
            where=p.origin.key,
            why="the membranes are not proved to stay in range for every input; engines clip them alike",
            have=f"up to {reached}",
            need=f"at most {limit_of(widths)}",
        )
    if forgets(q.facts.population.neuron) and reached >= MEMORYLESS:
        yield Finding(
            code="forget",
            severity=Severity.WARNING,
            where=p.origin.key,
            why="a decay of 0 becomes 1/4096, and the membranes are not proved to stay below that",
            have=f"up to {reached}",
            need=f"below {MEMORYLESS}",
        )
    decay = q.facts.population.neuron.decay
    if (decay > 1).any() or (decay < 0).any():
        yield Finding(
            code="decay",
            severity=Severity.ERROR,
            where=p.origin.key,
            why=f"{p.name} has decays that a chip cannot do",
            have=f"{decay.min():g}..{decay.max():g}",
            need="0..1",
        )


def _payload(q: Quantized, widths: Widths) -> Iterable[Finding]:
    low, high = int(q.reach.output.low.min()), int(q.reach.output.high.max())
    bits = signed_bits(low, high)
    if widths.graded and (low < 0 or high > 1) and bits > widths.payload_bits:
        yield Finding(
            code="payload",
            severity=Severity.ERROR,
            where=q.population.origin.key,
            why=f"the outputs of {q.population.name} can be larger than a spike's payload",
            have=f"{low}..{high}, {bits} bits",
            need=f"{widths.payload_bits} bits",
        )


def _multispike(q: Quantized) -> Iterable[Finding]:
    f = q.facts
    if f.population.neuron.emits is not Emits.MULTISPIKE:
        return
    unit = q.population.scale / 2.0**q.population.fraction_bits
    ratio = f.population.neuron.threshold / unit[:, None, None]
    if not np.allclose(ratio, 2.0**q.population.neuron.multispike_shift, rtol=1e-12, atol=0.0):
        yield Finding(
            code="multispike-threshold",
            severity=Severity.ERROR,
            where=q.population.origin.key,
            why=f"the thresholds of {q.population.name} are not one power of two in units of the membrane",
            have=f"{ratio.min():g}..{ratio.max():g}",
            need="2^k",
            help="use free scales, or a network whose thresholds are powers of two",
        )


def _coarse(q: Quantized, widths: Widths) -> Iterable[Finding]:
    moved = q.built.coarse > 0
    if moved.any():
        yield Finding(
            code="threshold-step",
            severity=Severity.WARNING,
            where=q.population.origin.key,
            why=f"thresholds of {_channels(moved)} are rounded to the target's step, "
            "and membranes can tell the difference",
            have=f"moved by up to {int(q.built.coarse.max())}",
            need=f"multiples of {widths.threshold_step}",
        )


def _channels(which: Flags) -> str:
    found = [int(c) for c in np.flatnonzero(which)]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    word = "channel" if len(found) == 1 else "channels"
    return f"{word} {', '.join(map(str, found[:_NAMED]))}{more}"
