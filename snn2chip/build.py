"""The build folder: what a compile leaves, and what later stages add."""

import importlib.metadata
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from snn2chip.chip.program import Program
from snn2chip.circuit.types import Circuit
from snn2chip.errors import Finding, Snn2ChipError
from snn2chip.files import sha256, write_whole
from snn2chip.options import BuildOptions
from snn2chip.quantize.types import QuantizedCircuit

FORMAT = 1
"""Version of the folder's layout."""

COMPILED = ("network.nir", "quantized.npz", "program.npz")
"""The files of a compile, in the order of the levels."""

PACKAGES = ("snn2chip", "numpy", "nir", "h5py", "numba", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build folder that was opened and whose files are those that the compile wrote."""

    path: Path
    options: BuildOptions
    findings: tuple[Finding, ...]
    passes: tuple[Mapping[str, object], ...]
    hashes: Mapping[str, str]

    def circuit(self) -> Circuit:
        """The float circuit."""
        from snn2chip.circuit.nir import read

        return read(self.path / "network.nir")

    def quantized(self) -> QuantizedCircuit:
        """The integer circuit."""
        from snn2chip.quantize.files import load

        return load(self.path / "quantized.npz")

    def program(self) -> Program:
        """The packed program."""
        from snn2chip.chip.files import load

        return load(self.path / "program.npz")

    def put(self, name: str, data: bytes | str) -> Path:
        """Add a file of a later stage."""
        (self.path / name).parent.mkdir(exist_ok=True)
        write_whole(self.path / name, data)
        return self.path / name

    def json(self, name: str, stage: str) -> dict[str, object]:
        """A JSON file of an earlier stage, or an error that names the stage to run."""
        path = self.path / name
        if not path.is_file():
            raise Snn2ChipError(
                "build-incomplete",
                str(path),
                "is not there",
                help=f"run `snn2chip {stage} {self.path}` first",
            )
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError) as e:
            raise Snn2ChipError("build-garbled", str(path), f"cannot be read: {e}") from e


def description(
    options: BuildOptions,
    findings: Sequence[Finding],
    passes: Sequence[Mapping[str, object]],
    inputs: Mapping[str, str],
    files: Mapping[str, str],
) -> str:
    """The text of build.toml. `inputs` and `files`: name -> sha256."""
    import tomli_w

    tree = {
        "format": FORMAT,
        "versions": versions(),
        "options": options.to_dict(),
        "inputs": dict(inputs),
        "files": dict(files),
        "passes": [dict(p) for p in passes],
        "findings": [f.to_dict() for f in findings],
    }
    return tomli_w.dumps(tree)


def versions() -> dict[str, str]:
    """Installed versions of the packages that can change a result."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def open_build(path: str | Path) -> Build:
    """The build at `path`, with every file of the compile present and unchanged."""
    folder = Path(path)
    tree = _tree(folder)
    files = _table(tree, "files", folder)
    for name in COMPILED:
        _check_file(folder / name, str(files.get(name, "")))
    try:
        return Build(
            path=folder,
            options=BuildOptions.from_dict(_table(tree, "options", folder)),
            findings=tuple(Finding.from_dict(f) for f in tree.get("findings", [])),  # type: ignore[union-attr]
            passes=tuple(tree.get("passes", [])),  # type: ignore[arg-type]
            hashes={**_table(tree, "inputs", folder), **files},  # type: ignore[dict-item]
        )
    except (KeyError, TypeError, ValueError) as e:
        raise _garbled(folder, f"lacks or has too much: {e}") from e


def is_build(path: str | Path) -> bool:
    """Whether `path` is a folder with a build.toml."""
    return (Path(path) / "build.toml").is_file()


def replaced(path: Path, options: BuildOptions, inputs: Mapping[str, str]) -> str:
    """What a build of `options` and `inputs` (name -> sha256) takes the place of; "" if of nothing, or of the same."""
    if not is_build(path):
        return ""
    try:
        tree = tomllib.loads((path / "build.toml").read_text())
        old = BuildOptions.from_dict(tree["options"])
        what = f"a build of {Path(old.model.path).name} for {old.target}"
        same = old.to_dict() == options.to_dict() and tree["inputs"] == dict(inputs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Snn2ChipError):
        return "a build that cannot be read"
    return "" if same else f"{what}, of other options or other files"


def check_out(path: str | Path) -> Path:
    """`path` if a build can be written there: a new name, or an older build; else an error."""
    out = Path(path)
    if out.exists() and not out.is_dir():
        raise Snn2ChipError("out-taken", str(out), "is a file", help="name another --out")
    if out.is_dir() and any(out.iterdir()) and not is_build(out):
        raise Snn2ChipError(
            "out-taken",
            str(out),
            "is a folder that holds something else",
            help="name another --out",
        )
    if not out.parent.is_dir():
        kind = "is not a folder" if out.parent.exists() else "is not there"
        raise Snn2ChipError(
            "out-taken", str(out), f"{out.parent} {kind}", help="name another --out"
        )
    return out


def _tree(folder: Path) -> dict[str, object]:
    if not folder.exists():
        raise Snn2ChipError("build-missing", str(folder), "there is no such build folder")
    path = folder / "build.toml"
    if not path.is_file():
        raise Snn2ChipError(
            "build-missing",
            str(folder),
            "is not a build folder: it has no build.toml",
            help="run `snn2chip compile`",
        )
    try:
        tree = tomllib.loads(path.read_text())
    except (OSError, ValueError) as e:
        raise _garbled(folder, f"cannot be read: {e}") from e
    if tree.get("format") != FORMAT:
        raise Snn2ChipError(
            "build-version",
            str(path),
            "was written in another format version",
            have=str(tree.get("format")),
            need=str(FORMAT),
            help="compile it again with this version",
        )
    return tree


def _table(tree: Mapping[str, object], key: str, folder: Path) -> dict[str, object]:
    value = tree.get(key)
    if not isinstance(value, dict):
        raise _garbled(folder, f"has no table [{key}]")
    return value


def _check_file(path: Path, expected: str) -> None:
    if not path.is_file():
        raise Snn2ChipError("build-incomplete", str(path), "is not there", help="compile again")
    have = sha256(path)
    if have != expected:
        raise Snn2ChipError(
            "build-changed",
            str(path),
            "is not the file that the compile wrote",
            have=f"sha256 {have[:12]}",
            need=expected[:12],
            help="compile again",
        )


def _garbled(folder: Path, why: str) -> Snn2ChipError:
    return Snn2ChipError("build-garbled", str(folder / "build.toml"), why, help="compile again")
