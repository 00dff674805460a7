"""The input's grid: the first value that is quantized."""

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.circuit.types import InputKind, Shape
from snn2chip.errors import Snn2ChipError
from snn2chip.fixed import signed_bits
from snn2chip.inputs import InputData
from snn2chip.quantize.grid import finest_bit, log2_up, power, round_even
from snn2chip.quantize.types import QuantizedInput

EXACT_BITS = 16
"""Most bits that are spent to hold a sample exactly."""

ROUNDED_BITS = 8
"""Bits where that is not enough."""


def choose_input(
    shape: Shape,
    kind: InputKind,
    sample: InputData | None,
    bits: int | None = None,
    signed: bool | None = None,
) -> QuantizedInput:
    """The grid for inputs like `sample`; its scale is a power of two.

    The fewest bits (at most 16, or at most `bits`) that hold every value exactly; else `bits` (default 8) with
    the finest scale
    that holds the range. Signed where a value is negative, unless `signed` says otherwise. Without a sample:
    values in [0, 1).
    """
    if bits is not None and not 1 <= bits <= EXACT_BITS:
        raise Snn2ChipError(
            "option-value", "input bits", "out of range", have=str(bits), need=f"1..{EXACT_BITS}"
        )
    if sample is None:
        width = bits or ROUNDED_BITS
        low_bit = -(width - 1 if signed else width)
        return QuantizedInput(
            shape=shape, kind=kind, scale=2.0**low_bit, bits=width, signed=bool(signed)
        )
    values = _finite(sample)
    sign = bool((values < 0).any()) if signed is None else signed
    held = values if sign else np.maximum(values, 0.0)
    exact = _exact(held, sign)
    if exact is not None and exact[0] <= (bits or EXACT_BITS):
        width, scale = exact
        return QuantizedInput(shape=shape, kind=kind, scale=scale, bits=width, signed=sign)
    width = bits or ROUNDED_BITS
    scale = _covering(held, width, sign)
    return QuantizedInput(shape=shape, kind=kind, scale=scale, bits=width, signed=sign)


def quantize_input(q: QuantizedInput, inputs: InputData) -> tuple[InputData, float]:
    """(`inputs` as int64 on the grid, rounded half even and clipped to its range; the largest |difference|)."""
    values = _finite(inputs)
    integers = np.clip(np.rint(values / q.scale), q.low, q.high).astype(np.int64)
    error = float(np.abs(integers * q.scale - values).max(initial=0.0))
    integers.flags.writeable = False
    return InputData(kind=inputs.kind, values=integers), error


def dequantize_input(q: QuantizedInput, integers: InputData) -> InputData:
    """The real values of the grid's integers; float64."""
    values = integers.values * q.scale
    values.flags.writeable = False
    return InputData(kind=integers.kind, values=values)


def clipped_values(q: QuantizedInput, inputs: InputData) -> int:
    """How many values lie outside the grid's range, beyond rounding."""
    nearest = np.rint(_finite(inputs) / q.scale)
    return int(((nearest < q.low) | (nearest > q.high)).sum())


def _finite(inputs: InputData) -> FloatArray:
    values = np.asarray(inputs.values, np.float64)
    if not np.isfinite(values).all():
        raise Snn2ChipError(
            "input-value", "input", "holds values that are not finite", have="NaN or infinity"
        )
    return values


def _exact(values: FloatArray, signed: bool) -> tuple[int, float] | None:
    """(fewest bits, scale) that hold every value, or None where that takes more than 16."""
    grid = finest_bit(values).min(initial=np.inf)
    if not np.isfinite(grid):
        return 1, 1.0
    scale = float(power(grid))
    if max(values.max(), -values.min()) / scale > 1 << EXACT_BITS:
        return None
    whole = round_even(values / scale)
    bits = signed_bits(int(whole.min()), int(whole.max())) - (0 if signed else 1)
    return (bits, scale) if bits <= EXACT_BITS else None


def _covering(values: FloatArray, bits: int, signed: bool) -> float:
    """The finest power of two at which every value rounds into the range."""
    top = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    x = float(log2_up(max(high, -low))) - bits
    while np.rint(high / 2.0**x) > top or np.rint(low / 2.0**x) < -top - 1:
        x += 1
    return 2.0**x
