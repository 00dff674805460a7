"""`rerun`: the same inputs and options again must give the same bytes."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import snn2chip.build as build
from snn2chip.errors import Snn2ChipError
from snn2chip.files import sha256
from snn2chip.progress import Progress, Silent
from snn2chip.stages.compile import compile_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """File of the compile -> whether its bytes are the same; inputs whose files have changed since.

    `replaced`: what was where the second build is kept: another build, or "".
    """

    files: dict[str, bool]
    changed: tuple[str, ...]
    path: Path | None
    replaced: str = ""

    @property
    def same(self) -> bool:
        """Every file has the same bytes."""
        return all(self.files.values())

    def lines(self) -> list[str]:
        """One line for each file."""
        rows = [
            f"{name:<14} {'same bytes' if same else 'DIFFERS'}" for name, same in self.files.items()
        ]
        gone = [f"replaced: {self.replaced}"] if self.replaced else []
        return [*(f"changed since the build: {c}" for c in self.changed), *rows, *gone]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        kept = None if self.path is None else str(self.path)
        return {
            "same": self.same,
            "files": self.files,
            "changed": list(self.changed),
            "build": kept,
        }


def rerun(
    path: str | Path, *, out: str | Path | None = None, progress: Progress | None = None
) -> Rerun:
    """Compile again with the options of the build at `path` and compare; `out` keeps the second build."""
    tell = progress or Silent()
    folder = build.open_build(path)
    if out is not None and Path(out).resolve() == folder.path.resolve():
        raise Snn2ChipError("out-taken", str(out), "is the build itself", help="name another --out")
    with TemporaryDirectory() as scratch:
        made = compile_model(folder.options, out or Path(scratch) / "build", progress=tell)
        second = made.path
        again = build.open_build(second)
        files = {
            name: sha256(folder.path / name) == sha256(second / name) for name in build.COMPILED
        }
    inputs = (name for name in again.hashes if name not in build.COMPILED)
    changed = tuple(name for name in inputs if folder.hashes.get(name) != again.hashes[name])
    return Rerun(
        files=files,
        changed=changed,
        path=None if out is None else Path(out),
        replaced=made.replaced,
    )
