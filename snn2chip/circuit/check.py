"""Is this Circuit one? Names, order, shapes, units, and neurons in their normal form."""

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.circuit.types import (
    INPUT,
    Circuit,
    Conv,
    Dense,
    Population,
    Projection,
    Role,
    Shape,
)
from snn2chip.errors import Snn2ChipError
from snn2chip.neuron import Emits, NeuronModel


def check(circuit: Circuit) -> None:
    """Raise Snn2ChipError at the first thing that is wrong; return nothing."""
    _check_names(circuit)
    shapes: dict[str, Shape] = {INPUT: circuit.input.shape}
    for population in circuit.populations:
        _check_population(circuit, population)
        for projection in circuit.into(population.name):
            _check_sources(circuit, projection, shapes)
            _check_projection(projection, shapes[projection.sources[0]], population.shape)
        shapes[population.name] = population.shape
    for join in circuit.joins:
        for name in join.summands:
            if name not in shapes or shapes[name] != shapes[join.summands[0]]:
                raise _error(join.name, f"summand {name!r} is missing or has another shape")
    _check_readout(circuit)


def projected_shape(projection: Projection, source: Shape) -> Shape | None:
    """(C, H, W) that a projection reaches from a source; None if its weight does not fit the source."""
    kernel, weight = projection.kernel, projection.weight
    if isinstance(kernel, Conv):
        return _convolved(kernel, weight, source)
    if isinstance(kernel, Dense):
        inputs = source[0] if kernel.pooled else source[0] * source[1] * source[2]
        return (len(weight), 1, 1) if weight.shape[1:] == (inputs,) else None
    return source if weight.shape == (source[0],) else None


def _convolved(kernel: Conv, weight: FloatArray, source: Shape) -> Shape | None:
    if weight.ndim != 4 or weight.shape[1] * kernel.groups != source[0]:
        return None
    sizes = [
        (source[1 + i] + 2 * kernel.padding[i] - kernel.dilation[i] * (weight.shape[2 + i] - 1) - 1)
        // kernel.stride[i]
        + 1
        for i in (0, 1)
    ]
    return (len(weight), sizes[0], sizes[1]) if min(sizes) > 0 else None


def _check_names(circuit: Circuit) -> None:
    for what, names in (
        ("populations", [INPUT, *(p.name for p in circuit.populations)]),
        ("projections", [p.name for p in circuit.projections]),
    ):
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise _error(twice, f"two {what} have this name")
    targets = {p.name for p in circuit.populations}
    for projection in circuit.projections:
        if projection.target not in targets:
            raise _error(projection.name, f"its target {projection.target!r} is not a population")


def _check_population(circuit: Circuit, population: Population) -> None:
    neuron = population.neuron
    _check_normal(population.name, neuron)
    arrays = [*neuron.levels, neuron.decay, population.bias]
    arrays += [] if neuron.gain is None else [neuron.gain]
    for values in arrays:
        _check_broadcast(circuit, population, values)
    if len(neuron.levels) > 1 and neuron.emits is not Emits.SPIKE:
        raise _error(population.name, "several levels send spikes only")


def _check_normal(name: str, neuron: NeuronModel) -> None:
    """In a circuit the variables are substituted."""
    if neuron.leak or neuron.v_reset or neuron.v_init or bool(np.any(neuron.input_gain != 1.0)):
        raise _error(name, "input gain, leak, reset value or initial value are not substituted")


def _check_broadcast(circuit: Circuit, population: Population, values: FloatArray) -> None:
    steps_fit = values.ndim == 3 or (values.ndim == 4 and values.shape[0] == circuit.steps)
    sizes_fit = all(
        have in (1, need) for have, need in zip(values.shape[-3:], population.shape, strict=True)
    )
    if not steps_fit or not sizes_fit:
        raise _error(
            population.name,
            "an array of its neurons does not fit",
            need=f"{population.shape}, or T = {circuit.steps} of them",
            have=str(values.shape),
        )
    if not np.isfinite(values).all():
        raise _error(population.name, "a value is not finite")


def _check_sources(circuit: Circuit, projection: Projection, shapes: dict[str, Shape]) -> None:
    """Sources come first, have one shape, and are worth the same: spikes, the input, or one graded population."""
    if not projection.sources:
        raise _error(projection.name, "it has no sources")
    units: set[str] = set()
    for name in projection.sources:
        if name not in shapes:
            raise _error(projection.name, f"source {name!r} is no population before its target")
        if shapes[name] != shapes[projection.sources[0]]:
            raise _error(projection.name, "summands of different shapes")
        emits = Emits.SPIKE if name == INPUT else circuit.population(name).neuron.emits
        if emits is Emits.NOTHING:
            raise _error(projection.name, f"source {name!r} sends nothing")
        units.add(name if name == INPUT or emits is Emits.GRADED else "spikes")
    if len(units) > 1:
        raise _error(projection.name, "summands of different units", have=", ".join(sorted(units)))


def _check_projection(projection: Projection, source: Shape, target: Shape) -> None:
    reached = projected_shape(projection, source)
    if reached != target:
        have = f"weight {projection.weight.shape} on {source}"
        have += "" if reached is None else f" gives {reached}"
        raise _error(projection.name, "its weight does not fit", need=str(target), have=have)
    if not np.isfinite(projection.weight).all():
        raise _error(projection.name, "a weight is not finite")


def _check_readout(circuit: Circuit) -> None:
    name = circuit.readout.population
    found = next((p for p in circuit.populations if p.name == name), None)
    if found is None:
        raise _error(name, "the read-out is not a population")
    if (found.neuron.emits is Emits.NOTHING) != (found.origin.role is Role.READOUT):
        raise _error(name, "a read-out accumulates and sends nothing")


def _error(where: str, why: str, *, need: str = "", have: str = "") -> Snn2ChipError:
    return Snn2ChipError("circuit-wrong", where, why, need=need, have=have)
