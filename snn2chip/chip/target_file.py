"""A target file as it is written: its words and quantities, or everything that is wrong with it."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite, isinf

from snn2chip.chip.dead_cores import dead_cores
from snn2chip.chip.target_checks import contradictions
from snn2chip.chip.target_keys import FORMATS, SECTIONS, Key, Kind, Status, keys_of
from snn2chip.errors import DefectError, Finding, Severity, Snn2ChipError, did_you_mean

NO_PRICES = "none"
UNKNOWN = "unknown"
"""A price that nobody has published."""
WORDS = ("name", "description", "format", "default_prices")
QUANTITY = ("value", "source", "status", "unit")
NAMED = ("prices", "boards")
"""Sections that hold any number of tables, each with a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One value of a target file, its unit, and where it comes from."""

    value: int | float | str
    unit: str
    source: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFile:
    """`words`: those of the top. `quantities`: dotted key -> quantity. Names of its price tables and of its boards."""

    words: Mapping[str, str]
    quantities: Mapping[str, Quantity]
    prices: tuple[str, ...]
    boards: tuple[str, ...]


def parsed(table: Mapping[str, object], path: str) -> TargetFile:
    """What `table`, read from `path`, says.

    Errors: a DefectError with everything that is wrong: target-key, target-value; target-limits among what is right.
    """
    wrong: list[Finding] = []
    words = _words(table, path, wrong)
    table = _well_named(table, path, wrong)
    found = dict(_flat(table, path, wrong))
    if "format" not in words:
        _stop_at(wrong, path)
    prices, boards = (_names(table.get(section)) for section in NAMED)
    keys = keys_of(words["format"], prices, boards)
    wrong.extend(_of_names(found, keys, path))
    quantities: dict[str, Quantity] = {}
    for name in keys:
        if name in found:
            with _kept(wrong):
                quantities[name] = _quantity(found[name], keys[name], f"{path}: {name}")
    with _kept(wrong):
        if "default_prices" in words:
            _one_of((*prices, NO_PRICES), words, "default_prices", path, "is not a table of prices")
    wrong.extend(_of_limits(quantities, boards, words["format"], path))
    _stop_at(wrong, path)
    return TargetFile(words=words, quantities=quantities, prices=prices, boards=boards)


def _error(
    *, code: str, where: str, why: str, have: str = "", need: str = "", help: str = ""
) -> Finding:
    return Finding(
        code=code, severity=Severity.ERROR, where=where, why=why, have=have, need=need, help=help
    )


def _stop_at(wrong: list[Finding], path: str) -> None:
    if wrong:
        raise DefectError.of(tuple(wrong), see=f"targets check {path}")


@contextmanager
def _kept(wrong: list[Finding]) -> Generator[None]:
    """An error inside is kept, so that what follows is checked, too."""
    try:
        yield
    except Snn2ChipError as e:
        wrong.append(e.finding)


def _words(table: Mapping[str, object], path: str, wrong: list[Finding]) -> dict[str, str]:
    """The words of the top that are right; a format only if there is one of that name."""
    words: dict[str, str] = {}
    for key in WORDS:
        with _kept(wrong):
            word = {key: _word(table, key, path)}
            if key == "format":
                _one_of(FORMATS, word, key, path, "is not a known format")
            words |= word
    return words


def _one_of(
    known: tuple[str, ...], words: Mapping[str, str], key: str, path: str, why: str
) -> None:
    if words[key] not in known:
        raise Snn2ChipError(
            "target-value", f"{path}: {key}", why, have=words[key], need=" | ".join(known)
        )


def _word(table: Mapping[str, object], key: str, path: str) -> str:
    if key not in table:
        raise Snn2ChipError("target-key", f"{path}: {key}", "is missing")
    value = table[key]
    if value == "":
        raise Snn2ChipError("target-value", f"{path}: {key}", "is empty")
    if not isinstance(value, str):
        raise Snn2ChipError("target-value", f"{path}: {key}", "is not a word", have=repr(value))
    return value


def _tables(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Snn2ChipError("target-value", where, "is not a table", have=repr(value))
    return value


def _names(value: object) -> tuple[str, ...]:
    """The tables in a section; none where it is not a table, which `_flat` says."""
    return (
        tuple(name for name, t in value.items() if isinstance(t, dict))
        if isinstance(value, dict)
        else ()
    )


def _well_named(table: Mapping[str, object], path: str, wrong: list[Finding]) -> dict[str, object]:
    """`table` with sections whose names are nearly right under the right ones, so that only the names are wrong."""
    named = dict(table)
    for section in table:
        missing = (s for s in SECTIONS if s not in named)
        close = next((s for s in missing if did_you_mean(section, [s])), None)
        if close is not None and section not in (*WORDS, *SECTIONS):
            named[close] = named.pop(section)
            wrong.append(
                _error(
                    code="target-key",
                    where=f"{path}: {section}",
                    why="is not a section of a target",
                    help=did_you_mean(section, [close]),
                )
            )
    return named


def _flat(
    table: Mapping[str, object], path: str, wrong: list[Finding]
) -> Iterator[tuple[str, object]]:
    """Dotted key and what stands there, down to the quantities."""
    for section, inner in table.items():
        if section in WORDS:
            continue
        with _kept(wrong):
            for key, value in _tables(inner, f"{path}: {section}").items():
                if section not in NAMED:
                    yield f"{section}.{key}", value
                    continue
                with _kept(wrong):
                    rows = _tables(value, f"{path}: {section}.{key}")
                    yield from ((f"{section}.{key}.{name}", v) for name, v in rows.items())


def _of_names(found: Mapping[str, object], keys: Mapping[str, Key], path: str) -> Iterator[Finding]:
    """Keys that are not known, then those that are missing."""
    missing = [k for k in keys if k not in found]
    for name in found:
        if name not in keys:
            close = did_you_mean(name, missing or keys)
            yield _error(
                code="target-key",
                where=f"{path}: {name}",
                why="is not a key of a target",
                help=close,
            )
    for name in missing:
        yield _error(
            code="target-key", where=f"{path}: {name}", why="is missing", help=keys[name].doc
        )


def _of_limits(
    quantities: Mapping[str, Quantity], boards: tuple[str, ...], format_: str, path: str
) -> list[Finding]:
    """Limits that contradict each other."""
    values = {name: q.value for name, q in quantities.items()}
    return [
        _error(code="target-limits", where=f"{path}: {c.key}", why=c.why, have=c.have, need=c.need)
        for c in contradictions(values, boards, format_)
    ]


def _quantity(value: object, key: Key, where: str) -> Quantity:
    if not isinstance(value, dict) or "value" not in value:
        raise Snn2ChipError(
            "target-value", where, "needs a value, a source and a status", have=repr(value)
        )
    for part in value:
        if part not in QUANTITY:
            close = did_you_mean(part, QUANTITY)
            raise Snn2ChipError(
                "target-key", f"{where}.{part}", "is not a key of a quantity", help=close
            )
    unit = value.get("unit", key.unit)
    if unit != key.unit:
        raise Snn2ChipError(
            "target-value", f"{where}.unit", "is another unit", have=repr(unit), need=repr(key.unit)
        )
    return Quantity(
        value=_value(value["value"], key, where),
        unit=key.unit,
        source=_word(value, "source", where),
        status=_status(_word(value, "status", where), where),
    )


def _value(value: object, key: Key, where: str) -> int | float | str:
    """`value` as `key` has it. A number is a float, whatever it is written as."""
    to = "up" if isinf(key.high) else f"to {key.high:g}"
    need = f"{key.kind.value}, from {key.low:g} {to}"
    match key.kind:
        case Kind.WORD:
            need, right = " | ".join(key.words), value in key.words
        case Kind.FLAG:
            need, right = key.kind.value, isinstance(value, bool)
        case Kind.CORES:
            need, right = key.kind.value, isinstance(value, str) and dead_cores(value) is not None
        case Kind.COUNT:
            right = type(value) is int and key.low <= value <= key.high
        case Kind.PRICE:
            right = value == UNKNOWN or _measures(value, key)
    if not right or not isinstance(value, int | float | str):
        raise Snn2ChipError(
            "target-value", where, "has a value that it cannot have", have=repr(value), need=need
        )
    return float(value) if key.kind is Kind.PRICE and value != UNKNOWN else value


def _measures(value: object, key: Key) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isfinite(value) and key.low <= value <= key.high


def _status(word: str, where: str) -> Status:
    try:
        return Status(word)
    except ValueError as e:
        known = " | ".join(s.value for s in Status)
        raise Snn2ChipError(
            "target-value", f"{where}.status", "is unknown", have=word, need=known
        ) from e
