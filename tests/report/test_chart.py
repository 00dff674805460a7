"""Plots: numbers to pixels."""

from itertools import pairwise

import pytest

from snn2chip.report.chart import Axis, Chart, Line, Mark, axis, log_axis, names_axis


def chart(x: Axis, y: Axis, *marks: Mark) -> Chart:
    return Chart(name="a plot", x=x, y=y, marks=marks)


def test_corners_are_where_the_axes_end():
    c = chart(axis("x", 0, 10), axis("y", 0, 1))
    assert (c.across(0), c.across(10)) == (pytest.approx(c.left, abs=0.06), c.right)
    assert (c.down(0), c.down(1)) == (c.bottom, c.top)
    assert c.across(5) == pytest.approx((c.left + c.right) / 2, abs=0.06)
    corner = f"M{c.across(0)} {c.down(0)}L{c.across(10)} {c.down(1)}"
    assert c.path(Line(points=((0, 0), (10, 1)))) == corner


def test_decades_are_equally_long():
    x = log_axis("x", 2, 900)
    assert (x.part(1), x.part(10), x.part(1000)) == (0, pytest.approx(1 / 3), 1)


def test_one_value_still_has_an_axis():
    assert axis("x", 3, 3).low < 3 < axis("x", 3, 3).high
    assert log_axis("x", 10, 10).high > 10


def test_names_stand_from_the_top_and_have_room():
    y = names_axis("", ("first", "second", "a name that is very long"))
    c = chart(axis("x", 0, 1), y)
    assert c.top < c.down(0) < c.down(-1) < c.down(-2) < c.bottom
    assert c.left > 7 * len("a name that is very long")


def test_labels_leave_each_other_room():
    names = tuple((float(i), f"layer{i}.a.long.name") for i in range(60))
    x = Axis(label="", low=-1, high=60, ticks=names)
    c = chart(x, axis("y", 0, 1))
    ends = [(c.across(at), 3.6 * len(text)) for at, text in c.x_ticks]
    assert 3 <= len(ends) < 60
    assert all(b - bw > a + aw for (a, aw), (b, bw) in pairwise(ends))
