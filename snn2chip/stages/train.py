"""`train`: a network of one of the systems, trained on a data set, as a checkpoint that every other command reads."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from snn2chip.progress import Progress, Silent
from snn2chip.training.architectures.registry import ARCHITECTURES
from snn2chip.training.architectures.types import Architecture, Setting, plain
from snn2chip.training.run import CHECKPOINT, TrainedRun, TrainRequest, run


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedNetwork:
    """The checkpoint, how good it is, and the command that deploys it."""

    run: TrainedRun
    out: Path

    @property
    def checkpoint(self) -> Path:
        """In the layout of the architecture's authors."""
        return self.out / CHECKPOINT

    def deploy_options(self) -> dict[str, object]:
        """What the checkpoint cannot hold."""
        return dict(self.run.architecture.deploy(self.run.values))

    def next(self) -> list[str]:
        """The command line that deploys the network."""
        options = [f"{k}={plain(v)}" for k, v in self.deploy_options().items()]
        layout = "NCHW" if self.run.data.frames is None else "NTCHW"
        return [
            "snn2chip",
            "deploy",
            str(self.checkpoint),
            *(word for o in options for word in ("--option", o)),
            *("--target", "loihi2"),
            *("--input", str(self.out / "test.npy"), "--layout", layout),
            *("--labels", str(self.out / "test_labels.npy"), "--out", str(self.out / "build")),
        ]

    def lines(self) -> list[str]:
        """Accuracy, the checkpoint, what to do next."""
        r, last = self.run, self.run.trained.epochs[-1]
        count = len(r.trained.epochs)
        return [
            f"{r.architecture.name} on {r.data.name}: {last.right} of {last.tested} held back right "
            f"({100 * last.accuracy:.2f} %) after {count} epoch{'' if count == 1 else 's'}, seed {r.recipe.seed}",
            f"checkpoint: {self.checkpoint}",
            f"next: {shlex.join(self.next())}",
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        r = self.run
        return {
            "arch": r.architecture.name,
            "data": r.data.name,
            "checkpoint": str(self.checkpoint),
            "accuracy": r.trained.epochs[-1].accuracy,
            "epochs": [{"loss": e.loss, "accuracy": e.accuracy} for e in r.trained.epochs],
            "resumed": r.trained.resumed,
            "options": dict(r.values.of),
            "next": self.next(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainable:
    """What can be trained, with all options."""

    architectures: tuple[Architecture, ...] = ARCHITECTURES

    def lines(self) -> list[str]:
        """A paragraph for each."""
        return [line for a in self.architectures for line in (*_paragraph(a), "")][:-1]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return {
            a.name: {
                "title": a.title,
                "options": {
                    name: {"small": _default(s.small), "paper": _default(s.paper), "help": s.help}
                    for name, s in a.settings.items()
                },
            }
            for a in self.architectures
        }


def train(
    request: TrainRequest, out: str | Path, *, progress: Progress | None = None
) -> TrainedNetwork:
    """Train; the folder `out` gets the checkpoint, and goes on where a killed training stopped."""
    return TrainedNetwork(run=run(request, Path(out), progress or Silent()), out=Path(out))


def _paragraph(a: Architecture) -> list[str]:
    off = ", ".join(f"{k}={plain(v)}" for k, v in a.off.items())
    rows = [_row(name, setting) for name, setting in a.settings.items()]
    return [f"{a.name}: {a.title}", f"  without its method ({a.method}): {off}", *rows]


def _row(name: str, s: Setting) -> str:
    small, paper = _default(s.small), _default(s.paper)
    default = small if small == paper else f"{small} (paper: {paper})"
    return f"  {name:<20} {default:<36} {s.help}"


def _default(value: object) -> str:
    return "by the frame" if callable(value) else plain(value)
