"""The verdict for people and for machines."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from snn2chip.verify.types import Difference, LayerCount, Rung, Verdict

MOST_REASONS = 3


def verdict_lines(verdict: Verdict) -> list[str]:
    """The sentence on top, then a line or a few for each rung."""
    return [
        headline(verdict),
        *(line for r in verdict.rungs for line in (rung_line(r), *_executors(r), *_warnings(r))),
        *(f"  left out: {text}" for text in verdict.left_out),
        *_not_exercised(verdict),
    ]


def headline(verdict: Verdict) -> str:
    """One sentence: what holds, or the first thing that does not."""
    if verdict.passed:
        compared = sum(r.compared for r in verdict.rungs if r.rung in ("2", "3"))
        return f"VERIFIED: {compared:,} outputs compared between executors, 0 differ"
    broken = next((r for r in verdict.rungs if not r.passed), None)
    if broken is None:
        return "NOT VERIFIED: nothing was compared"
    where = "" if broken.first is None else f"; first: {broken.first}"
    note = f"; {broken.notes[0]}" if broken.notes and broken.first is None else ""
    counts = f"{broken.differing:,} of {broken.compared:,} differ"
    return f"NOT VERIFIED: rung {broken.rung} ({broken.title}): {counts}{where}{note}"


def _executors(rung: Rung) -> list[str]:
    """Who was compared with the spec."""
    first, *others = rung.sides
    return [f"          {', '.join(others)} against {first}"] if rung.rung == "3" else []


def _warnings(rung: Rung) -> list[str]:
    """What a person must know of a measurement; of many reasons for which 2c is only measured, the first."""
    if not measured(rung):
        return []
    shown = rung.notes[:MOST_REASONS] if rung.rung == "2c" else rung.notes
    more = len(rung.notes) - len(shown)
    return [
        *(f"    {note}" for note in shown),
        *([f"    and {more} more, in verdict.json"] if more else []),
    ]


def measured(rung: Rung) -> bool:
    """Whether a rung counts what differs, instead of asking that nothing does."""
    return rung.rung == "2b" or (rung.rung == "2c" and not rung.measures.get("proved", 1.0))


def rung_line(rung: Rung) -> str:
    """`rung 2  twin    holds   1,234 compared, 0 differ`."""
    state = "FAILS" if not rung.passed else "measured" if measured(rung) else "holds"
    share = (
        f" ({100 * rung.differing / rung.compared:.3g} %)"
        if rung.differing and rung.compared
        else ""
    )
    ties = f", {rung.ties} ties forced" if rung.ties else ""
    counts = f"{rung.compared:,} compared, {rung.differing:,} differ{share}{ties}"
    return f"  rung {rung.rung:<2} {rung.title:<44} {state:<8} {counts}"


def verdict_dict(verdict: Verdict) -> dict[str, object]:
    """As in verdict.json."""
    return {
        "passed": verdict.passed,
        "rungs": [_rung_dict(r) for r in verdict.rungs],
        "not_exercised": list(verdict.not_exercised),
        "left_out": list(verdict.left_out),
    }


def verdict_from_dict(tree: Mapping[str, Any]) -> Verdict:
    """The verdict that `verdict_dict` wrote."""
    return Verdict(
        rungs=tuple(_rung(r) for r in tree["rungs"]),
        not_exercised=tuple(tree["not_exercised"]),
        left_out=tuple(tree["left_out"]),
    )


def _rung_dict(rung: Rung) -> dict[str, object]:
    tree = asdict(rung)
    first = tree["first"]
    if first is not None and math.isnan(first["right"]):
        first["right"] = None
    return tree


def _rung(tree: Mapping[str, Any]) -> Rung:
    first = tree["first"]
    changed: dict[str, Any] = {k: tuple(tree[k]) for k in ("sides", "notes")}
    changed["layers"] = tuple(LayerCount(**c) for c in tree["layers"])
    executors: Mapping[str, Any] = tree.get("executors", {})
    changed["executors"] = {
        name: tuple(LayerCount(**c) for c in counts) for name, counts in executors.items()
    }
    changed["first"] = None if first is None else _difference(first)
    return Rung(**{**tree, **changed})


def _difference(tree: Mapping[str, Any]) -> Difference:
    right = float("nan") if tree["right"] is None else tree["right"]
    changed: dict[str, Any] = {"right": right, "neuron": tuple(tree["neuron"])}
    return Difference(**{**tree, **changed})


def _not_exercised(verdict: Verdict) -> list[str]:
    if not verdict.not_exercised:
        return []
    names = ", ".join(verdict.not_exercised[:6]) + (
        " ..." if len(verdict.not_exercised) > 6 else ""
    )
    return [
        f"  not exercised (no spike on this input): {len(verdict.not_exercised)} layer(s): {names}"
    ]


def matrix_lines(verdict: Verdict) -> list[str]:
    """Populations against executors: outputs compared with the spec's, and how many of them differ."""
    rung = next((r for r in verdict.rungs if r.executors), None)
    if rung is None:
        return []
    names = list(rung.executors)
    table = [["outputs that differ from spec", "compared", *names]]
    table += [
        [counts[0].layer, f"{counts[0].compared:,}", *(f"{c.differing:,}" for c in counts)]
        for counts in zip(*rung.executors.values(), strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in table
    ]
