"""`report`: the build as one page."""

from dataclasses import dataclass
from pathlib import Path

from snn2chip.build import Build, open_build, versions
from snn2chip.chip.target import load_target
from snn2chip.energy.estimate import Estimate
from snn2chip.errors import Snn2ChipError
from snn2chip.progress import Progress, Silent
from snn2chip.recording import Recording
from snn2chip.recordings import load
from snn2chip.report.collect import BuildFacts, collect
from snn2chip.report.render import render
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
    judged = folder.json("verdict.json", "verify")
    verdict = verdict_from_dict(judged)
    recording = _judged(folder, str(judged["input"]))
    estimate = _estimate(folder, str(judged["input"]), tell)
    with tell.stage("report"):
        data = collect(
            qc=folder.quantized(),
            circuit=folder.circuit(),
            program=folder.program(),
            target=load_target(folder.options.target),
            verdict=verdict,
            estimate=estimate,
            recording=recording,
            findings=folder.findings,
            passes=folder.passes,
            build=BuildFacts(
                name=str(folder.path.resolve()),
                options=folder.options,
                versions=versions(),
                hashes=folder.hashes,
            ),
        )
        path = folder.put("report.html", render(data))
    return Reported(path=path)


def _judged(folder: Build, digest: str) -> Recording:
    """The spec's recording, if it is of the input that the verdict is about."""
    path = folder.path / "recordings" / "spec.npz"
    if path.is_file():
        recording, inputs = load(path)
        if inputs.digest() == digest:
            return recording
    raise Snn2ChipError(
        "build-incomplete",
        str(path),
        "is not the recording of the input that was verified",
        help=f"run `snn2chip verify {folder.path} --input X.npy` again",
    )


def _estimate(folder: Build, digest: str, tell: Progress) -> Estimate | None:
    """The energy estimate, if there is one of the input that the verdict is about."""
    if not (folder.path / "energy.json").is_file():
        return None
    tree = folder.json("energy.json", "energy")
    if tree.pop("input", None) != digest:
        tell.note(
            "energy.json is of another input than the verdict: left out of the report; "
            f"`snn2chip energy {folder.path}` estimates it for this input"
        )
        return None
    return Estimate.from_dict(tree)
