"""What an architecture is for the trainer: its options, how it is made, trained, and saved as its authors save."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import Shape
from snn2chip.readers.options import (
    choice,
    flag,
    number,
    positive,
    refuse_unknown,
    whole,
    wholes,
)
from snn2chip.training.dataset import Dataset, repeated
from snn2chip.training.loop import Loss
from snn2chip.training.recipe import Recipe
from snn2chip.zoo.model import SpikingNet
from snn2chip.zoo.surrogates import SHAPES, Surrogate

Parse = Callable[[str, object], object]
Default = object | Callable[[Shape], object]
"""A value, or a function of the frame's shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One `--option`: `parse` checks it, `small` and `paper` are the defaults of the two presets.

    `only_with`: (another option, the values of it) with which this one counts; said with others it is an error.
    """

    parse: Parse
    small: Default
    paper: Default
    help: str
    only_with: tuple[str, tuple[object, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The value of every setting, by name; each method gives one of its type."""

    of: Mapping[str, object]

    def whole(self, name: str) -> int:
        """A whole number of at least 1."""
        return whole(name, self.of[name])

    def number(self, name: str) -> float:
        """A number."""
        return number(name, self.of[name])

    def flag(self, name: str) -> bool:
        """Yes or no."""
        return flag(name, self.of[name])

    def wholes(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        return wholes(name, self.of[name])

    def word(self, name: str) -> str:
        """A word."""
        return str(self.of[name])

    def surrogate(self) -> Surrogate:
        """The surrogate gradient."""
        return Surrogate(
            shape=self.word("surrogate"),
            width=self.number("surrogate_width"),
            height=self.number("surrogate_height"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A trained network and what its authors' containers hold beside the weights."""

    net: SpikingNet
    values: Values
    recipe: Recipe
    accuracy: float
    """Part of the held-back samples that get their class."""


Make = Callable[[Values, Dataset], SpikingNet]
Pack = Callable[[Finished], object]
"""What `torch.save` writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One system, trainable.

    `title`: the paper. `small`, `paper`: recipes of the two presets. `pack`: the authors' container; `deploy`: options
    that a reader must be told, because that container cannot hold them. `loss`: None for cross-entropy. `method`: the
    paper's, and `off`: the options that switch it off. `steps`: the option that is T, which frames decide.
    `frames_only`: the network takes frames, so that an image is repeated T times. `loss_fades`: whether a part of the
    loss loses weight over all epochs.
    """

    name: str
    title: str
    settings: Mapping[str, Setting]
    small: Recipe
    paper: Recipe
    make: Make
    pack: Pack
    deploy: Callable[[Values], Mapping[str, object]] = field(default=lambda _: {})
    loss: Callable[[Values, Recipe], Loss] | None = None
    method: str
    off: Mapping[str, object]
    steps: str = "T"
    frames_only: bool = False
    loss_fades: Callable[[Values], bool] = field(default=lambda _: False)

    def values(
        self,
        given: Mapping[str, object],
        preset: str,
        frame: Shape,
        frames: int | None = None,
    ) -> Values:
        """The value of every setting: as given, else the preset's default; `frames`: T of the data."""
        refuse_unknown(given, tuple(self.settings))
        if frames is not None and given.get(self.steps, frames) != frames:
            raise Snn2ChipError(
                "option-contradicts",
                f"--option {self.steps}",
                "contradicts the data set",
                have=str(given[self.steps]),
                need=f"{frames} frames in each sample (--frames)",
            )
        given = given if frames is None else {**given, self.steps: frames}
        found: dict[str, object] = {}
        for name, setting in self.settings.items():
            default = setting.small if preset == "small" else setting.paper
            value = given[name] if name in given else _resolved(default, frame)
            found[name] = setting.parse(name, value)
        for name in given:
            _check_counts(name, self.settings[name], found)
        return Values(of=found)

    def prepared(self, data: Dataset, values: Values) -> Dataset:
        """`data` as the network takes it."""
        if self.frames_only and data.frames is None:
            return repeated(data, values.whole(self.steps))
        return data


def surrogate_settings(default: Surrogate, small_width: float | None = None) -> dict[str, Setting]:
    """The three options of a surrogate gradient; `small_width`: of the small preset, where it is another."""
    shapes = ", ".join(SHAPES)
    rows: dict[str, tuple[Parse, object, str]] = {
        "surrogate": (choice(*SHAPES), default.shape, f"shape of the surrogate gradient: {shapes}"),
        "surrogate_width": (positive, default.width, "its width, in units of the membrane"),
        "surrogate_height": (positive, default.height, "its height at the threshold"),
    }
    small = {} if small_width is None else {"surrogate_width": small_width}
    return {
        name: Setting(parse=parse, small=small.get(name, value), paper=value, help=help)
        for name, (parse, value, help) in rows.items()
    }


def between(low: float, high: float) -> Parse:
    """A number in a range, ends included."""

    def parse(name: str, value: object) -> float:
        found = number(name, value)
        if not low <= found <= high:
            raise Snn2ChipError(
                "option-value",
                f"--option {name}",
                f"{name} = {found} is not allowed",
                need=f"{low:g} … {high:g}",
            )
        return found

    return parse


def above_one(name: str, value: object) -> float:
    """A time constant in steps: at 1 nothing is left of a membrane after a step."""
    found = number(name, value)
    if found <= 1:
        raise Snn2ChipError(
            "option-value", f"--option {name}", f"{name} = {found:g} is not allowed", need="above 1"
        )
    return found


def whole_between(low: int, high: int) -> Parse:
    """A whole number in a range, ends included."""
    inside = between(low, high)

    def parse(name: str, value: object) -> int:
        found = inside(name, value)
        if found != int(number(name, value)):
            raise Snn2ChipError(
                "option-value",
                f"--option {name}",
                f"{name} = {value} is not allowed",
                need="a whole number",
            )
        return int(number(name, value))

    return parse


def _check_counts(name: str, setting: Setting, found: Mapping[str, object]) -> None:
    """Raise where `name` was said, and another option makes it mean nothing."""
    if setting.only_with is None:
        return
    other, allowed = setting.only_with
    if found[other] not in allowed:
        raise Snn2ChipError(
            "option-contradicts",
            f"--option {name}",
            f"means nothing with {other}={plain(found[other])}",
            need=" | ".join(f"{other}={plain(a)}" for a in allowed),
        )


def plain(value: object) -> str:
    """As `--option` takes it: the same value again."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return json.dumps(value, separators=(",", ":"))


def _resolved(default: Default, frame: Shape) -> object:
    return default(frame) if callable(default) else default
