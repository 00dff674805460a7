"""`finetune`: a checkpoint trained with the chip's rounding in the loop, as a checkpoint in the source's layout."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from snn2chip.progress import Progress, Silent
from snn2chip.readers.claims import OTHER_FRAME
from snn2chip.stages.data import existing
from snn2chip.training.architectures.types import plain as option
from snn2chip.training.finetune import Finetuned
from snn2chip.training.finetune import finetune as run
from snn2chip.training.finetune_start import FinetuneRequest
from snn2chip.training.run import write_held_back


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetunedCheckpoint:
    """Where the checkpoint is, and what training on the grid was worth.

    `held_back`: files of the first held-back samples and their classes. `replaced`: whether another file was at `path`.
    """

    path: Path
    done: Finetuned
    held_back: tuple[Path, Path]
    replaced: bool

    def accuracies(self) -> dict[str, float]:
        """Part of the held-back samples that get their class: in floats, only rounded, trained."""
        d, tested = self.done, len(self.done.start.data.test_y)
        counts = {"float": d.float_right, "rounded": d.rounded_right, "finetuned": d.right}
        return {name: count / tested for name, count in counts.items()}

    def next(self) -> list[str]:
        """The command line that deploys the checkpoint."""
        request, data = self.done.start.request, self.done.start.data
        model, (samples, labels) = request.model, self.held_back
        options = (f"{k}={option(v)}" for k, v in model.options.items())
        return [
            *("snn2chip", "deploy", str(self.path)),
            *(() if model.arch is None else ("--arch", model.arch)),
            *(word for o in options for word in ("--option", o)),
            *(() if model.steps is None else ("--steps", str(model.steps))),
            *("--target", request.target),
            *("--input", str(samples), "--layout", "NCHW" if data.frames is None else "NTCHW"),
            *("--labels", str(labels), "--out", f"{self.path}.build"),
        ]

    def lines(self) -> list[str]:
        """Three accuracies, the checkpoint, one sentence for each caveat, and what to do next."""
        s, found = self.done.start, self.accuracies()
        tested = len(s.data.test_y)
        return [
            f"{s.network.provenance.title} on {s.data.name} "
            f"({' x '.join(map(str, s.data.frame))}), {tested} held back",
            f"in floats                                {100 * found['float']:6.2f} % right",
            f"rounded to {s.bits} bits ({s.request.method}), as {s.target.name} "
            f"computes    {100 * found['rounded']:6.2f} %",
            f"fine-tuned on {s.bits} bits, as {s.target.name} computes "
            f"  {100 * found['finetuned']:6.2f} %",
            *doubts(found, 1 + int(s.data.test_y.max()), s.data.name),
            *(f"careful: {a}" for a in s.network.provenance.assumed if OTHER_FRAME in a),
            f"checkpoint: {self.path}{', in place of the file that was there' * self.replaced}",
            *(f"not proved to be equal in float32: {c}" for c in self.done.caveats),
            f"next: {shlex.join(self.next())}",
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        s = self.done.start
        return {
            "checkpoint": str(self.path),
            "system": s.network.provenance.system,
            "data": s.data.name,
            "target": s.target.name,
            "weight_bits": s.bits,
            "method": s.request.method,
            "tested": len(s.data.test_y),
            "accuracy": self.accuracies(),
            "epochs": [{"loss": e.loss, "accuracy": e.accuracy} for e in self.done.trained.epochs],
            "resumed": self.done.trained.resumed,
            "caveats": list(self.done.caveats),
            "next": self.next(),
        }


def doubts(found: dict[str, float], classes: int, data: str) -> list[str]:
    """What a person should look at again: `found` as `FinetunedCheckpoint.accuracies` gives it."""
    lines: list[str] = []
    if found["float"] < 2 / classes:
        lines.append(
            f"careful: in floats it is hardly better than chance ({100 / classes:.1f} %); "
            f"was the network trained on {data}, with pixels of the same range?"
        )
    if found["finetuned"] < found["rounded"]:
        lines.append("careful: rounding alone was better; more --epochs or a smaller --lr may help")
    return lines


def finetune(
    request: FinetuneRequest, output: str | Path, *, progress: Progress | None = None
) -> FinetunedCheckpoint:
    """Fine-tune to the file `output`; a killed run goes on from `output`.state, which a finished one removes.

    `output`.test.npy and `output`.test_labels.npy get held-back samples, for the deployment.
    """
    path = existing(output)
    replaced = path.exists()
    state = path.with_name(f"{path.name}.state")
    done = run(request, path, state, progress or Silent())
    state.unlink(missing_ok=True)
    held_back = write_held_back(done.start.data, path.with_name(f"{path.name}.test"))
    return FinetunedCheckpoint(path=path, done=done, held_back=held_back, replaced=replaced)
