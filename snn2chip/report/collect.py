"""From the values of a build to the ReportData that a page shows."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from snn2chip.chip.program import Program
from snn2chip.chip.target import Target
from snn2chip.circuit.types import Circuit
from snn2chip.energy.estimate import Estimate
from snn2chip.errors import Finding, Severity
from snn2chip.options import BuildOptions
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording
from snn2chip.report.data import Fact, FindingRow, LayerRow, PassRow, ReportData
from snn2chip.report.energy import energy_facts, split, total
from snn2chip.report.fit import fit
from snn2chip.report.layers import layer_rows
from snn2chip.report.numbers import percent
from snn2chip.report.parameters import parameters
from snn2chip.report.picture import picture
from snn2chip.report.plain import plain, profile, worst_fact, worst_layer
from snn2chip.report.rasters import rasters
from snn2chip.report.statement import commands, identity, limits, matrix, rung_row
from snn2chip.verify.text import headline
from snn2chip.verify.types import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFacts:
    """What a report says of the build itself: its name, options, versions of packages, and sha256 by file."""

    name: str
    options: BuildOptions
    versions: Mapping[str, str]
    hashes: Mapping[str, str]


def collect(
    *,
    qc: QuantizedCircuit,
    circuit: Circuit,
    program: Program,
    target: Target,
    verdict: Verdict,
    estimate: Estimate | None,
    recording: Recording,
    findings: Iterable[Finding],
    passes: Iterable[Mapping[str, object]],
    build: BuildFacts,
) -> ReportData:
    """All that a report shows. `circuit`: the float circuit that `qc` came from; `recording`: a run of `qc`.

    `passes`: of the lowering, as build.toml holds them (name, before, after, did).
    """
    layers, folder = layer_rows(qc, program, verdict, recording), shlex.quote(build.name)
    return ReportData(
        title=f"{_short(qc.provenance.path)} on {target.name}",
        subtitle=f"{qc.provenance.title}, T = {qc.steps}",
        passed=verdict.passed,
        headline=headline(verdict),
        plain=plain(verdict, layers),
        summary=tuple(_summary(qc, program, verdict, estimate, layers, folder)),
        rungs=tuple(rung_row(r) for r in verdict.rungs),
        matrix=matrix(verdict),
        not_exercised=verdict.not_exercised,
        left_out=verdict.left_out,
        identity=identity(qc, target, build.options, build.versions, build.hashes),
        picture=picture(qc, program.schedule),
        layers=layers,
        profile=profile(layers),
        worst=worst_layer(layers),
        passes=tuple(_pass(p) for p in passes),
        parameters=parameters(circuit, qc),
        rasters=rasters(recording),
        fit=fit(program, target, estimate),
        energy=None if estimate is None else energy_facts(estimate, target),
        findings=_findings(findings),
        limits=limits(qc, program, target, verdict, build.options),
        build=folder,
        commands=commands(build.options, build.name),
    )


def _summary(
    qc: QuantizedCircuit,
    program: Program,
    verdict: Verdict,
    estimate: Estimate | None,
    layers: Sequence[LayerRow],
    folder: str,
) -> list[Fact]:
    """The handful of numbers beside the verdict."""
    measures = next((r.measures for r in verdict.rungs if r.rung == "2b"), {})
    facts: list[Fact] = []
    if "top1_twin" in measures:
        original = percent(measures["top1_original"])
        facts.append(
            Fact(
                label="right on the chip",
                value=percent(measures["top1_twin"]),
                note=f"the original: {original}, of {measures['samples']:.0f} samples",
            )
        )
    elif measures:
        facts.append(
            Fact(
                label="right on the chip",
                value="not counted",
                note="of the input that was verified no labels were given: verify --labels Y.npy",
            )
        )
    if "agreement" in measures:
        facts.append(
            Fact(
                label="decisions that agree",
                value=percent(measures["agreement"]),
                note="original and chip",
            )
        )
    neurons = sum(int(np.prod(p.shape)) for p in qc.populations)
    depth = program.schedule.depth.get(qc.readout.population, 0)
    return [
        *facts,
        *worst_fact(layers),
        Fact(
            label="cores",
            value=f"{len(program.cores):,}",
            note=f"{program.chips} chip{'s' * (program.chips != 1)}, {neurons:,} neurons",
        ),
        Fact(
            label="chip steps to the answer",
            value=str(depth + qc.steps),
            note=f"a new sample every {qc.steps}",
        ),
        *_cost(estimate, folder),
    ]


def _cost(estimate: Estimate | None, folder: str) -> Sequence[Fact]:
    if estimate is None:
        note = f"snn2chip energy {folder} estimates it for this input"
        return (Fact(label="energy per sample", value="not estimated", note=note),)
    if estimate.table is None:
        return ()
    return (
        Fact(
            label="energy per sample", value=total(estimate), note=f"an estimate; {split(estimate)}"
        ),
    )


def _pass(p: Mapping[str, object]) -> PassRow:
    return PassRow(
        name=str(p["name"]),
        before=int(str(p["before"])),
        after=int(str(p["after"])),
        did=str(p["did"]),
    )


def _findings(findings: Iterable[Finding]) -> tuple[FindingRow, ...]:
    ordered = sorted(findings, key=lambda f: list(Severity).index(f.severity))
    return tuple(_finding(f) for f in ordered)


def _finding(f: Finding) -> FindingRow:
    numbers = "; ".join(f"{name} {n}" for name, n in (("have", f.have), ("need", f.need)) if n)
    return FindingRow(
        severity=f.severity.value,
        code=f.code,
        where=f.where,
        text=f"{f.why} ({numbers})" if numbers else f.why,
        help=f.help,
    )


def _short(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
