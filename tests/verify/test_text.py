"""What a verdict says to people."""

from dataclasses import replace

from snn2chip.verify.text import measured, verdict_lines
from snn2chip.verify.types import Rung, Verdict

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
