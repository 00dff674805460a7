"""About how long Lava takes, told before it starts: it is the slowest executor, and says nothing until it is done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from snn2chip.engines.lava.compose import compose
from snn2chip.engines.lava.engine import STOCK_SECONDS
from snn2chip.engines.lava.plan import Plan
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.progress import Progress
from snn2chip.quantize.types import QuantizedCircuit

FAST = "lava-fast"
NAMES = ("lava", FAST)

HINT_SECONDS = 60
"""Stock models that take longer are told with how to have it faster."""

SHORT_SECONDS, MINUTES_FROM = 10, 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Seconds on two idle cores, without the start: with Lava's own models, and with ours.

    `itself`: `lava` takes ours without being asked, because its own would take too long.
    """

    stock: float
    fast: float
    itself: bool

    def sentence(self, name: str) -> str:
        """One line on the executor `name`: lava or lava-fast."""
        if name == FAST:
            return f"{FAST}: {words(self.fast)} on two idle cores"
        own = f"lava: {words(self.stock)} with Lava's own models, on two idle cores"
        if self.itself:
            limit = words(STOCK_SECONDS).removeprefix("about ")
            return f"{own}; beyond {limit} it takes models of ours: {words(self.fast)}"
        return f"{own}{hint(self.stock, self.fast)}"


def tell_expected(
    engines: Iterable[str], qc: QuantizedCircuit, runs: Sequence[int], progress: Progress
) -> None:
    """A line on each of `engines` that is Lava; `runs`: samples of each of its runs.

    None where Lava cannot express the network: the run itself says that.
    """
    for name in engines:
        if name in NAMES:
            try:
                progress.note(expected(qc, runs).sentence(name))
            except StatementError:
                return


def expected(qc: QuantizedCircuit, runs: Sequence[int]) -> Expected:
    """For `runs`, one after the other: samples of each. Errors: StatementError `lava-width`."""
    plan = compose(qc, _one(qc))
    depth = plan.steps - qc.steps
    steps = [samples * qc.steps + depth for samples in runs]
    stock, fast = plan.step_seconds
    return Expected(
        stock=stock * sum(steps),
        fast=fast * sum(steps),
        itself=stock * max(steps) > STOCK_SECONDS,
    )


def expected_of(plan: Plan) -> tuple[float, float]:
    """(seconds with Lava's own models, with ours) of one plan."""
    return plan.steps * plan.step_seconds[0], plan.steps * plan.step_seconds[1]


def hint(stock: float, fast: float) -> str:
    """How to have it faster, where that is worth while."""
    if stock <= HINT_SECONDS:
        return ""
    return f"; --engine {FAST} (verify, simulate) runs the same graph with faster models in {words(fast)}"


def words(seconds: float) -> str:
    """`about 40 s`, `about 7 min`; the start of Lava takes some seconds by itself."""
    if seconds < SHORT_SECONDS:
        return "some seconds"
    if seconds < MINUTES_FROM:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min"


def _one(qc: QuantizedCircuit) -> InputData:
    """One sample of nothing: a plan is the same for every input."""
    kind, shape = qc.input.kind, qc.input.shape
    frames = (1, *shape) if kind is InputKind.STATIC else (qc.steps, 1, *shape)
    return InputData(kind=kind, values=np.zeros(frames, np.int64))
