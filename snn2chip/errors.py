"""What the user is told: errors that stop, findings that are collected."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Self


class Severity(Enum):
    """How much a finding weighs; only an ERROR makes a statement false."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found at one place.

    `code` is a stable slug (`snn2chip explain CODE`), `where` a layer, core, key or file, `why` one sentence,
    `need` and `have` the two quantities that disagree (may be empty), `help` what to do.
    """

    code: str
    severity: Severity
    where: str
    why: str
    need: str = ""
    have: str = ""
    help: str = ""

    def __str__(self) -> str:
        return f"{self.severity.value}[{self.code}] {_sentence(self.where, self.why, self.need, self.have, self.help)}"

    def to_dict(self) -> dict[str, str]:
        """The finding as plain strings, for JSON."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "where": self.where,
            "why": self.why,
            "need": self.need,
            "have": self.have,
            "help": self.help,
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, str]) -> "Finding":
        """What `to_dict` wrote."""
        return cls(**{**tree, "severity": Severity(tree["severity"])})  # type: ignore[arg-type]


class Snn2ChipError(Exception):
    """An error of the user's input or of a statement about it: one clear line, no traceback.

    `exit_status` 2: cannot start (unreadable, malformed, misused); 1: a statement is false (`StatementError`).
    Our own bugs are other exceptions and show a traceback.
    """

    exit_status = 2
    finding: Finding
    others: tuple[Finding, ...] = ()
    """Further error findings that stand beside `finding`."""

    def __init__(
        self, code: str, where: str, why: str, *, need: str = "", have: str = "", help: str = ""
    ) -> None:
        super().__init__(f"error[{code}] {_sentence(where, why, need, have, help)}")
        self.finding = Finding(
            code=code,
            severity=Severity.ERROR,
            where=where,
            why=why,
            need=need,
            have=have,
            help=help,
        )

    def __reduce__(self) -> tuple[object, ...]:
        """As other processes get it: by its findings, since its arguments are no longer known."""
        return _again, (type(self), str(self), self.finding, self.others)

    @classmethod
    def of(cls, errors: tuple[Finding, ...], *, see: str = "check") -> Self:
        """One error from one or more error findings: the first in words, the others by number and who lists them."""
        first, *others = errors
        more = f"; and {len(others)} more, see `snn2chip {see}`" if others else ""
        error = cls(
            first.code,
            first.where,
            first.why + more,
            need=first.need,
            have=first.have,
            help=first.help,
        )
        error.finding, error.others = first, tuple(others)
        return error


def _again(
    kind: type[Snn2ChipError], text: str, finding: Finding, others: tuple[Finding, ...]
) -> Snn2ChipError:
    error = kind.__new__(kind, text)
    error.finding, error.others = finding, others
    return error


class StatementError(Snn2ChipError):
    """A statement does not hold: it does not fit, a feature is missing, spikes differ. Exit status 1."""

    exit_status = 1


class DefectError(Snn2ChipError):
    """A file is malformed in one or more places, all of which were found: `finding` and `others`. Exit status 2."""


def errors_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that make a statement false."""
    return tuple(f for f in findings if f.severity is Severity.ERROR)


PLACES = 12
"""Places that one line names; the others are counted."""


def lines_of(findings: Iterable[Finding]) -> list[str]:
    """A line for each finding, errors first; those that say the same of several places share one."""
    same: dict[Finding, list[str]] = {}
    for f in sorted(findings, key=lambda f: list(Severity).index(f.severity)):
        same.setdefault(replace(f, where=""), []).append(f.where)
    return [str(replace(f, where=_places(where))) for f, where in same.items()]


def _places(where: list[str]) -> str:
    more = len(where) - PLACES
    named = ", ".join(where[:PLACES])
    return f"{named} and {more} more (--json lists all)" if more > 0 else named


SHORT, NEAR_SHORT, NEAR = 5, 0.6, 0.7
"""How alike two words are, of 1 (difflib's ratio), before one is asked about; long words must be nearer."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'did you mean X?' for the known word closest to `word`, or an empty string where none is near.

    Dashes in front of a flag do not make two flags alike, and capitals do not make words differ.

    >>> did_you_mean("--inptu", ["--input"]), did_you_mean("--samples", ["--shape"])
    ("did you mean '--input'?", '')
    """
    from difflib import get_close_matches

    bare, asked = {name.lstrip("-").lower(): name for name in known}, word.lstrip("-").lower()
    cutoff = NEAR if len(asked) > SHORT else NEAR_SHORT
    close = get_close_matches(asked, list(bare), n=1, cutoff=cutoff)
    return f"did you mean {bare[close[0]]!r}?" if close else ""


def _sentence(where: str, why: str, need: str, have: str, help: str) -> str:
    numbers = "; ".join(
        f"{name} {value}" for name, value in (("have", have), ("need", need)) if value
    )
    return f"{where}: {why}" + (f" ({numbers})" if numbers else "") + (f" - {help}" if help else "")
