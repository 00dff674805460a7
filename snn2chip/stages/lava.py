"""`lava export`: the program of a build as a Lava script with its data."""

import io
import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn2chip.build import open_build
from snn2chip.engines.lava.compose import compose
from snn2chip.engines.lava.environment import SETUP, WORKER, python
from snn2chip.engines.lava.expected import expected_of, hint, words
from snn2chip.engines.lava.plan import Plan
from snn2chip.engines.lava.script import EXPECTED, chip_refuses, data, script
from snn2chip.errors import Snn2ChipError
from snn2chip.files import write_folder
from snn2chip.progress import Progress, Silent
from snn2chip.recording import samples_of
from snn2chip.recordings import load
from snn2chip.verify.ladder import part

SCRIPT = "program.py"
MOST_NAMES = 3
SAMPLES = 4
"""Samples that the script runs: Lava reads a variable value by value, 15 µs each."""

COPIED = ("shim.py", "kinds.py")
OURS = ("convolution.py", "processes/neurons.py", "processes/wide_conv.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class LavaExported:
    """The folder; processes of Lava and of ours by kind; samples and outputs that the script compares.

    `populations`: how many there are, and how many of them run in neurons of ours. `refuses`: the processes of ours
    for which the script refuses --chip. `seconds`: what it takes in simulation, and what models of ours would.
    `python`: the interpreter that `lava setup` left, None where there is none.
    """

    folder: Path
    kinds: dict[str, int]
    ours: tuple[str, ...]
    populations: tuple[int, int]
    refuses: tuple[str, ...]
    seconds: tuple[float, float]
    python: Path | None
    samples: int
    outputs: int

    def lines(self) -> list[str]:
        """What is there, and how to run it."""
        counted = ", ".join(f"{n} {kind}" for kind, n in sorted(self.kinds.items()))
        own = f"of ours, in simulation only: {', '.join(self.ours)}" if self.ours else "all stock"
        total, ours = self.populations
        return [
            f"script: {self.folder / SCRIPT}",
            f"processes: {counted} ({own})",
            f"{ours} of {total} populations run in neurons of ours",
            f"compares {self.outputs:,} outputs of {self.samples} samples with the recording",
            self._run(),
            f"takes {words(self.seconds[0])} on two idle cores{hint(*self.seconds)}",
            self._chip(),
        ]

    def _run(self) -> str:
        script = str(self.folder / SCRIPT)
        if self.python is None:
            return f"run it where lava-nc 0.10.0 is (`{SETUP}` makes such a place): python {shlex.quote(script)}"
        return f"run it: {shlex.join([str(self.python), script])}"

    def _chip(self) -> str:
        if not self.refuses:
            return "on a chip: --chip takes Loihi2HwCfg and needs Intel's extension of Lava; never tried by us"
        more = len(self.refuses) - MOST_NAMES
        names = ", ".join(self.refuses[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
        return f"on a chip: refused, because processes of ours run in simulation only: {names}"

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "folder": str(self.folder),
            "kinds": self.kinds,
            "ours": list(self.ours),
            "populations": self.populations[0],
            "populations_ours": self.populations[1],
            "refuses": list(self.refuses),
            "seconds": self.seconds[0],
            "python": None if self.python is None else str(self.python),
            "samples": self.samples,
            "outputs": self.outputs,
        }


def export_lava(
    build: str | Path, output: str | Path, *, progress: Progress | None = None
) -> LavaExported:
    """Write the first samples of the build's last verification, and its program, to the folder `output`.

    Errors: StatementError `lava-width`; Snn2ChipError `build-incomplete` without a recording.
    """
    tell = progress or Silent()
    folder, out = open_build(build), _place(output)
    qc = folder.quantized()
    path = folder.path / "recordings" / "spec.npz"
    if not path.is_file():
        raise Snn2ChipError(
            "build-incomplete",
            str(path),
            "is not there",
            help=f"run `snn2chip verify {folder.path}` first",
        )
    with tell.stage("lava export"):
        recording, inputs = load(path)
        samples = min(SAMPLES, inputs.samples)
        recording, inputs = samples_of(recording, 0, samples), part(inputs, 0, samples)
        plan = compose(qc, inputs)
        buffer = io.BytesIO()
        arrays = data(plan, qc, recording)
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        kinds: dict[str, int] = {}
        for node in plan.nodes.values():
            kinds[node.kind] = kinds.get(node.kind, 0) + 1
        ours = tuple(sorted({n.kind for n in plan.nodes.values() if not n.stock}))
        files = {
            name: (WORKER.parent / name).read_bytes() for name in (*COPIED, *(OURS if ours else ()))
        }
        files |= {SCRIPT: script(plan, qc, samples).encode(), "data.npz": buffer.getvalue()}
        write_folder(out, files)
    return LavaExported(
        folder=out,
        kinds=kinds,
        ours=ours,
        populations=_populations(plan),
        refuses=chip_refuses(plan),
        seconds=expected_of(plan),
        python=_interpreter(),
        samples=samples,
        outputs=sum(v.size for name, v in arrays.items() if name.startswith(EXPECTED)),
    )


def _populations(plan: Plan) -> tuple[int, int]:
    """(populations, those of them that run in neurons of ours)."""
    ours = [s for s in plan.sinks if not plan.nodes[s.population].stock]
    return len(plan.sinks), len(ours)


def _interpreter() -> Path | None:
    try:
        return python()
    except Snn2ChipError:
        return None


def _place(path: str | Path) -> Path:
    """`path` if an export can be written there: a new name, or an older export."""
    out = Path(path)
    older = (out / SCRIPT).is_file()
    if (out.exists() and not older) or not out.parent.is_dir():
        why = "holds something else" if out.exists() else f"{out.parent} is not a folder"
        raise Snn2ChipError("out-taken", str(out), why, help="name another -o")
    return out
