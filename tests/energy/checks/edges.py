"""Every synapse of a projection as arrays: written for the export to SANA-FE, sharing nothing with the counters."""

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.circuit.types import Conv, Dense, Shape
from snn2chip.quantize.types import QuantizedProjection

Edges = tuple[IntArray, IntArray, IntArray]
"""(source neuron, target neuron, weight), neurons in C order of [C, H, W]; zeros are edges too."""


def edges(p: QuantizedProjection, source: Shape, target: Shape) -> Edges:
    """All edges of `p`, its weights before the exponent."""
    if isinstance(p.kernel, Conv):
        return _conv(p, p.kernel, source, target)
    if not isinstance(p.kernel, Dense):
        raise NotImplementedError(p.kernel)
    weight = p.weight
    if p.kernel.pooled:
        weight = np.repeat(weight, source[1] * source[2], axis=1)
    to, of = np.indices(weight.shape)
    return of.ravel(), to.ravel(), weight.ravel()


def _conv(p: QuantizedProjection, kernel: Conv, source: Shape, target: Shape) -> Edges:
    if kernel.groups != 1:
        raise NotImplementedError("groups")
    o, c, ky, kx, y, x = np.ix_(*map(np.arange, (*p.weight.shape, *target[1:])))
    row = y * kernel.stride[0] + ky * kernel.dilation[0] - kernel.padding[0]
    column = x * kernel.stride[1] + kx * kernel.dilation[1] - kernel.padding[1]
    inside = (row >= 0) & (row < source[1]) & (column >= 0) & (column < source[2])
    of = (c * source[1] + row) * source[2] + column
    to = (o * target[1] + y) * target[2] + x
    parts = np.broadcast_arrays(of, to, p.weight[..., None, None], inside)
    taken = parts[3]
    return parts[0][taken], parts[1][taken], parts[2][taken]
