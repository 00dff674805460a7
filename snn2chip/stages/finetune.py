"""`finetune`: a checkpoint trained with the chip's rounding in the loop, as a checkpoint in the source's layout."""

from dataclasses import dataclass
from pathlib import Path

from snn2chip.progress import Progress, Silent
from snn2chip.stages.data import existing
from snn2chip.training.finetune import Finetuned
from snn2chip.training.finetune import finetune as run
from snn2chip.training.finetune_start import FinetuneRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetunedCheckpoint:
    """Where the checkpoint is, and what training on the grid was worth."""

    path: Path
    done: Finetuned

    def accuracies(self) -> dict[str, float]:
        """Part of the held-back samples that get their class: in floats, only rounded, trained."""
        d, tested = self.done, len(self.done.start.data.test_y)
        counts = {"float": d.float_right, "rounded": d.rounded_right, "finetuned": d.right}
        return {name: count / tested for name, count in counts.items()}

    def lines(self) -> list[str]:
        """Three accuracies, the checkpoint, and one sentence for each caveat."""
        s, found = self.done.start, self.accuracies()
        tested = len(s.data.test_y)
        return [
            f"{s.network.provenance.title} on {s.data.name}, {tested} held back",
            f"in floats                                {100 * found['float']:6.2f} % right",
            f"rounded to {s.bits} bits ({s.request.method}), as {s.target.name} "
            f"computes    {100 * found['rounded']:6.2f} %",
            f"fine-tuned on {s.bits} bits, as {s.target.name} computes "
            f"  {100 * found['finetuned']:6.2f} %",
            *doubts(found, 1 + int(s.data.test_y.max()), s.data.name),
            f"checkpoint: {self.path}",
            *(f"not proved to be equal in float32: {c}" for c in self.done.caveats),
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
    """Fine-tune to the file `output`; a killed run goes on from `output`.state, which a finished one removes."""
    path = existing(output)
    state = path.with_name(f"{path.name}.state")
    done = run(request, path, state, progress or Silent())
    state.unlink(missing_ok=True)
    return FinetunedCheckpoint(path=path, done=done)
