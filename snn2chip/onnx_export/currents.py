"""Projections as standard operators: the sums a[t] of one population.

Values are [S, C, H, W]; S is N, or T and N folded into one batch.
"""

from typing import Any

import numpy as np
from onnx import TensorProto

from snn2chip.circuit.types import Conv, Dense, Shape
from snn2chip.onnx_export.graph import INT64, Graph
from snn2chip.onnx_export.widths import Plan, Way, extremes
from snn2chip.quantize.types import QuantizedProjection

KIND = {Way.FLOAT: TensorProto.FLOAT, Way.BYTES: TensorProto.INT32, Way.WIDE: INT64}
"""The type in which a projection adds up its sources."""


def projected(
    g: Graph, p: QuantizedProjection, plan: Plan, source: str, of: Shape, target: Shape
) -> str:
    """(W · source) << e as int64 [S, *target]: `source` is the sum of the sources, of the plan's type."""
    if isinstance(p.kernel, Conv):
        a = _convolved(g, p, p.kernel, plan, source, of, target)
    elif isinstance(p.kernel, Dense):
        a = _dense(g, p, p.kernel, plan, source, target)
    else:
        weight = _weight(g, p, p.weight[:, None, None])
        a = g.add("Mul", source, g.cast(weight, KIND[plan.way]))
    a = a if plan.way is Way.WIDE else g.cast(a, INT64)
    return g.add("Mul", a, g.constant(1 << p.exponent)) if p.exponent else a


def _weight(g: Graph, p: QuantizedProjection, values: np.ndarray) -> str:
    """The weights in the fewest bytes; runtimes cast a constant once, when they load the model."""
    low, high = extremes(p)
    fits = (t for t in (np.int8, np.int16, np.int32) if np.iinfo(t).min <= low)
    kind = next((t for t in fits if high <= np.iinfo(t).max), np.int64)
    return g.constant(values, kind, name=f"weight/{p.name}")


def _dense(
    g: Graph, p: QuantizedProjection, kernel: Dense, plan: Plan, source: str, target: Shape
) -> str:
    kind = KIND[plan.way]
    if kernel.pooled:
        flat = g.add("ReduceSum", source, g.constant([2, 3]), keepdims=0)
    else:
        flat = g.add("Flatten", source, axis=1)
    a = g.add("MatMul", flat, g.cast(_weight(g, p, p.weight.T), kind))
    return g.add("Reshape", a, g.constant([-1, *target]))


def _convolved(
    g: Graph,
    p: QuantizedProjection,
    kernel: Conv,
    plan: Plan,
    source: str,
    of: Shape,
    target: Shape,
) -> str:
    if plan.way is Way.WIDE:
        return _by_taps(g, p, kernel, source, of, target)
    shape: dict[str, Any] = {
        "strides": list(kernel.stride),
        "pads": [*kernel.padding, *kernel.padding],
        "dilations": list(kernel.dilation),
        "group": kernel.groups,
        "kernel_shape": list(p.weight.shape[2:]),
    }
    if plan.way is Way.FLOAT:
        weight = g.cast(_weight(g, p, p.weight), TensorProto.FLOAT)
        return g.add("Conv", source, weight, **shape)
    # uint8 on both sides: x86 machines without VNNI saturate uint8 x int8 at 16 bits.
    x, x_zero = _unsigned(g, source, plan.low)
    w_zero = 128 if extremes(p)[0] < 0 else 0
    weight = g.constant(p.weight + w_zero, np.uint8, name=f"weight/{p.name}")
    zeros = (g.constant(x_zero, np.uint8), g.constant(w_zero, np.uint8))
    return g.add("ConvInteger", x, weight, *zeros, **shape)


def _unsigned(g: Graph, source: str, low: int) -> tuple[str, int]:
    """(int32 values as uint8, what stands for 0)."""
    zero = 128 if low < 0 else 0
    shifted = g.add("Add", source, g.constant(zero, np.int32)) if zero else source
    return g.cast(shifted, TensorProto.UINT8), zero


def _by_taps(
    g: Graph, p: QuantizedProjection, kernel: Conv, source: str, of: Shape, target: Shape
) -> str:
    """A convolution of any width: a MatMul of int64 for each position of the kernel, added up."""
    (sy, sx), (py, px), (dy, dx) = kernel.stride, kernel.padding, kernel.dilation
    channels, rows, columns = target
    n = kernel.groups
    padded = g.add("Pad", source, g.constant([0, 0, py, px, 0, 0, py, px]))
    total = ""
    for ky in range(p.weight.shape[2]):
        for kx in range(p.weight.shape[3]):
            y, x = ky * dy, kx * dx
            stop = [y + (rows - 1) * sy + 1, x + (columns - 1) * sx + 1]
            ends = [g.constant(v) for v in ([y, x], stop, [2, 3], [sy, sx])]
            seen = g.add("Slice", padded, *ends)
            apart = g.add("Reshape", seen, g.constant([-1, n, of[0] // n, rows * columns]))
            tap = p.weight[:, :, ky, kx].reshape(n, channels // n, of[0] // n)
            part = g.add("MatMul", g.constant(tap, name=f"weight/{p.name}/{ky},{kx}"), apart)
            total = g.add("Add", total, part) if total else part
    return g.add("Reshape", total, g.constant([-1, *target]))
