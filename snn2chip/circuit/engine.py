"""The circuit engine: runs a Circuit in float64 numpy, population by population over all steps. No torch.

It runs lowered networks and twins. With the rounding of a twin (ChipRounding) every number it meets is a whole
number of units below 2^53, so it computes what the chip computes, and shares no code with the integer arithmetic.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.circuit.bounds import magnitudes
from snn2chip.circuit.project import project, summed
from snn2chip.circuit.types import INPUT, Circuit, Population
from snn2chip.inputs import InputData
from snn2chip.network.inputs import check_input
from snn2chip.network.judge import Judge
from snn2chip.network.neurons import compact, run_neurons
from snn2chip.network.types import InputKind, NetworkInput
from snn2chip.neuron import Emits
from snn2chip.recording import Outputs, Recording


def run(
    circuit: Circuit,
    inputs: InputData,
    *,
    record: bool = True,
    judge: Judge | None = None,
    known: Mapping[str, Outputs] | None = None,
) -> Recording:
    """Recording of `inputs`: outputs of every population [T, N, C, H, W], by population name.

    `potentials`: membranes of the populations that only accumulate, after the last step. `record` False keeps only
    these and the decision [N, classes]. `known`: outputs of populations that are not run again; none that accumulates.
    """
    expected = NetworkInput(shape=circuit.input.shape, kind=circuit.input.kind)
    check_input(expected, circuit.steps, inputs)
    values = inputs.values.astype(np.float64)
    outputs: dict[str, Outputs] = {
        INPUT: values[None] if inputs.kind is InputKind.STATIC else values
    }
    potentials: dict[str, Outputs] = {}
    for population in circuit.populations:
        if known is not None and population.name in known:
            outputs[population.name] = known[population.name]
            continue
        sent, membrane = _run(circuit, population, outputs, judge)
        outputs[population.name] = compact(sent)
        if population.neuron.emits is Emits.NOTHING:
            potentials[population.name] = membrane
    del outputs[INPUT]
    return Recording(
        engine="circuit",
        outputs=outputs if record else {},
        potentials=potentials,
        decision=_decision(circuit, outputs, potentials),
    )


def currents(
    circuit: Circuit, population: Population, outputs: Mapping[str, Outputs]
) -> FloatArray:
    """Σ of the projections into a population, [T or 1, N, C, H, W] (1: the same at every step)."""
    total: FloatArray | None = None
    for projection in circuit.into(population.name):
        source = summed(projection.sources, outputs)
        steps, batch = source.shape[:2]
        folded = source.reshape(steps * batch, *source.shape[2:])
        part = project(projection, folded).reshape(steps, batch, *population.shape)
        total = part if total is None else total + part
    if total is None:
        batch = next(iter(outputs.values())).shape[1]
        return np.zeros((1, batch, *population.shape))
    return total


def _run(
    circuit: Circuit,
    population: Population,
    outputs: Mapping[str, Outputs],
    judge: Judge | None,
) -> tuple[FloatArray, FloatArray]:
    return run_neurons(
        population.name,
        population.neuron,
        currents(circuit, population, outputs),
        population.bias,
        circuit.steps,
        judge,
        cache(lambda: magnitudes(circuit, population, outputs)),
    )


def _decision(
    circuit: Circuit, outputs: Mapping[str, Outputs], potentials: Mapping[str, Outputs]
) -> FloatArray:
    """[N, classes]: potentials, or spikes summed over the steps; divided by T where the answer is a mean."""
    name = circuit.readout.population
    accumulated = potentials.get(name)
    total = outputs[name].sum(0, dtype=np.float64) if accumulated is None else accumulated
    total = total / circuit.steps if circuit.readout.mean else total
    return total.reshape(len(total), -1)
