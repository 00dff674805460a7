"""The page of `debug`: what it shows is what was found."""

import re
from dataclasses import replace

from snn2chip.debug.types import Measure
from snn2chip.report.accuracy import plot, render_accuracy


def test_the_plot_goes_from_the_rounded_network_to_a_layer_in_floats(lossy):
    chart = plot(lossy)
    ways = [line.points for line in chart.lines if line.kind == "span"]
    assert ways == [((60, 0), (50, 0)), ((60, -1), (90, -1)), ((60, -2), (60, -2))]
    assert [line.points[0][0] for line in chart.lines if line.kind == "rule"] == [60, 100]
    assert [(m.x, m.kind) for m in chart.marks if m.y == -1] == [(70, "hollow"), (90, "bad")]
    assert chart.x.low <= 50 and chart.x.high >= 100


def test_the_table_says_how_much_comes_back(lossy):
    page = render_accuracy(lossy, "net", "loihi2")
    back = re.findall(r'data-v="([-\d.]+)"[^>]*>(-?\d+ %)</td>', page)
    assert [(float(v), text) for v, text in back if text in ("-25 %", "75 %", "0 %")] == [
        (-0.25, "-25 %"),
        (0.75, "75 %"),
        (0.0, "0 %"),
    ]
    assert page.count('class="hurts"') == 1
    assert "--method mse mends it" in page
    assert ">cannot be used</span>" in page
    assert "With <strong>b</strong> in floats" in page
    assert "cost something (below 0 %)" in page


def test_a_page_of_a_network_that_loses_nothing(lossy):
    kept = replace(lossy.original, differing=0)
    nothing = replace(
        lossy,
        by=Measure.OUTPUTS,
        rounded=kept,
        layers=(),
        culprits=(),
        mended=None,
        settings=(),
    )
    page = render_accuracy(nothing, "net", "loihi2")
    assert "Rounding loses nothing" in page
    assert 'class="verdict good"' in page
    assert "<svg" not in page
