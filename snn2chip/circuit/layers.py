"""Outputs of populations as outputs of the layers of the paper."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from snn2chip.circuit.types import Dense, Identity, Join, Kernel, Origin, Role, Shape
from snn2chip.network.neurons import compact
from snn2chip.recording import Outputs


class _Population(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> Shape: ...
    @property
    def origin(self) -> Origin: ...


class _Projection(Protocol):
    @property
    def sources(self) -> tuple[str, ...]: ...
    @property
    def target(self) -> str: ...
    @property
    def kernel(self) -> Kernel: ...


class _Level(Protocol):
    """What Circuit and QuantizedCircuit have in common here."""

    @property
    def populations(self) -> tuple[_Population, ...]: ...
    @property
    def projections(self) -> tuple[_Projection, ...]: ...
    @property
    def joins(self) -> tuple[Join, ...]: ...


def layer_outputs(circuit: _Level, outputs: Mapping[str, Outputs]) -> dict[str, Outputs]:
    """Outputs [T, N, C, H, W] by layer of the paper, and of every join (`block#out`), from those by population.

    Populations that one layer became are added up. Layers of vectors (behind a linear layer) are [T, N, n].
    """
    flat = vectors(circuit)
    shown: dict[str, Outputs] = {}
    for key, names in _grouped(circuit.populations).items():
        shown[key] = _shown(names, outputs, flat)
    for join in circuit.joins:
        shown[join.name] = _shown(join.summands, outputs, flat)
    return shown


def vectors(circuit: _Level) -> frozenset[str]:
    """Populations whose neurons are a vector, not a map: fed by Dense, or by Identity from vectors."""
    kernels: dict[str, list[_Projection]] = {}
    for projection in circuit.projections:
        kernels.setdefault(projection.target, []).append(projection)
    found: set[str] = set()
    for population in circuit.populations:
        into = kernels.get(population.name, [])
        if any(isinstance(p.kernel, Dense) for p in into) or (
            into
            and all(isinstance(p.kernel, Identity) and found.issuperset(p.sources) for p in into)
        ):
            found.add(population.name)
    return frozenset(found)


def _grouped(populations: Iterable[_Population]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, tuple[str, ...]] = {}
    for p in populations:
        if p.origin.role in (Role.NEURON, Role.GATE):
            grouped[p.origin.key] = (*grouped.get(p.origin.key, ()), p.name)
    return grouped


def _shown(names: tuple[str, ...], outputs: Mapping[str, Outputs], flat: frozenset[str]) -> Outputs:
    total = outputs[names[0]]
    if len(names) > 1:
        total = total.astype(np.float64)
        for name in names[1:]:
            total = total + outputs[name]
        total = compact(total)
    return total.reshape(total.shape[:3]) if flat.issuperset(names) else total
