"""How the input reaches the chip: the coding that was asked for, if it fits, else the first that does; values stay."""

from dataclasses import dataclass

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.program import Coding
from snn2chip.chip.target import Target
from snn2chip.chip.wiring import fed_by_input
from snn2chip.circuit.types import INPUT, Dense, InputKind
from snn2chip.errors import StatementError
from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation

ORDER = (Coding.BIAS, Coding.HOST, Coding.GRADED, Coding.EVENTS)
EVENTS_MAX = 15
"""The largest pixel that is sent as unit spikes: a pixel of n costs n messages in every step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Why a coding cannot be used."""

    where: str
    why: str
    need: str = ""
    have: str = ""


def choose_coding(qc: QuantizedCircuit, target: Target, coding: Coding | None = None) -> Coding:
    """`coding` if it fits, or (None) the first of `ORDER` that fits.

    Errors: StatementError map-coding where it, or all of them, do not fit.
    """
    if coding is not None:
        misfit = misfit_of(qc, target, coding)
        if misfit is None:
            return coding
        raise _refused(
            misfit, f"coding {coding.value}: {misfit.why}", "leave the coding to the mapper"
        )
    misfits = {c: misfit_of(qc, target, c) for c in ORDER}
    for c, misfit in misfits.items():
        if misfit is None:
            return c
    reasons = "; ".join(f"{c.value}: {m.why}" for c, m in misfits.items() if m is not None)
    raise StatementError("map-coding", INPUT, f"no coding brings the input to the chip ({reasons})")


def misfit_of(qc: QuantizedCircuit, target: Target, coding: Coding) -> Misfit | None:
    """Why `coding` cannot be used, or None."""
    match coding:
        case Coding.BIAS:
            return _bias(qc, target)
        case Coding.HOST:
            return _host(qc, target)
        case Coding.GRADED:
            return _graded(qc, target)
        case Coding.EVENTS:
            return _events(qc)


def bias_range(qc: QuantizedCircuit, population: str) -> tuple[int, int]:
    """Smallest and largest bias of a neuron of `population`, the host's part included, for any input.

    (W · x) << e << f over its projections from the input, plus its own bias. Zero padding leaves out terms of a sum; as
    zero lies between the smallest and the largest pixel, borders never exceed the bounds of the whole sum.
    """
    p = qc.population(population)
    low_pixel, high_pixel = min(qc.input.low, 0), max(qc.input.high, 0)
    low = high = np.zeros((1, 1, 1), np.int64)
    for q in qc.into(population):
        times = q.sources.count(INPUT) << q.exponent << p.fraction_bits
        positive, negative = _signed_sums(q.weight, q.kernel, qc.input.shape, p)
        high = high + times * (positive * high_pixel + negative * low_pixel)
        low = low + times * (positive * low_pixel + negative * high_pixel)
    return int((low + p.bias).min()), int((high + p.bias).max())


def _signed_sums(
    weight: IntArray, kernel: object, shape: tuple[int, int, int], p: QuantizedPopulation
) -> tuple[IntArray, IntArray]:
    """(sum of positive weights, of negative ones) of each neuron, as [C, 1, 1] or [C, H, W]."""
    repeated = shape[1] * shape[2] if isinstance(kernel, Dense) and kernel.pooled else 1
    rows = weight.reshape(len(weight), -1)
    sums = np.maximum(rows, 0).sum(1), np.minimum(rows, 0).sum(1)
    per = p.shape if isinstance(kernel, Dense) else (len(weight), 1, 1)
    return sums[0].reshape(per) * repeated, sums[1].reshape(per) * repeated


def _bias(qc: QuantizedCircuit, target: Target) -> Misfit | None:
    if qc.input.kind is not InputKind.STATIC:
        return Misfit(
            where=INPUT, why="frames change from step to step; biases are set once for a sample"
        )
    half = 1 << (target.widths.bias_bits - 1)
    for name in fed_by_input(qc):
        if qc.population(name).neuron.gain is not None:
            return Misfit(where=name, why="a gain is applied to the current, not to the bias")
        low, high = bias_range(qc, name)
        if low < -half or high >= half:
            return Misfit(
                where=name,
                why="the first sums do not fit the bias field",
                need=f"{low}..{high}",
                have=f"{-half}..{half - 1}",
            )
    return None


def _host(qc: QuantizedCircuit, target: Target) -> Misfit | None:
    fed = fed_by_input(qc)
    for name in fed:
        p = qc.population(name)
        others = {s for q in qc.into(name) for s in q.sources} - {INPUT, *fed}
        if others:
            return Misfit(
                where=name,
                why=f"the host would need spikes of {sorted(others)[0]} back from the chip",
            )
        binary = p.neuron.emits is Emits.SPIKE and len(p.neuron.levels) == 1
        if not binary and not target.widths.graded:
            return Misfit(where=name, why="it sends integers, and the target's spikes are binary")
        if name == qc.readout.population:
            return Misfit(
                where=name,
                why="the host would run the read-out, and nothing would be left for the chip",
            )
    return None


def _graded(qc: QuantizedCircuit, target: Target) -> Misfit | None:
    if not target.widths.graded:
        return Misfit(where=INPUT, why="the target's spikes are binary")
    if qc.input.bits > target.widths.payload_bits:
        return Misfit(
            where=INPUT,
            why="a pixel does not fit the payload of a spike",
            need=f"{qc.input.bits} bits",
            have=f"{target.widths.payload_bits} bits",
        )
    return None


def _events(qc: QuantizedCircuit) -> Misfit | None:
    if qc.input.low < 0 or qc.input.high > EVENTS_MAX:
        return Misfit(
            where=INPUT,
            why="pixels are too large, or negative, to be sent as unit spikes",
            need=f"{qc.input.low}..{qc.input.high}",
            have=f"0..{EVENTS_MAX}",
        )
    return None


def _refused(misfit: Misfit, why: str, help: str) -> StatementError:
    return StatementError(
        "map-coding", misfit.where, why, need=misfit.need, have=misfit.have, help=help
    )
