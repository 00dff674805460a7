"""`energy`: counts of the last recording, priced."""

import json
from dataclasses import dataclass
from pathlib import Path

from snn2chip.build import Build, open_build
from snn2chip.chip.target import load_target
from snn2chip.energy.counts import count
from snn2chip.energy.estimate import Estimate, estimate
from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData
from snn2chip.progress import Progress, Silent
from snn2chip.recording import Recording
from snn2chip.recordings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """An estimate and where it was written."""

    estimate: Estimate
    path: Path

    def lines(self) -> list[str]:
        """Every term with count, price, source and status."""
        return [*self.estimate.lines(), f"estimate: {self.path}"]

    def to_dict(self) -> dict[str, object]:
        """As in energy.json."""
        return self.estimate.to_dict()


def estimate_energy(
    build: str | Path, *, prices: str | None = None, progress: Progress | None = None
) -> Priced:
    """Count and price the build's newest recording; writes energy.json."""
    folder = open_build(build)
    return price(folder, prices, progress or Silent())


def price(folder: Build, prices: str | None, tell: Progress) -> Priced:
    """The estimate of the build's newest recording."""
    recording, inputs = last_recording(folder)
    target = load_target(folder.options.target)
    with tell.stage("energy"):
        counts = count(folder.quantized(), recording, folder.program(), target, inputs=inputs)
        found = estimate(counts, target, prices=prices)
    path = folder.put(
        "energy.json", json.dumps({**found.to_dict(), "input": inputs.digest()}, indent=1)
    )
    return Priced(estimate=found, path=path)


def last_recording(folder: Build) -> tuple[Recording, InputData]:
    """The newest recording in the build folder, and its input as integers."""
    files = sorted((folder.path / "recordings").glob("*.npz"), key=lambda p: p.stat().st_mtime_ns)
    if not files:
        raise Snn2ChipError(
            "build-incomplete",
            str(folder.path / "recordings"),
            "holds no recording",
            help=f"run `snn2chip simulate {folder.path} --input X.npy` or `verify` first",
        )
    return load(files[-1])
