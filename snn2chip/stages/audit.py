"""`audit`: what the packed tables of a build say, from the bytes alone."""

from dataclasses import dataclass
from pathlib import Path

from snn2chip.build import open_build
from snn2chip.chip.examine import examine
from snn2chip.chip.target import load_target
from snn2chip.chip.validate import Validation
from snn2chip.errors import Finding, errors_of, lines_of
from snn2chip.progress import Progress, Silent
from snn2chip.stages.levels import allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """Limits of every core, and the network rebuilt from the tables against the quantized one."""

    findings: tuple[Finding, ...]
    validation: Validation
    cores: int

    @property
    def passed(self) -> bool:
        """No error, and nothing differs."""
        return not errors_of(self.findings) and not self.validation.differing

    def lines(self) -> list[str]:
        """Findings first, then the count."""
        v = self.validation
        return [
            *lines_of(self.findings),
            f"{self.cores} core{'s' * (self.cores != 1)}: {len(errors_of(self.findings))} errors; "
            f"{v.compared:,} table entries rebuilt, {v.differing} differ from the quantized circuit",
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "passed": self.passed,
            "cores": self.cores,
            "compared": self.validation.compared,
            "differing": self.validation.differing,
            "findings": [f.to_dict() for f in self.findings],
        }


def audit_build(build: str | Path, *, progress: Progress | None = None) -> Audited:
    """Check every limit and rebuild the network from the packed tables of `build`."""
    tell = progress or Silent()
    folder = open_build(build)
    program, target = folder.program(), load_target(folder.options.target)
    with tell.stage("audit"):
        audited, validation = examine(program, target, folder.quantized())
    findings = allowed(audited, folder.options.quantize.allow)
    return Audited(
        findings=(*findings, *validation.findings), validation=validation, cores=len(program.cores)
    )
