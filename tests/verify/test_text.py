"""What a verdict says to people."""

from dataclasses import replace

from snn2chip.verify.compare import Tally
from snn2chip.verify.rungs import code
from snn2chip.verify.text import measured, verdict_dict, verdict_lines
from snn2chip.verify.types import Rung, Verdict


def rungs_of(verdict: Verdict) -> list[dict[str, object]]:
    """As a machine reads them."""
    return verdict_dict(verdict)["rungs"]  # type: ignore[return-value]


WHY = "not proved: sums of float32 can be larger than 2^24"


def test_what_is_only_measured_says_why():
    rung = Rung(
        rung="2c",
        title="twin",
        sides=("a", "b"),
        passed=True,
        compared=10,
        differing=1,
        notes=(WHY,),
    )
    counted = replace(rung, measures={"proved": 0.0})
    assert (measured(rung), measured(counted)) == (False, True)
    assert f"    {WHY}" in verdict_lines(Verdict(rungs=(counted,)))
    assert f"    {WHY}" not in verdict_lines(Verdict(rungs=(replace(rung, differing=0),)))


def test_of_many_reasons_the_first_three_are_printed_and_the_others_counted():
    """All of them are in verdict.json."""
    for reasons, printed in (
        (("a", "b", "c"), ["    a", "    b", "    c"]),
        (tuple("abcde"), ["    a", "    b", "    c", "    and 2 more, in verdict.json"]),
    ):
        rung = code(Tally(compared=10), proved=False, reasons=reasons, live=False)
        verdict = Verdict(rungs=(rung,))
        assert verdict_lines(verdict)[2:] == printed
        assert rungs_of(verdict)[0]["notes"] == reasons


def test_whose_code_runs_the_twin():
    def shown(live: bool) -> tuple[str, str]:
        rung = code(Tally(compared=10), proved=True, reasons=("proved",), live=live)
        return rung.title, rung.sides[0]

    assert shown(live=False) == (
        "twin checkpoint in our plain PyTorch",
        "plain PyTorch that computes as the source does, float32",
    )
    assert shown(live=True) == (
        "twin of the module in its own framework",
        "the user's module, float32",
    )


def test_rung_3_names_who_was_compared():
    rung = Rung(
        rung="3",
        title="engines",
        sides=("spec", "layer", "onnx"),
        passed=True,
        compared=10,
        differing=0,
    )
    assert verdict_lines(Verdict(rungs=(rung,)))[2:] == ["          layer, onnx against spec"]
