"""Every text can be read on what lies behind it, in each theme and on paper: contrast as in WCAG 2.1, AA."""

import re

import pytest

from snn2chip.report.page import TEMPLATES

CSS = (TEMPLATES / "style.css").read_text(encoding="utf-8")
PAIRS = [
    ("fg", "bg"),
    ("fg", "soft"),
    ("fg", "bar"),  # numbers on the bars of tables, which axe cannot judge
    ("muted", "bg"),
    ("muted", "soft"),
    ("muted", "bar"),
    ("accent", "bg"),
    ("accent", "soft"),
    ("good", "good-bg"),
    ("bad", "bad-bg"),
    ("warn", "warn-bg"),
]


def themes() -> list[dict[str, str]]:
    """Colours by name of light, dark and print."""
    roots = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#\w+);", root)) for root in roots]


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", range(3), ids=["light", "dark", "print"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(theme, text, ground):
    colours = themes()[theme]
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_contrast_is_known_from_the_standard():
    assert contrast("#fff", "#000") == 21
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
