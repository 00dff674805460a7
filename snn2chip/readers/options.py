"""Options of a reader: what the user says, what the file's arguments say, and the default, in this order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from snn2chip.errors import Snn2ChipError, did_you_mean

V = TypeVar("V")
Parser = Callable[[str, object], V]
"""(name, value as given) -> value, or Snn2ChipError."""

USER, STEPS, INPUT = "--option", "--steps", "the input"
FILE, TENSORS, DEFAULT = "args of the file", "tensors of the file", "default"
"""Where the value of an option comes from."""


@dataclass(slots=True, kw_only=True)
class Options:
    """Looks values up and keeps account of it.

    `used` and `sources` by name: the value, and where it comes from; one sentence in `assumed` for each default taken.
    """

    given: Mapping[str, object]
    args: Mapping[str, object]
    used: dict[str, object] = field(default_factory=dict[str, object])
    sources: dict[str, str] = field(default_factory=dict[str, str])
    assumed: list[str] = field(default_factory=list[str])

    def find(self, name: str, parse: Parser[V], *others: str, in_args: bool = True) -> V | None:
        """The value of option `name` (or of one of its `others`): the user's, else the file's, else None.

        What the user says against the file's own arguments is an error.
        """
        names = (name, *others)
        said = next((parse(n, self.given[n]) for n in names if n in self.given), None)
        stored = next(
            (self.args[n] for n in names if in_args and self.args.get(n) is not None), None
        )
        held = None if stored is None else parse(f"{name} in the file's args", stored)
        if said is not None and held is not None and said != held:
            raise Snn2ChipError(
                "option-contradicts",
                f"--option {name}",
                "contradicts the file's args",
                have=str(said),
                need=str(held),
            )
        value = said if said is not None else held
        if value is not None:
            self.take(name, value, FILE if said is None else USER)
        return value

    def take(self, name: str, value: object, source: str) -> None:
        """Use `value`, which comes from `source`."""
        self.used[name], self.sources[name] = value, source

    def default(self, name: str, value: V, why: str, source: str = DEFAULT) -> V:
        """`value`, taken because nothing says otherwise."""
        self.take(name, value, source)
        self.assumed.append(f"{name} = {value} ({why})")
        return value


def refuse_unknown(given: Mapping[str, object], known: Sequence[str]) -> None:
    """Raise for an option that is not known, with the ones that are."""
    for name in given:
        if name not in known:
            raise Snn2ChipError(
                "option-unknown",
                f"--option {name}",
                f"there is no option {name!r}",
                need=" | ".join(known),
                help=did_you_mean(name, known),
            )


def choice(*allowed: str) -> Parser[str]:
    """One of `allowed`, in any case of letters."""

    def parse(name: str, value: object) -> str:
        match = next(
            (a for a in allowed if isinstance(value, str) and a.lower() == value.lower()), None
        )
        if match is None:
            help = did_you_mean(value, allowed) if isinstance(value, str) else ""
            raise _wrong(name, value, " | ".join(allowed), help)
        return match

    return parse


def whole(name: str, value: object) -> int:
    """A whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(name, value, "a whole number of at least 1")
    return value


def number(name: str, value: object) -> float:
    """A finite number."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not abs(value) < float("inf")
    ):
        raise _wrong(name, value, "a number")
    return float(value)


def positive(name: str, value: object) -> float:
    """A number above 0."""
    found = number(name, value)
    if found <= 0:
        raise _wrong(name, value, "a number above 0")
    return found


def flag(name: str, value: object) -> bool:
    """True or false, as a word, a JSON value or 0 and 1."""
    word = value.lower() if isinstance(value, str) else value
    if word not in (True, False, "true", "false"):
        raise _wrong(name, value, "true | false")
    return word in (True, "true")


def wholes(name: str, value: object) -> tuple[int, ...]:
    """A list of whole numbers of at least 1."""
    if not isinstance(value, list | tuple) or not value:
        raise _wrong(name, value, "a list of whole numbers, such as [1,2,2,2]")
    return tuple(whole(name, v) for v in value)


def _word(_: str, value: object) -> str:
    return str(value)


TRAINING: dict[str, Parser[object]] = {
    "zero_init_residual": flag,
    "init_tau": positive,
    "surrogate": _word,
    "slope": positive,
}
"""Arguments of authors' constructors that no spike of a trained network depends on."""


def note_training(o: Options) -> None:
    """Arguments that only training uses are taken, and it is said that they change nothing."""
    for name, parse in TRAINING.items():
        if o.find(name, parse, in_args=False) is not None:
            o.assumed.append(f"{name} only matters for training and changes nothing here")


def _wrong(name: str, value: object, need: str, help: str = "") -> Snn2ChipError:
    return Snn2ChipError(
        "option-value",
        name,
        f"{name} = {value} is not allowed",
        have=repr(value),
        need=need,
        help=help,
    )
