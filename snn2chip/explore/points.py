"""What-if points: one choice on every axis; all combinations, or one change at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path

from snn2chip.chip.split import BALANCED, SLACKS
from snn2chip.chip.target import Target
from snn2chip.network.types import InputKind

AUTO = "auto"
"""The first coding that fits; cores are shared where layers are small."""

SHARES = (AUTO, "none")

FEWER_BITS = (6, 4, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A choice on every axis.

    `target`: name or file; `steps`: T; `share`: whether layers share cores, `auto` or `none`; `coding`: of the input,
    or `auto`.
    """

    target: str
    weight_bits: int
    steps: int
    split: str
    share: str
    place: str
    coding: str

    @property
    def chip(self) -> str:
        """The target as a table shows it: a name, or the name of a file without its folders."""
        return Path(self.target).name

    def __str__(self) -> str:
        return (
            f"{self.chip}, {self.weight_bits} bits, T = {self.steps}, split {self.split}, "
            f"share {self.share}, place {self.place}, coding {self.coding}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What the user names on each axis, in order; an empty axis has the default alone."""

    targets: tuple[str, ...] = ("loihi2",)
    weight_bits: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()
    splits: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    codings: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether any axis but the targets was named."""
        return any(getattr(self, f.name) for f in fields(self) if f.name != "targets")


def points_of(
    axes: Axes, targets: Mapping[str, Target], steps: int, kind: InputKind
) -> tuple[Point, ...]:
    """All combinations of what `axes` names; where it names nothing, the default and one change of it at a time.

    Target by target, in the order of the axes; no point twice. `targets`: by the names in `axes`; `steps`: the
    network's own T.
    """
    found: list[Point] = []
    for name in axes.targets:
        default = Point(
            target=name,
            weight_bits=targets[name].widths.weight_bits,
            steps=steps,
            split=BALANCED,
            share=AUTO,
            place="swap",
            coding=AUTO,
        )
        found += _grid(axes, default) if axes.named else _star(default, kind)
    return tuple(dict.fromkeys(found))


def _grid(axes: Axes, default: Point) -> Sequence[Point]:
    choices = (
        axes.weight_bits or (default.weight_bits,),
        axes.steps or (default.steps,),
        axes.splits or (default.split,),
        axes.shares or (default.share,),
        axes.places or (default.place,),
        axes.codings or (default.coding,),
    )
    return [
        Point(
            target=default.target,
            weight_bits=bits,
            steps=steps,
            split=split,
            share=share,
            place=place,
            coding=coding,
        )
        for bits, steps, split, share, place, coding in product(*choices)
    ]


def _star(default: Point, kind: InputKind) -> Sequence[Point]:
    """The default, then each axis by itself. Frames have one T; how they are sent differs from how images are."""
    images = kind is InputKind.STATIC
    bits = [b for b in FEWER_BITS if b < default.weight_bits]
    steps = [t for t in (default.steps // 2, 2 * default.steps) if t > 0] if images else []
    codings = ("host", "graded") if images else ("graded", "events")
    return [
        default,
        *(replace(default, weight_bits=b) for b in bits),
        *(replace(default, steps=t) for t in steps),
        *(replace(default, split=way) for way in SLACKS if way != default.split),
        replace(default, share="none"),
        replace(default, place="columns"),
        *(replace(default, coding=c) for c in codings),
    ]
