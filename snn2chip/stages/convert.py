"""`convert`: a model as a .nir file."""

from dataclasses import dataclass
from pathlib import Path

from snn2chip.circuit.nir import foreign_notes, write
from snn2chip.circuit.nir_library import library_called, library_notes, write_for
from snn2chip.errors import Finding
from snn2chip.lowering import lower
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.progress import Progress, Silent
from snn2chip.stages.data import existing
from snn2chip.stages.levels import read, stop_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """The file, what is in it, and what other tools would read otherwise."""

    path: Path
    populations: int
    projections: int
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]

    def lines(self) -> list[str]:
        """What was written."""
        return [
            *(str(f) for f in self.findings),
            *self.notes,
            f"{self.populations} populations, {self.projections} projections in {self.path}",
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "nir": str(self.path),
            "populations": self.populations,
            "projections": self.projections,
            "notes": list(self.notes),
            "findings": [f.to_dict() for f in self.findings],
        }


def convert(
    request: ModelRequest,
    output: str | Path,
    *,
    library: str | None = None,
    progress: Progress | None = None,
) -> Converted:
    """Read and lower a model, write its circuit to the .nir file `output`.

    `library`: as its importer reads it (a name of LIBRARIES), StatementError `nir-library` where it cannot represent
    the network. None: our own file, from which every command goes on.
    """
    wanted = None if library is None else library_called(library)
    tell = progress or Silent()
    path = existing(output)
    model = read(BuildOptions(model=request), tell)
    with tell.stage("lower"):
        lowered = lower(model.network)
    stop_at(lowered.findings)
    if wanted is None:
        write(lowered.circuit, path)
        notes = foreign_notes(lowered.circuit)
    else:
        write_for(lowered.circuit, wanted, path)
        notes = library_notes(lowered.circuit, wanted)
    return Converted(
        path=path,
        populations=len(lowered.circuit.populations),
        projections=len(lowered.circuit.projections),
        notes=notes,
        findings=lowered.findings,
    )
