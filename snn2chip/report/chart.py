"""Plots as SVG: two axes, marks with a text that shows when one points at them, and lines. For every page of ours.

A plot is made of values (`Axis`, `Mark`, `Line`) and drawn by the macro `chart` of macros.html, in the page's colours.
All that a plot shows must stand in a table beside it, too: that is what a screen reader reads.
"""

import math
from dataclasses import dataclass

MARGIN_TOP, MARGIN_RIGHT, MARGIN_BOTTOM = 14, 24, 46
LETTER = 7.2
"""Width of a letter of the axis labels, in pixels: left margins are as wide as their longest label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """`ticks`: where a label stands, in the axis's own numbers. `log`: every decade is as long as the next."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def part(self, value: float) -> float:
        """Where `value` lies between low (0) and high (1)."""
        a, b, v = (
            (math.log10(self.low), math.log10(self.high), math.log10(value))
            if self.log
            else (self.low, self.high, value)
        )
        return (v - a) / (b - a) if b > a else 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point. `text`: shown when one points at it; `kind`: a class of style.css (good, bad, plain, hollow)."""

    x: float
    y: float
    text: str
    kind: str = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A way through points. `kind`: a class of style.css (front, rule, span)."""

    points: tuple[tuple[float, float], ...]
    kind: str = "front"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A plot in pixels; `name` says to a screen reader what it shows."""

    name: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...] = ()
    width: int = 760
    height: int = 360

    @property
    def left(self) -> float:
        """Where the x axis begins."""
        return 34 + LETTER * max((len(label) for _, label in self.y.ticks), default=0)

    @property
    def right(self) -> float:
        """Where the x axis ends."""
        return self.width - MARGIN_RIGHT

    @property
    def bottom(self) -> float:
        """Where the y axis begins."""
        return self.height - MARGIN_BOTTOM

    @property
    def top(self) -> float:
        """Where the y axis ends."""
        return MARGIN_TOP

    @property
    def x_ticks(self) -> tuple[tuple[float, str], ...]:
        """The ticks of the x axis whose labels have room: those in the way of an earlier one are left out."""
        shown: list[tuple[float, str]] = []
        taken = -LETTER
        for at, text in self.x.ticks:
            half = LETTER * len(text) / 2
            if self.across(at) - half >= taken + LETTER:
                shown.append((at, text))
                taken = self.across(at) + half
        return tuple(shown)

    def across(self, x: float) -> float:
        """Pixels from the left, to a tenth."""
        return round(self.left + self.x.part(x) * (self.right - self.left), 1)

    def down(self, y: float) -> float:
        """Pixels from the top, to a tenth."""
        return round(self.bottom - self.y.part(y) * (self.bottom - self.top), 1)

    def path(self, line: Line) -> str:
        """The line as an SVG path."""
        return "M" + "L".join(f"{self.across(x)} {self.down(y)}" for x, y in line.points)


def axis(label: str, low: float, high: float, unit: str = "") -> Axis:
    """An axis over whole steps of 1, 2 or 5 times a power of ten that hold low..high.

    >>> [text for _, text in axis("x", 0.0, 0.83).ticks]
    ['0', '0.2', '0.4', '0.6', '0.8', '1']
    >>> [text for _, text in axis("x", 97.0, 99.0, " %").ticks]
    ['97 %', '97.5 %', '98 %', '98.5 %', '99 %']
    """
    if high <= low:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 5
    decade = 10.0 ** math.floor(math.log10(rough))
    step = decade * next(s for s in (1, 2, 5, 10) if s * decade >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple((n * step, f"{n * step:.10g}{unit}") for n in range(first, last + 1))
    return Axis(label=label, low=first * step, high=last * step, ticks=ticks)


def log_axis(label: str, low: float, high: float) -> Axis:
    """An axis over whole decades that hold low..high, both above 0.

    >>> [text for _, text in log_axis("x", 3, 2000).ticks]
    ['1', '10', '100', '1000', '10000']
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = max(last, first + 1)
    ticks = tuple((10.0**n, f"{10.0**n:g}") for n in range(first, last + 1))
    return Axis(label=label, low=10.0**first, high=10.0**last, ticks=ticks, log=True)


def names_axis(label: str, names: tuple[str, ...]) -> Axis:
    """An axis with one place for each name, the first at the top: name i is at -i."""
    return Axis(
        label=label,
        low=-len(names) + 0.4,
        high=0.6,
        ticks=tuple((-float(i), name) for i, name in enumerate(names)),
    )
