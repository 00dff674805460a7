"""A report on the digits network that comes with the examples: every stage, three images."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from snn2chip.build import versions
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Program
from snn2chip.circuit.types import Circuit
from snn2chip.debug.types import Counts, Diagnosis, LayerCost, Measure, Setting
from snn2chip.energy.counts import count
from snn2chip.energy.estimate import estimate
from snn2chip.engines.spec import run
from snn2chip.errors import Finding, Severity
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.progress import Silent
from snn2chip.quantize.input import quantize_input
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording
from snn2chip.report.collect import BuildFacts, collect
from snn2chip.report.data import ReportData
from snn2chip.report.plain import plain
from snn2chip.report.statement import rung_row
from snn2chip.stages.levels import quantized
from snn2chip.verify.text import headline
from snn2chip.verify.types import Difference, LayerCount, Rung, Verdict

DATA = Path(__file__).parents[2] / "examples" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A network on all levels, what it fired, and the report's data."""

    circuit: Circuit
    qc: QuantizedCircuit
    program: Program
    recording: Recording
    data: ReportData


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    few = tmp_path_factory.mktemp("input") / "few.npy"
    np.save(few, np.load(DATA / "digits_test.npy")[:3])
    options = BuildOptions(
        model=ModelRequest(path=str(DATA / "digits.pth"), input_path=str(few), layout="NCHW")
    )
    levels = quantized(options, Silent())
    assert levels.model.inputs is not None
    # A core for each tile, so that messages have a way to go.
    program = map_circuit(levels.qc, levels.target, shared=False).program
    integers, _ = quantize_input(levels.qc.input, levels.model.inputs)
    recording = run(levels.qc, integers)
    counts = count(levels.qc, recording, program, levels.target)
    data = collect(
        qc=levels.qc,
        circuit=levels.circuit,
        program=program,
        target=levels.target,
        verdict=verdict(passed=True),
        estimate=estimate(counts, levels.target),
        recording=recording,
        findings=(warning(),),
        passes=({"name": "fold batch norm", "before": 37, "after": 27, "did": "folded: bn1"},),
        build=BuildFacts(
            name="demo-build", options=options, versions=versions(), hashes={"model": "ab" * 32}
        ),
    )
    return Made(
        circuit=levels.circuit, qc=levels.qc, program=program, recording=recording, data=data
    )


@pytest.fixture(scope="session")
def failed(made: Made) -> ReportData:
    """The same report with a verdict that does not hold."""
    bad = verdict(passed=False)
    return replace(
        made.data,
        passed=bad.passed,
        headline=headline(bad),
        plain=plain(bad, made.data.layers),
        rungs=tuple(rung_row(r) for r in bad.rungs),
    )


@pytest.fixture(scope="session")
def lossy() -> Diagnosis:
    """Rounding took 4 of 10 right answers; layer b gives three of them back, and so does one setting."""

    def counts(right: int, differing: int) -> Counts:
        return Counts(samples=10, same=right, right=right, compared=1000, differing=differing)

    def layer(name: str, floated: Counts, alone: Counts) -> LayerCost:
        return LayerCost(name=name, floated=floated, alone=alone, rounded=("weights: 3 of 9",))

    mends = Setting(words="--method mse", counts=counts(9, 20))
    return Diagnosis(
        by=Measure.TOP1,
        share=0.5,
        original=counts(10, 0),
        rounded=counts(6, 100),
        layers=(
            layer("a", counts(5, 90), counts(10, 10)),
            layer("b", counts(9, 30), counts(7, 80)),
            layer("c", counts(6, 99), counts(10, 1)),
        ),
        culprits=("b",),
        mended=counts(9, 30),
        settings=(mends, Setting(words="--free-scales", counts=None, refused="dead-layer")),
        exact=2,
    )


def verdict(*, passed: bool) -> Verdict:
    """Two rungs by hand: rounding measured, and engines that agree or not."""
    measured = Rung(
        rung="2b",
        title="what rounding changed",
        sides=("original", "chip"),
        passed=True,
        compared=1000,
        differing=30,
        layers=(
            LayerCount(layer="sn1", compared=500, differing=5, left_rate=0.25, right_rate=0.24),
            LayerCount(
                layer="layer1.0.sn1", compared=500, differing=25, left_rate=0.5, right_rate=0.5
            ),
        ),
        measures={"samples": 3.0, "agreement": 1.0, "top1_original": 1.0, "top1_twin": 2 / 3},
    )
    where = Difference(
        layer="sn1", step=2, sample=1, neuron=(3, 4, 5), left=1, right=0, potential=64, threshold=63
    )
    engines = Rung(
        rung="3",
        title="engines",
        sides=("spec", "core"),
        passed=passed,
        compared=1000,
        differing=0 if passed else 1,
        first=None if passed else where,
    )
    return Verdict(rungs=(measured, engines), left_out=("rung 0: not asked for",))


def warning() -> Finding:
    return Finding(
        code="range-seen",
        severity=Severity.WARNING,
        where="sn1",
        why="the membrane clips",
        need="100",
        have="90",
        help="train with smaller weights",
    )


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, (
        "the report's test needs chromium: apt-get install chromium, or brew install chromium"
    )
    return found
