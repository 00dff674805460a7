"""Axes to points: all combinations of what is named, else one change at a time."""

from snn2chip.chip.target import load_target
from snn2chip.explore.points import Axes, points_of
from snn2chip.network.types import InputKind

TARGETS = {name: load_target(name) for name in ("loihi1", "loihi2")}


def test_named_axes_are_combined_in_their_order():
    axes = Axes(targets=("loihi2", "loihi1"), weight_bits=(8, 4), splits=("fewest", "quiet"))
    points = points_of(axes, TARGETS, 4, InputKind.STATIC)
    assert [(p.target, p.weight_bits, p.split) for p in points] == [
        (t, b, s) for t in ("loihi2", "loihi1") for b in (8, 4) for s in ("fewest", "quiet")
    ]
    assert {(p.steps, p.share, p.place, p.coding) for p in points} == {(4, "auto", "swap", "auto")}


def test_without_a_choice_one_axis_changes_at_a_time():
    first, *others = points_of(Axes(), TARGETS, 4, InputKind.STATIC)
    axes = ("target", "weight_bits", "steps", "split", "share", "place", "coding")
    changed = [[a for a in axes if getattr(p, a) != getattr(first, a)] for p in others]
    assert all(len(names) == 1 for names in changed)
    assert {names[0] for names in changed} == set(axes) - {"target"}
    assert len(set(others)) == len(others)


def test_frames_have_one_t_and_are_never_biases():
    points = points_of(Axes(), TARGETS, 16, InputKind.FRAMES)
    assert {p.steps for p in points} == {16}
    assert {p.coding for p in points} == {"auto", "graded", "events"}


def test_no_point_twice():
    axes = Axes(weight_bits=(8, 8), steps=(4, 4))
    assert len(points_of(axes, TARGETS, 4, InputKind.STATIC)) == 1
