"""Σ|w||x| of the sums that feed a population: what rounding errors are measured by."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from snn2chip.circuit.project import project, summed
from snn2chip.circuit.types import Circuit, Dense, Population, Projection
from snn2chip.network.judge import Magnitudes
from snn2chip.recording import Outputs


def magnitudes(
    circuit: Circuit, population: Population, outputs: Mapping[str, Outputs]
) -> Magnitudes:
    """Σ|w||x| [T or 1, N, C, H, W] over all projections into a population, and the most summands K of one sum."""
    batch = next(iter(outputs.values())).shape[1]
    total = np.zeros((1, batch, *population.shape))
    terms = 0
    for projection in circuit.into(population.name):
        source = np.abs(summed(projection.sources, outputs))
        absolute = replace(projection, weight=np.abs(projection.weight))
        folded = source.reshape(-1, *source.shape[2:])
        part = project(absolute, folded)
        total = total + part.reshape(*source.shape[:2], *population.shape)
        terms += _terms(projection, source.shape[3] * source.shape[4])
    return Magnitudes(values=total, terms=terms)


def _terms(projection: Projection, positions: int) -> int:
    kernel = projection.kernel
    per_output = int(np.prod(projection.weight.shape[1:]))
    pooled = isinstance(kernel, Dense) and kernel.pooled
    return per_output * (positions if pooled else 1) * len(projection.sources)
