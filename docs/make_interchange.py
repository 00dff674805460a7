"""Who reads whose `.nir` files with which spikes: write docs/interchange.md.

    python docs/make_interchange.py

Files written by norse, snnTorch, SpikingJelly and sinabs are the recorded cases of tests/cases/nir, with the spikes
of the library itself. Files of ours are the same networks, converted for the one who reads. Takes about ten seconds.
"""

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from snn2chip.circuit.nir_library import write_for
from snn2chip.circuit.nir_library_neurons import LIBRARIES
from snn2chip.circuit.types import Circuit
from snn2chip.errors import Snn2ChipError
from snn2chip.lowering import lower
from snn2chip.readers.nir import read_nir

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.readers.foreign import outputs_of  # noqa: E402 - beside us, in the repository
from tests.readers.nir_files import spikes  # noqa: E402
from tests.readers.test_nir_cases import CASES, opened, recorded, text  # noqa: E402

READERS = ("norse", "snntorch", "spikingjelly", "sinabs", "snn2chip")
TITLE = "# Interchange"
HEAD = """
Made by `python docs/make_interchange.py`. Each cell: entries of the spikes of all layers of neurons, in every step
and for both samples, that differ from the spikes of the network that was written, of those compared. The networks are
the recorded cases of `tests/cases/nir`. A library reads with its own importer and nothing changed, norse and
SpikingJelly with the `dt` that the file was written with; snn2chip reads with the convention of the one that wrote. A
letter stands for the reason why a cell has no number, below.
"""


def compared(need: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray]) -> str:
    """`differing of compared`, over all layers of `need`; an error where a layer is missing or of another shape."""
    differing = total = 0
    for name, array in need.items():
        there = got.get(re.sub(r"\W", "_", name), got.get(name))
        if there is None:
            raise ValueError(f"the imported module never runs {name}")
        if np.size(there) != np.size(array):
            raise ValueError(f"{name} is of shape {np.shape(there)}, not {np.shape(array)}")
        differing += int((np.reshape(there, np.shape(array)) != array).sum())
        total += np.size(array)
    return f"{differing:,} of {total:,}"


def foreign_cell(folder: Path, reader: str) -> str:
    """A file of another library, read by `reader`."""
    case, x = opened(folder)
    need = {n: a for n, a in recorded(folder, case).items() if "#" not in n}
    if reader == "snn2chip":
        return compared(need, spikes(read_nir(folder / "model.nir", text(case), case["T"]), x))
    dt = float(case["convention"].get("dt", 1.0))
    return compared(need, outputs_of(reader, folder / "model.nir", x, dt))


def our_cell(folder: Path, reader: str, scratch: Path) -> str:
    """A file of ours, read by `reader`, against the recorded spikes of the network that it was made from."""
    case, x = opened(folder)
    need = {n: a for n, a in recorded(folder, case).items() if "#" not in n}
    file = scratch / f"{folder.name}.nir"
    if reader == "snn2chip":
        from snn2chip.circuit.nir import write

        write(network(folder), file)
        return compared(need, spikes(read_nir(file, None, None), x))
    write_for(network(folder), LIBRARIES[reader], file)
    return compared(need, outputs_of(reader, file, x, LIBRARIES[reader].dt))


def network(folder: Path) -> Circuit:
    """The circuit of a case."""
    case, _ = opened(folder)
    return lower(read_nir(folder / "model.nir", text(case), case["T"])).circuit


def reason(e: Exception) -> str:
    """One line of an error; ours without code and names."""
    if isinstance(e, Snn2ChipError):
        return re.sub(r" \([^)]*\)", "", e.finding.why)
    first = str(e).strip().splitlines()
    return f"{type(e).__name__}: {first[0] if first else ''}"[:200]


def page(scratch: Path) -> str:
    """The page."""
    reasons: dict[str, str] = {}

    def told(make: object, *args: object) -> str:
        try:
            return make(*args)  # type: ignore[operator]
        except Exception as e:
            return reasons.setdefault(reason(e), chr(ord("a") + len(reasons)))

    lines = [TITLE, HEAD]
    for heading, cell, more in (
        ("Files of the libraries' own exporters", foreign_cell, ()),
        ("The same networks, written by snn2chip", our_cell, (scratch,)),
    ):
        lines += [f"## {heading}\n", f"| network | {' | '.join(READERS)} |"]
        lines.append(f"|---|{'---|' * len(READERS)}")
        for folder in CASES:
            row = [told(cell, folder, reader, *more) for reader in READERS]
            library = json.loads((folder / "case.json").read_text())["library"]
            by = f" (written by {library})" if cell is foreign_cell else ""
            lines.append(f"| {folder.name}{by} | {' | '.join(row)} |")
        lines.append("")
    lines += ["## Why a cell has no number\n"]
    lines += [f"- {letter}: {why}" for why, letter in reasons.items()]
    return "\n".join(lines) + "\n" + NOTES


NOTES = """
## What a file for a library looks like

`snn2chip convert NET --for LIBRARY -o net.nir` says in the words of that library's importer what the circuit does;
without `--for` the file is our own, from which every command goes on.

- Everything linear is a Conv2d: pools are kernels of ones, joins kernels of the identity, a dense layer a kernel of
  the size of its map. The importers drop or misread SumPool2d with padding, Scale, and Flatten before a batch.
- A decay is written as the tau that the importer turns back into it, with the library's own dt.
- Where a library asks v > θ and the circuit v >= θ, the file has the float32 below θ: both say the same of every
  float32 v. Resets go to 0, so nothing else changes.
- What cannot be said is refused, with the neurons' names: `snn2chip explain nir-library`.

## norse as an executor

norse runs more of our networks than its importer takes whole: a shortcut with layers of its own is lost in the walk
through the graph. So `--engine norse` has norse's importer make every node, and passes values along the edges itself.

<!-- prepare: build -->
```
snn2chip trace    net.pth --input test.npy --engine norse -o spikes.npz   # the float circuit, in float32
snn2chip simulate build --input test.npy --engine norse                    # the chip's numbers, as floats
snn2chip verify   build --input test.npy --engine norse                    # both, compared: rungs 1b and 3
```

- The float circuit may differ from ours by ties, as float32 does at rung 0; each is proved to be one, and counted.
- The chip's numbers run where float32 is proved to fire the chip's spikes: all sums below 2^24 units, no decay, or
  one of 1/2 or 1/4 that loses no bit in T steps (`snn2chip explain float32-twin`).
- norse has no neurons for: resets by subtraction or late, several spikes or thresholds, no reset, floors, gains, biases
  that differ between steps or places, real-valued relays, read-outs that leak. That is S-ResNet, MLF, and Ledinauskas'
  soft reset; the networks of the SEW repository and of Guo's group run.
"""


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as scratch:
        (HERE / "interchange.md").write_text(page(Path(scratch)), encoding="utf-8")


if __name__ == "__main__":
    main()
