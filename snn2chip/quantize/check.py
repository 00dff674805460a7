"""Every number of a QuantizedCircuit is within the widths of its target."""

from collections.abc import Iterable

import numpy as np

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.errors import Finding, Severity
from snn2chip.neuron import Emits
from snn2chip.quantize.ranges import Range, ranges
from snn2chip.quantize.scales import limit_of, threshold_max
from snn2chip.quantize.types import (
    QuantizedCircuit,
    QuantizedPopulation,
    QuantizedProjection,
    Widths,
)


def check(qc: QuantizedCircuit, widths: Widths) -> tuple[Finding, ...]:
    """An ERROR `width` for each number that the target cannot hold, by population or projection."""
    bounds = ranges(qc)
    found: list[Finding] = []
    for p in qc.populations:
        found.extend(_population(p, bounds[p.name], widths))
    for projection in qc.projections:
        found.extend(_projection(projection, widths))
    return tuple(found)


def _population(p: QuantizedPopulation, reach: Range, widths: Widths) -> Iterable[Finding]:
    n = p.neuron
    most = threshold_max(widths)
    thresholds = n.levels if n.emits is Emits.SPIKE else ()
    off_step = any((x % widths.threshold_step).any() for x in thresholds)
    limit = limit_of(widths)
    shifted = max(-reach.current_low, reach.current_high) * (
        2**p.fraction_bits if n.gain is None else 1
    )
    payload = fixed.signed_bits(reach.output_low, reach.output_high)
    binary = reach.output_low >= 0 and reach.output_high <= 1
    rows = (
        (
            "thresholds",
            _largest(n.levels) <= most,
            f"|θ| up to {_largest(n.levels)}",
            f"at most {most}",
        ),
        (
            "reset amounts",
            _largest(n.amounts) <= most,
            f"up to {_largest(n.amounts)}",
            f"at most {most}",
        ),
        ("thresholds", not off_step, "off the step", f"multiples of {widths.threshold_step}"),
        (
            "biases",
            _bias_fits(p.bias, widths),
            f"up to {_largest((p.bias,))}",
            f"{widths.bias_bits} bits",
        ),
        ("decays", bool(((n.delta >= 0) & (n.delta < fixed.DECAY_ONE)).all()), "δ", "0..4095"),
        ("gains", _gain_fits(n.gain, widths), "too large", f"{widths.gain_bits} bits"),
        ("current", shifted <= limit, f"up to {shifted}", f"at most {limit}"),
        (
            "fraction bits",
            _fraction_fits(p.fraction_bits, widths),
            f"{p.fraction_bits}",
            f"{widths.fraction_bits}",
        ),
        (
            "outputs",
            binary or payload <= widths.payload_bits,
            f"{payload} bits",
            f"{widths.payload_bits} bits",
        ),
    )
    for what, holds, have, need in rows:
        if not holds:
            yield _error(p.name, f"{what} do not fit the target", have, need)


def _projection(p: QuantizedProjection, widths: Widths) -> Iterable[Finding]:
    bits = fixed.signed_bits(int(p.weight.min(initial=0)), int(p.weight.max(initial=0)))
    if bits != p.bits or bits > widths.weight_bits:
        yield _error(
            p.name, "weights do not fit the target", f"{bits} bits", f"{widths.weight_bits} bits"
        )
    if not 0 <= p.exponent <= widths.exponent_max:
        have, need = f"{p.exponent}", f"0..{widths.exponent_max}"
        yield _error(p.name, "exponent does not fit the target", have, need)


def _bias_fits(bias: IntArray, widths: Widths) -> bool:
    """Whether each bias is a mantissa of its bits, shifted by one of the exponents."""
    most = (1 << (widths.bias_bits - 1)) - 1
    fits = np.zeros(bias.shape, bool)
    for exponent in range(widths.bias_exponent_max + 1):
        step = 1 << exponent
        fits |= (bias % step == 0) & (np.abs(bias) <= most * step)
    return bool(fits.all())


def _gain_fits(gain: IntArray | None, widths: Widths) -> bool:
    return gain is None or fixed.signed_bits(int(gain.min()), int(gain.max())) <= widths.gain_bits


def _fraction_fits(bits: int, widths: Widths) -> bool:
    return (
        bits == widths.fraction_bits if widths.fraction_fixed else 0 <= bits <= widths.fraction_bits
    )


def _largest(arrays: tuple[IntArray, ...]) -> int:
    return max((int(np.abs(x).max(initial=0)) for x in arrays), default=0)


def _error(where: str, why: str, have: str, need: str) -> Finding:
    return Finding(
        code="width", severity=Severity.ERROR, where=where, why=why, have=have, need=need
    )
