"""The method `agree`: of several roundings of a population, the one that fires most like the float circuit."""

from dataclasses import replace

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.circuit.engine import currents
from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.types import INPUT, Circuit
from snn2chip.inputs import InputData
from snn2chip.network.neurons import compact, run_neurons
from snn2chip.network.types import InputKind
from snn2chip.neuron import Emits
from snn2chip.quantize.input import dequantize_input, quantize_input
from snn2chip.quantize.population import Quantized
from snn2chip.quantize.twin import twin_population, twin_projection, weight_unit
from snn2chip.quantize.types import QuantizedInput
from snn2chip.recording import Outputs


class Agreement:
    """Walks down the circuit with a calibration input.

    Twins of the populations chosen so far, beside the float circuit.

    Every candidate gets the spikes of the candidates that were chosen before it, as it will on the chip.
    """

    def __init__(
        self, circuit: Circuit, grid: QuantizedInput, calibration: InputData, v_limit: int
    ) -> None:
        integers, _ = quantize_input(grid, calibration)
        values = dequantize_input(grid, integers).values
        self._circuit = circuit
        self._grid = grid
        self._v_limit = v_limit
        self._expected = run_circuit(circuit, calibration)
        static = calibration.kind is InputKind.STATIC
        self._outputs: dict[str, Outputs] = {INPUT: values[None] if static else values}

    def best(self, candidates: list[Quantized]) -> Quantized:
        """The candidate that differs least from the float circuit; the first of equals. Later ones see its outputs."""
        runs = [self._run(q) for q in candidates]
        wrong = [self._differs(q, *run) for q, run in zip(candidates, runs, strict=True)]
        chosen = int(np.argmin(wrong))
        self._outputs[candidates[0].population.name] = compact(runs[chosen][0])
        return candidates[chosen]

    def _run(self, q: Quantized) -> tuple[FloatArray, FloatArray]:
        """(outputs, membranes at the end) of the twin of `q`."""
        p = twin_population(q.population, self._v_limit)
        units = {p.name: weight_unit(q.population)}
        projections = tuple(twin_projection(x, units, self._grid.scale) for x in q.projections)
        alone = replace(self._circuit, populations=(p,), projections=projections)
        return run_neurons(
            p.name, p.neuron, currents(alone, p, self._outputs), p.bias, self._circuit.steps
        )

    def _differs(self, q: Quantized, outputs: FloatArray, membrane: FloatArray) -> float:
        """Mean |difference|: of outputs in the source's units, or of the potentials of a read-out."""
        name, scale = q.population.name, q.population.scale[:, None, None]
        if q.population.neuron.emits is Emits.NOTHING:
            theirs, worth = (
                self._expected.potentials[name],
                scale / weight_unit(q.population)[:, None, None],
            )
            return float(np.abs(membrane * worth - theirs).mean())
        theirs = self._expected.outputs[name]
        return float(np.abs(outputs * q.population.unit - theirs).mean())
