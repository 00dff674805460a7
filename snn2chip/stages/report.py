"""`report`: the build as one page."""

from dataclasses import dataclass
from pathlib import Path

from snn2chip.build import open_build, versions
from snn2chip.chip.target import load_target
from snn2chip.energy.estimate import Estimate
from snn2chip.progress import Progress, Silent
from snn2chip.report.collect import BuildFacts, collect
from snn2chip.report.render import render
from snn2chip.stages.energy import last_recording
from snn2chip.verify.text import verdict_from_dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Where the page is."""

    path: Path

    def lines(self) -> list[str]:
        """One line."""
        return [f"report: {self.path}"]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {"report": str(self.path)}


def write_report(build: str | Path, *, progress: Progress | None = None) -> Reported:
    """Write report.html of `build`; needs a verdict. The energy estimate is shown if there is one."""
    tell = progress or Silent()
    folder = open_build(build)
    verdict = verdict_from_dict(folder.json("verdict.json", "verify"))
    energy = folder.path / "energy.json"
    estimate = (
        Estimate.from_dict(folder.json("energy.json", "energy")) if energy.is_file() else None
    )
    with tell.stage("report"):
        data = collect(
            qc=folder.quantized(),
            circuit=folder.circuit(),
            program=folder.program(),
            target=load_target(folder.options.target),
            verdict=verdict,
            estimate=estimate,
            recording=last_recording(folder)[0],
            findings=folder.findings,
            passes=folder.passes,
            build=BuildFacts(
                name=str(folder.path),
                options=folder.options,
                versions=versions(),
                hashes=folder.hashes,
            ),
        )
        path = folder.put("report.html", render(data))
    return Reported(path=path)
