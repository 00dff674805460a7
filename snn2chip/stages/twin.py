"""`twin`: the quantized network as a checkpoint in the authors' own layout, with the input on its grid."""

from dataclasses import dataclass
from pathlib import Path

from snn2chip.build import Build, open_build
from snn2chip.errors import Snn2ChipError
from snn2chip.files import sha256
from snn2chip.model import LoadedModel, load_model
from snn2chip.progress import Progress, Silent
from snn2chip.stages.data import existing


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Where the twin checkpoint is, and why float32 code may fire other spikes than the chip (empty: it cannot)."""

    path: Path
    system: str
    caveats: tuple[str, ...]

    def lines(self) -> list[str]:
        """One sentence, and one for each caveat."""
        return [
            f"twin checkpoint in the layout of {self.system}: {self.path}",
            *(f"not proved to be equal in float32: {c}" for c in self.caveats),
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {"twin": str(self.path), "system": self.system, "caveats": list(self.caveats)}


def write_twin(build: str | Path, output: str | Path, *, progress: Progress | None = None) -> Twin:
    """Write the twin of `build`; needs the source file, whose layout it repeats."""
    tell = progress or Silent()
    path = existing(output)
    folder = open_build(build)
    qc = folder.quantized()
    with tell.stage("read"):
        model = source(folder)
    if model is None:
        raise Snn2ChipError(
            "twin-source",
            folder.options.model.path,
            "the source of this build is gone or changed",
            help="put it back",
        )
    if model.write_twin is None:
        raise Snn2ChipError(
            "twin-layout",
            model.network.provenance.system,
            "this system's layout cannot say the quantized network",
        )
    caveats = model.write_twin(qc, path)
    return Twin(path=path, system=model.network.provenance.system, caveats=caveats)


def source(folder: Build) -> LoadedModel | None:
    """The model that a build was made from, if its file is still the same."""
    path = Path(folder.options.model.path)
    if not path.is_file() or sha256(path) != folder.hashes["model"]:
        return None
    return load_model(folder.options.model)
