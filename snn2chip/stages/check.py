"""`check`: everything that stands against a target, all at once."""

from dataclasses import dataclass, replace

from snn2chip.chip.audit import audit
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding
from snn2chip.errors import DefectError, Finding, StatementError, errors_of, lines_of
from snn2chip.model import notes_of
from snn2chip.options import BuildOptions
from snn2chip.progress import Progress, Silent
from snn2chip.stages.levels import allowed, quantized


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """All findings of reading, lowering, quantizing, mapping and the audit; not `read`: of the file's defects alone."""

    findings: tuple[Finding, ...]
    target: str
    cores: int
    chips: int
    read: bool = True

    @property
    def fits(self) -> bool:
        """No finding is an error."""
        return not errors_of(self.findings)

    def lines(self) -> list[str]:
        """Findings, errors first, then the answer."""
        return [*lines_of(self.findings), self._answer()]

    def _answer(self) -> str:
        if not self.read:
            return f"cannot be read: {len(errors_of(self.findings))} defect(s)"
        if not self.fits:
            return f"does not fit {self.target}"
        cores = f"{self.cores} core{'s' * (self.cores != 1)}"
        return f"fits {self.target}: {cores}, {self.chips} chip(s)"

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "fits": self.fits,
            "read": self.read,
            "target": self.target,
            "cores": self.cores,
            "chips": self.chips,
            "findings": [f.to_dict() for f in self.findings],
        }


def check(options: BuildOptions, *, progress: Progress | None = None) -> Checked:
    """Findings of every stage up to the audit; a stage that cannot go on ends the list."""
    tell = progress or Silent()
    notes = notes_of(options.model)
    try:
        found = _found(options, tell)
    except DefectError as e:
        found = _stopped(options.target, (e.finding, *e.others), read=False)
    except StatementError as e:
        found = _stopped(options.target, (e.finding, *e.others))
    return replace(found, findings=(*notes, *found.findings))


def _stopped(target: str, findings: tuple[Finding, ...], *, read: bool = True) -> Checked:
    return Checked(findings=findings, target=target, cores=0, chips=0, read=read)


def _found(options: BuildOptions, tell: Progress) -> Checked:
    levels = quantized(options, tell)
    if errors_of(levels.findings):
        return _stopped(levels.target.name, levels.findings)
    coding = None if options.quantize.coding is None else Coding(options.quantize.coding)
    try:
        with tell.stage("map"):
            mapped = map_circuit(
                levels.qc,
                levels.target,
                coding=coding,
                way=options.split,
                shared=options.share_cores != "none",
                placing=options.place,
            )
    except StatementError as e:
        return _stopped(levels.target.name, (*levels.findings, e.finding, *e.others))
    with tell.stage("audit"):
        audited = audit(mapped.program, levels.target)
    found = allowed((*mapped.findings, *audited), options.quantize.allow)
    return Checked(
        findings=(*levels.findings, *found),
        target=levels.target.name,
        cores=len(mapped.program.cores),
        chips=mapped.program.chips,
    )
