"""`snn2chip.read`: a module in memory, of SpikingJelly, norse, snnTorch or sinabs, as a model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snn2chip.errors import StatementError
from snn2chip.model import IN_MEMORY, LiveRequest, LoadedModel
from snn2chip.network.engine import run as run_network
from snn2chip.network.judge import FLOAT32, FLOAT64
from snn2chip.network.types import Network
from snn2chip.progress import Progress, Silent
from snn2chip.verify.text import rung_line
from snn2chip.verify.ties import TieJudge
from snn2chip.verify.types import Rung

if TYPE_CHECKING:
    from torch import nn

    from snn2chip.readers.module.read import ReadLive


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveModel(LiveRequest):
    """A module that was read: goes where a ModelRequest goes, `BuildOptions(model=...)`.

    `rung`: the comparison of its own spikes with the Network's, None where that was not asked for.
    """

    rung: Rung | None

    @property
    def network(self) -> Network:
        """What the module was understood as."""
        return self.loaded.network

    def lines(self) -> list[str]:
        """What was read, assumed and left out, and the comparison."""
        p = self.network.provenance
        return [
            f"{p.title}, T = {self.network.steps}, {len(self.network.layers)} layers",
            *(f"assumed: {sentence}" for sentence in p.assumed),
            *(f"not used: {what}" for what in p.unused),
            *([] if self.rung is None else [rung_line(self.rung)]),
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        p, rung = self.network.provenance, self.rung
        return {
            "module": p.path,
            "steps": self.network.steps,
            "layers": [x.name for x in self.network.layers],
            "assumed": list(p.assumed),
            "unused": list(p.unused),
            "compared": None if rung is None else rung.compared,
            "differing": None if rung is None else rung.differing,
        }


def read(
    module: "nn.Module",
    example_input: object,
    *,
    steps: int,
    layout: str | None = None,
    compare: bool = True,
    progress: Progress | None = None,
) -> LiveModel:
    """A module of SpikingJelly, norse, snnTorch or sinabs as a model, for T = `steps`.

    `example_input`: a tensor or array as forward takes it, in `layout` (one of inputs.LAYOUTS; None: by its rank).
    Where forward runs one step, it is called T times, with the one image or with the frames of all steps.
    `compare`: run the module beside the Network and compare every spike (rung 0).
    Errors: Snn2ChipError for whatever cannot be kept, with its line in the user's code; StatementError where a spike
    differs.
    """
    from snn2chip.readers.module.read import read_module

    tell = progress or Silent()
    with tell.stage("read"):
        found = read_module(module, example_input, steps, layout)
    for sentence in found.network.provenance.assumed:
        tell.note(f"assumed: {sentence}")
    rung = None
    if compare:
        with tell.stage("compare"):
            rung = compared(found)
    path = IN_MEMORY + found.network.provenance.path
    loaded = LoadedModel(network=found.network, inputs=found.inputs, live=found.run)
    return LiveModel(path=path, steps=steps, loaded=loaded, rung=rung)


def compared(found: "ReadLive") -> Rung:
    """Rung 0 on the example; StatementError at the first spike that differs and is no tie."""
    judge = TieJudge(unit=FLOAT64 if found.run.double else FLOAT32)
    judge.expect(found.run(found.inputs), 0)
    run_network(found.network, found.inputs, record=False, judge=judge)
    rung = judge.rung("0", "source", ("the module's own forward", "float engine, float64"))
    if not rung.passed:
        first = "; ".join(rung.notes) if rung.first is None else f"first {rung.first}"
        raise StatementError(
            "module-spikes",
            found.network.provenance.path,
            "the module fires other spikes than the network that it was read as",
            have=f"{rung.differing:,} of {rung.compared:,} differ, {first}",
            need="0",
            help="this is an error of ours, or the module changes its neurons as it runs: please report it",
        )
    return rung
