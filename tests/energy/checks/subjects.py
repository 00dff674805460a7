"""The two subjects of the checks: what is counted by us, and by the other tool."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from snn2chip.arrays import IntArray, ints
from snn2chip.chip.map import map_circuit
from snn2chip.chip.placement import Placement
from snn2chip.chip.program import Program
from snn2chip.engines import spec
from snn2chip.inputs import InputData
from snn2chip.model import LoadedModel, ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.progress import Silent
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording
from snn2chip.stages.data import on_grid
from snn2chip.stages.levels import Levels, quantized, stop_at
from snn2chip.verify.ladder import part

DATA = Path(__file__).parents[3] / "examples" / "data"
RECORDED = Path(__file__).parents[2] / "data" / "energy_checks.json"

NETWORKS = ("digits", "mnist")
"""Counted by NeuroBench, on loihi2."""
SAMPLES = {"digits": 8, "mnist": 2}
SANAFE_SAMPLES = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """A trained network with integer weights, some of its test images, and what the spec engine fired."""

    model: LoadedModel
    qc: QuantizedCircuit
    inputs: InputData
    recording: Recording


@cache
def network(name: str) -> Run:
    """`name` on loihi2's grid, whose twin is a checkpoint of the same network."""
    return _run(_levels(name, "loihi2"), SAMPLES[name])


@cache
def small_program() -> tuple[Run, Program, Levels]:
    """digits on Loihi 1: ten cores, each in a tile of its own, so that most messages have a way to go."""
    levels = _levels("digits", "loihi1")
    mapped = map_circuit(levels.qc, levels.target)
    stop_at(mapped.findings)
    program = replace(mapped.program, placement=apart(mapped.program.placement))
    return _run(levels, SANAFE_SAMPLES), program, levels


def apart(placement: Placement) -> Placement:
    """Core i in the first place of tile 3i mod 29: not in the order of layers, and tile 31 stays free."""
    cores = len(placement.core)
    return replace(placement, core=ints(4 * (3 * np.arange(cores) % 29)), method="apart")


def _levels(name: str, target: str) -> Levels:
    request = ModelRequest(
        path=str(DATA / f"{name}.pth"), input_path=str(DATA / f"{name}_test.npy"), layout="NCHW"
    )
    levels = quantized(BuildOptions(model=request, target=target), Silent())
    stop_at(levels.findings)
    return levels


def _run(levels: Levels, samples: int) -> Run:
    if levels.model.inputs is None:
        raise ValueError("no input")
    inputs = part(on_grid(levels.qc, levels.model.inputs, Silent()).integers, 0, samples)
    return Run(
        model=levels.model, qc=levels.qc, inputs=inputs, recording=spec.run(levels.qc, inputs)
    )


def membranes(run: Run, name: str) -> IntArray:
    """Membrane of each neuron of `name` before each step, [T, N, C, H, W], of one level and a reset at once."""
    population = run.qc.population(name)
    n = population.neuron
    currents = spec._currents(run.qc, population, run.inputs, run.recording.outputs)
    v = np.zeros(currents.shape[1:], np.int64)
    before: list[IntArray] = []
    for current in currents:
        before.append(v)
        u = v + (current << population.fraction_bits) + population.bias
        v = spec.fire(n, u, 0)[1]
    return np.stack(before)
