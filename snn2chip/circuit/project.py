"""Projections in float64: kernels applied to sums of sources."""

from collections.abc import Mapping

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.circuit.convolve import convolve
from snn2chip.circuit.types import Conv, Dense, Projection
from snn2chip.recording import Outputs


def summed(sources: tuple[str, ...], outputs: Mapping[str, Outputs]) -> FloatArray:
    """Σ of the sources' outputs, [T or 1, N, C, H, W]."""
    total = outputs[sources[0]].astype(np.float64)
    for name in sources[1:]:
        total = total + outputs[name]
    return total


def project(projection: Projection, source: FloatArray) -> FloatArray:
    """Kernel and weight on [B, C, H, W]."""
    kernel, weight = projection.kernel, projection.weight
    if isinstance(kernel, Conv):
        return convolve(source, weight, kernel)
    if isinstance(kernel, Dense):
        flat = source.sum((2, 3)) if kernel.pooled else source.reshape(len(source), -1)
        return (flat @ weight.T)[..., None, None]
    return source * weight[:, None, None]
