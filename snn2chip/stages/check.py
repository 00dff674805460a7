"""`check`: everything that stands against a target, all at once."""

from dataclasses import dataclass

from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding
from snn2chip.errors import Finding, Severity, StatementError, errors_of
from snn2chip.options import BuildOptions
from snn2chip.progress import Progress, Silent
from snn2chip.stages.levels import allowed, quantized


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All findings of reading, lowering, quantizing and mapping."""

    findings: tuple[Finding, ...]
    target: str
    cores: int
    chips: int

    @property
    def fits(self) -> bool:
        """No finding is an error."""
        return not errors_of(self.findings)

    def lines(self) -> list[str]:
        """Findings, errors first, then the answer."""
        ordered = sorted(self.findings, key=lambda f: list(Severity).index(f.severity))
        answer = f"fits {self.target}: {self.cores} cores, {self.chips} chip(s)"
        return [*map(str, ordered), answer if self.fits else f"does not fit {self.target}"]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "fits": self.fits,
            "target": self.target,
            "cores": self.cores,
            "chips": self.chips,
            "findings": [f.to_dict() for f in self.findings],
        }


def check(options: BuildOptions, *, progress: Progress | None = None) -> Checked:
    """Findings of every stage up to the map; a stage that cannot go on ends the list."""
    tell = progress or Silent()
    try:
        levels = quantized(options, tell)
    except StatementError as e:
        return Checked(findings=(e.finding, *e.others), target=options.target, cores=0, chips=0)
    if errors_of(levels.findings):
        return Checked(findings=levels.findings, target=levels.target.name, cores=0, chips=0)
    coding = None if options.quantize.coding is None else Coding(options.quantize.coding)
    try:
        with tell.stage("map"):
            mapped = map_circuit(levels.qc, levels.target, coding=coding, placing=options.place)
    except StatementError as e:
        found = (*levels.findings, e.finding, *e.others)
        return Checked(findings=found, target=levels.target.name, cores=0, chips=0)
    return Checked(
        findings=(*levels.findings, *allowed(mapped.findings, options.quantize.allow)),
        target=levels.target.name,
        cores=len(mapped.program.cores),
        chips=mapped.program.chips,
    )
