"""How long Lava may take is told before it starts."""

from dataclasses import replace

import pytest

from snn2chip.engines.lava.compose import compose
from snn2chip.engines.lava.expected import Expected, expected, expected_of, tell_expected
from snn2chip.progress import Silent
from tests.engines.random_circuits import FAMILIES

OWN = "lava: {} with Lava's own models, on two idle cores"


class Told(Silent):
    """Keeps notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)


@pytest.mark.parametrize(
    ("stock", "fast", "itself", "said"),
    [
        (9.9, 5.0, False, OWN.format("some seconds")),
        (60.0, 5.0, False, OWN.format("about 60 s")),
        (
            421.0,
            31.0,
            False,
            OWN.format("about 7 min")
            + "; --engine lava-fast (verify, simulate) runs the same graph with faster models in about 31 s",
        ),
        (
            1500.0,
            44.0,
            True,
            OWN.format("about 25 min") + "; beyond 10 min it takes models of ours: about 44 s",
        ),
    ],
)
def test_what_is_said_of_lava(stock, fast, itself, said):
    found = Expected(stock=stock, fast=fast, itself=itself)
    assert found.sentence("lava") == said
    assert found.sentence("lava-fast").startswith("lava-fast: ")
    assert "the same graph" not in found.sentence("lava-fast")


@pytest.mark.parametrize("family", FAMILIES)
def test_runs_add_up_to_what_their_plans_say(family):
    qc, inputs = family(1)
    plans = [expected_of(compose(qc, inputs)) for _ in range(2)]
    found = expected(qc, [inputs.samples] * 2)
    assert found.stock == pytest.approx(sum(p[0] for p in plans))
    assert found.fast == pytest.approx(sum(p[1] for p in plans))
    assert not found.itself and expected(qc, [1, 10**9]).itself


def test_only_lava_is_told_and_only_where_it_can_run():
    qc, _ = FAMILIES[0](1)
    told = Told()
    tell_expected(("layer", "onnx"), qc, [1], told)
    assert not told.notes
    tell_expected(("onnx", "lava", "lava-fast"), qc, [1], told)
    assert [text.partition(":")[0] for text in told.notes] == ["lava", "lava-fast"]
    tell_expected(("lava",), replace(qc, v_limit=(1 << 31) - 1), [1], wide := Told())
    assert not wide.notes
