"""Which operators compute each projection exactly, proved from the largest sums that its weights can reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from onnx import TensorProto

from snn2chip.circuit.types import INPUT, Conv
from snn2chip.errors import StatementError
from snn2chip.quantize.ranges import Reach, input_bounds, reaches
from snn2chip.quantize.sums import Bounds, joined, sums
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation, QuantizedProjection

FLOAT32 = 1 << 24
"""Below it every whole number is a float32, and sums of them are exact in any order."""

INT32 = 1 << 31
INT64 = 1 << 62
"""Sums are refused from here on: one bit below what int64 holds."""


class Way(Enum):
    """FLOAT: Conv or MatMul of float32 that carry integers. BYTES: ConvInteger. WIDE: MatMul of int64."""

    FLOAT = "float32"
    BYTES = "ConvInteger"
    WIDE = "int64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to compute a projection; `low`, `high`: what the sum of its sources can be."""

    way: Way
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Projection name -> plan; source -> (lowest, highest) output."""

    plans: Mapping[str, Plan]
    outputs: Mapping[str, tuple[int, int]]


def widths(qc: QuantizedCircuit, *, floats: bool = True) -> Widths:
    """Operators and types for every projection and output. `floats` False: no projection is computed in floats.

    Errors: StatementError `onnx-width` where a number can leave 64 bits.
    """
    found = reaches(qc)
    outputs = {INPUT: input_bounds(qc.input), **{name: r.output for name, r in found.items()}}
    shapes = {INPUT: qc.input.shape, **{p.name: p.shape for p in qc.populations}}
    plans: dict[str, Plan] = {}
    for p in qc.populations:
        current = 0.0
        for projection in qc.into(p.name):
            source = joined([outputs[s] for s in projection.sources])
            # In floats: a bound that leaves int64 must not wrap.
            rough = Bounds(low=source.low * 1.0, high=source.high * 1.0)  # type: ignore[arg-type]
            weight = projection.weight.astype(np.float64)
            total = sums(projection.kernel, weight, rough, shapes[projection.sources[0]])
            largest = float(total.partial.max(initial=0.0))
            current += largest * 2.0**projection.exponent
            low, high = int(source.low.min()), int(source.high.max())
            way = _way(projection, max(largest, high, -low), low, high, floats)
            plans[projection.name] = Plan(way=way, low=low, high=high)
        _refuse_overflow(p, found[p.name], current, qc.v_limit)
    extremes = {n: (int(b.low.min()), int(b.high.max())) for n, b in outputs.items()}
    return Widths(plans=plans, outputs=extremes)


def narrowest(low: int, high: int) -> int:
    """The ONNX type of values from `low` to `high`: uint8, else int32, else int64."""
    if low >= 0 and high <= 255:
        return TensorProto.UINT8
    return TensorProto.INT32 if max(high, -low) < INT32 else TensorProto.INT64


def _way(p: QuantizedProjection, largest: float, low: int, high: int, floats: bool) -> Way:
    if floats and largest < FLOAT32:
        return Way.FLOAT
    if not isinstance(p.kernel, Conv) or largest >= INT32:
        return Way.WIDE
    return Way.BYTES if _byte(low, high) and _byte(*extremes(p)) else Way.WIDE


def extremes(p: QuantizedProjection) -> tuple[int, int]:
    """(smallest, largest) weight."""
    return int(p.weight.min(initial=0)), int(p.weight.max(initial=0))


def _byte(low: int, high: int) -> bool:
    return (low >= 0 and high <= 255) or (low >= -128 and high <= 127)


def _refuse_overflow(p: QuantizedPopulation, reach: Reach, current: float, v_limit: int) -> None:
    n = p.neuron
    gain = 1.0 if n.gain is None else float(np.abs(n.gain).max(initial=0))
    drive = current * gain * 2.0**p.fraction_bits + float(np.abs(p.bias).max(initial=0))
    amount = max(float(np.abs(a).max(initial=0)) for a in n.amounts)
    owed = amount * max(float(reach.output.high.max(initial=0)), 1.0)
    largest = max(drive + v_limit + owed, v_limit * 4096.0)
    if largest >= INT64:
        raise StatementError(
            "onnx-width",
            p.name,
            "its current or membrane can leave the 64 bits of ONNX's largest integers",
            have=f"2^{np.log2(largest):.1f}",
            need="less than 2^62",
            help="use fewer fraction bits, or smaller weights",
        )
