"""`debug`: where rounding hurts, and what would mend it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn2chip.circuit.types import INPUT
from snn2chip.codec import encode
from snn2chip.debug.diagnose import diagnose
from snn2chip.debug.journal import Journal
from snn2chip.debug.settings import Subject
from snn2chip.debug.text import lines_of
from snn2chip.debug.trials import Trials
from snn2chip.debug.types import Diagnosis, Measure
from snn2chip.errors import Snn2ChipError, errors_of
from snn2chip.files import cannot_write, write_whole
from snn2chip.inputs import InputData
from snn2chip.options import BuildOptions, one_of
from snn2chip.progress import Progress, Silent
from snn2chip.report.accuracy import render_accuracy
from snn2chip.stages.data import Labels, classes_of, load_labels
from snn2chip.stages.levels import Levels, calibration, quantized

RUNS, PAGE = "runs.json", "debug.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Debugged:
    """A diagnosis, of which network on which target, and where its page is."""

    title: str
    target: str
    diagnosis: Diagnosis
    path: Path

    def lines(self) -> list[str]:
        """The diagnosis, for people."""
        return [
            f"{self.title} on {self.target}",
            *lines_of(self.diagnosis),
            f"page: {self.path}",
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            "network": self.title,
            "target": self.target,
            "page": str(self.path),
            **self.diagnosis.to_dict(),
        }


def debug_accuracy(
    options: BuildOptions,
    out: str | Path = "debug",
    *,
    by: str | None = None,
    share: float = 0.5,
    progress: Progress | None = None,
) -> Debugged:
    """Find where rounding hurts on `options.model.input_path` and what mends it; write a page into the folder `out`.

    `by`: top1 (needs labels), decisions or outputs; None: the first of them that rounding lost something of. `share`:
    how much of the loss must be back before something mends. Every finished run is kept in `out`; a killed debug goes
    on there. A network that does not fit the target is debugged all the same, with its findings as notes.

    Errors: Snn2ChipError usage without an input or, by top1, without labels; option-value; out-taken.
    """
    tell = progress or Silent()
    measure = _measure(by, options.labels)
    if not 0 < share <= 1:
        raise Snn2ChipError(
            "option-value",
            "--share",
            "is no part of one",
            have=str(share),
            need="above 0, at most 1",
        )
    folder = _folder(Path(out))
    levels = quantized(options, tell)
    inputs = levels.model.inputs
    if inputs is None:
        raise Snn2ChipError("usage", "debug", "needs an input", help="give --input X.npy")
    for finding in errors_of(levels.findings):
        tell.note(str(finding))
    labels = load_labels(options.labels, inputs.samples, classes_of(levels.qc))
    journal = Journal(folder / RUNS, _question(levels, inputs, labels, options))
    if journal.resumed:
        tell.note(f"{journal.resumed} runs are there from before")
    trials = Trials(levels.circuit, levels.qc, inputs, labels, journal)
    subject = Subject(
        circuit=levels.circuit,
        target=levels.target,
        options=options.quantize,
        inputs=inputs,
        calibration=calibration(options, levels.circuit),
        rounded_input=INPUT in trials.places,
    )
    found = diagnose(trials, levels.qc, subject, measure, share, tell)
    title = f"{levels.qc.provenance.title}, T = {levels.qc.steps}"
    page = folder / PAGE
    write_whole(page, render_accuracy(found, title, levels.target.name))
    return Debugged(title=title, target=levels.target.name, diagnosis=found, path=page)


def _measure(by: str | None, labels: str | None) -> Measure | None:
    if by is None:
        return None
    one_of(by, tuple(m.value for m in Measure), "--by")
    if Measure(by) is Measure.TOP1 and labels is None:
        raise Snn2ChipError("usage", "--by top1", "needs labels", help="give --labels Y.npy")
    return Measure(by)


def _folder(path: Path) -> Path:
    """The folder, made if it is not there; one that holds something else than a debug's files is refused."""
    strange = path.exists() and not path.is_dir()
    strange = strange or (path.is_dir() and any(path.iterdir()) and not (path / RUNS).is_file())
    if strange:
        raise Snn2ChipError(
            "out-taken", str(path), "holds something else", help="name another --out"
        )
    try:
        path.mkdir(exist_ok=True)
    except OSError as e:
        raise cannot_write(path, e) from e
    return path


def _question(
    levels: Levels, inputs: InputData, labels: Labels | None, options: BuildOptions
) -> str:
    """A digest of all that decides what a run gives: both circuits, the samples, the labels, how it is rounded."""
    digest = hashlib.sha256(repr((options.quantize, levels.target.sha256)).encode())
    add: Callable[[bytes], None] = digest.update
    for level in (levels.circuit, levels.qc):
        tree, arrays = encode(level)
        add(repr(tree).encode())
        for name, values in sorted(arrays.items()):
            add(name.encode() + np.ascontiguousarray(values).tobytes())
    add(np.ascontiguousarray(inputs.values).tobytes())
    add(b"" if labels is None else labels.tobytes())
    return digest.hexdigest()
