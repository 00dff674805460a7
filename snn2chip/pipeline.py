"""`deploy`: the stages in order."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

from snn2chip.build import check_out, open_build
from snn2chip.chip.target import unlikely
from snn2chip.energy.estimate import Estimate
from snn2chip.errors import Snn2ChipError
from snn2chip.model import LiveRequest
from snn2chip.network.shapes import shapes
from snn2chip.options import BuildOptions
from snn2chip.progress import Progress, Silent
from snn2chip.stages.compile import Compiled, compile_model
from snn2chip.stages.data import load_labels
from snn2chip.stages.energy import price
from snn2chip.stages.levels import read, target_of
from snn2chip.stages.report import write_report
from snn2chip.stages.verify import verify_build
from snn2chip.verify.text import verdict_dict, verdict_lines
from snn2chip.verify.types import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a deploy leaves."""

    compiled: Compiled
    verdict: Verdict
    estimate: Estimate
    report: Path

    def lines(self) -> list[str]:
        """The summary, at most 40 lines."""
        return [
            *self._network(),
            *self._accuracy(),
            *verdict_lines(self.verdict),
            *self.estimate.lines(),
            f"report: {self.report}",
            *self.compiled.gone(),
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "compiled": self.compiled.to_dict(),
            "verdict": verdict_dict(self.verdict),
            "energy": self.estimate.to_dict(),
            "report": str(self.report),
        }

    def _network(self) -> list[str]:
        levels, program = self.compiled.levels, self.compiled.program
        provenance, circuit = levels.model.network.provenance, levels.circuit
        neurons = sum(p.shape[0] * p.shape[1] * p.shape[2] for p in circuit.populations)
        n = len(program.cores)
        synapses = sum(p["mac_dense"] for p in self.estimate.counts["projections"])  # type: ignore[index]
        return [
            f"{provenance.title}, T = {levels.qc.steps}, "
            f"input {levels.qc.input.bits} bits by {program.coding.value}",
            f"{len(circuit.layers())} layers, {neurons:,} neurons, {synapses:,} synapses "
            f"-> {n} core{'s' * (n != 1)}, {program.chips} chip(s) of {program.target}",
        ]

    def _accuracy(self) -> list[str]:
        loss = next((r.measures for r in self.verdict.rungs if r.rung == "2b"), None)
        if loss is None:
            return []
        agreement = (
            f"decisions agree {100 * loss['agreement']:.2f} % on {loss['samples']:.0f} samples"
        )
        if "top1_original" not in loss:
            return [agreement]
        return [
            f"top-1: original {100 * loss['top1_original']:.2f} %, twin {100 * loss['top1_twin']:.2f} %; {agreement}"
        ]


def deploy(
    options: BuildOptions, out: str | Path, *, progress: Progress | None = None
) -> Deployment:
    """Compile, verify, estimate and report; `out` is the build folder.

    Errors: Snn2ChipError where an input cannot be used; StatementError where the network does not fit the target. A
    verification that fails is no error: the verdict says so.
    """
    tell = progress or Silent()
    path = check_out(out)
    target = target_of(options)
    for finding in unlikely(target, target.name):
        tell.note(str(finding))
    _check_labels(options)
    compiled = compile_model(options, path, progress=tell)
    live = options.model.loaded if isinstance(options.model, LiveRequest) else None
    verified = verify_build(
        path,
        options.model.input_path,
        model=live,
        layout=options.model.layout,
        labels=options.labels,
        progress=tell,
    )
    folder = open_build(path)
    priced = price(folder, options.prices, tell)
    report = write_report(path, progress=tell).path
    return Deployment(
        compiled=compiled, verdict=verified.verdict, estimate=priced.estimate, report=report
    )


def _check_labels(options: BuildOptions) -> None:
    """Labels that do not fit are told before anything slow."""
    if options.labels is None:
        return
    model = read(options, Silent())
    if model.inputs is None:
        raise Snn2ChipError("usage", "--labels", "needs an input", help="give --input X.npy")
    answers = shapes(model.network)[model.network.readout.layer]
    load_labels(options.labels, model.inputs.samples, prod(answers))
