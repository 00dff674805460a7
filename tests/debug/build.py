"""A small network with a layer that is made to hurt: an outlier takes the weight bits of all others of its channel."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from snn2chip.arrays import floats
from snn2chip.chip.target import load_target
from snn2chip.circuit.engine import run
from snn2chip.circuit.types import Circuit, Conv
from snn2chip.debug.journal import Journal
from snn2chip.debug.settings import Subject
from snn2chip.debug.trials import Trials
from snn2chip.inputs import InputData
from snn2chip.options import QuantizeOptions
from snn2chip.quantize.input import choose_input
from snn2chip.quantize.quantize import quantize
from snn2chip.quantize.types import QuantizedCircuit
from tests.quantize.build import PLAIN, random_circuit

TARGET = load_target("loihi2")
OUTLIER = 400.0
SILENT = 4
"""The channel of population a that never fires: what hears it may weigh anything and fires the same."""


def network(hurting: str | None = None) -> tuple[Circuit, InputData]:
    """The circuit a, b, c, out; `hurting` (b or c) rounds all its weights but one of each channel to almost nothing."""
    circuit, _ = random_circuit(3, PLAIN, grid=False)
    inputs = samples(circuit)
    bias = np.broadcast_to(circuit.population("a").bias, (5, 6, 6)).copy()
    bias[SILENT] = -1000.0
    circuit = _with_bias(circuit, "a", bias)
    projections = tuple(
        replace(q, sources=("a",), weight=_outlier(q.weight))
        if q.target == hurting and isinstance(q.kernel, Conv)
        else q
        for q in circuit.projections
    )
    circuit = replace(circuit, projections=projections)
    answers = (
        run(circuit, inputs).potentials["out"].mean(0)
    )  # every class is to be the answer now and then
    return _with_bias(circuit, "out", -answers / circuit.steps), inputs


def samples(circuit: Circuit, count: int = 32) -> InputData:
    """Random input on a grid of 8 bits, of the circuit's kind."""
    rng = np.random.default_rng(0)
    kind = circuit.input.kind
    lead = (count,) if kind.value == "static" else (circuit.steps, count)
    values = rng.integers(0, 256, (*lead, *circuit.input.shape)) / 256.0
    return InputData(kind=kind, values=floats(values))


def rounded(
    circuit: Circuit, inputs: InputData, bits: Mapping[str, int] | None = None
) -> QuantizedCircuit:
    """The circuit for Loihi 2; `bits`: populations with other weight bits."""
    grid = choose_input(circuit.input.shape, circuit.input.kind, inputs)
    finer = {name: replace(TARGET.widths, weight_bits=b) for name, b in (bits or {}).items()}
    return quantize(circuit, TARGET.widths, target="loihi2", input=grid, finer=finer)[0]


def trials_of(
    circuit: Circuit, qc: QuantizedCircuit, inputs: InputData, journal: Journal
) -> Trials:
    """Trials by labels that the original always gets right."""
    labels = run(circuit, inputs).decision.argmax(1)
    return Trials(circuit, qc, inputs, labels, journal)


def subject_of(circuit: Circuit, inputs: InputData) -> Subject:
    """What settings are tried on."""
    return Subject(
        circuit=circuit,
        target=TARGET,
        options=QuantizeOptions(),
        inputs=inputs,
        calibration=None,
        rounded_input=False,
    )


def _with_bias(circuit: Circuit, name: str, bias: np.ndarray) -> Circuit:
    populations = tuple(
        replace(p, bias=floats(bias)) if p.name == name else p for p in circuit.populations
    )
    return replace(circuit, populations=populations)


def _outlier(weight: np.ndarray) -> np.ndarray:
    changed = weight.copy()
    changed[:, SILENT] = OUTLIER
    return floats(changed)
