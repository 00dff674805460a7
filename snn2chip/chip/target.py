"""The Target: limits, widths and prices of a chip, from a TOML file in which every number says where it comes from.

    [core]
    neurons = { value = 4095, status = "fitted", source = "a notebook" }

`snn2chip.chip.target_keys` lists every key. All of them must be there; nothing else may be.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from pathlib import Path

from snn2chip.chip.dead_cores import dead_cores
from snn2chip.chip.target_checks import contradiction
from snn2chip.chip.target_keys import BOARD, FORMATS, PRICES, Key, Kind, Status, keys_of
from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.quantize.types import Widths

NO_PRICES = "none"
UNKNOWN = "unknown"
"""A price that nobody has published."""
_TOP = ("name", "description", "format", "default_prices")
_QUANTITY = ("value", "source", "status", "unit")
_NAMED = ("prices", "boards")
"""Sections that hold any number of tables, each with a name."""


class DelayAt(Enum):
    """Where a core holds a spike back for some steps."""

    NONE = "none"
    SYNAPSE = "synapse"
    AXON = "axon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One value of a target file, its unit, and where it comes from."""

    value: int | float | str
    unit: str
    source: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A chip. `quantities`: dotted key (`core.neurons`) -> quantity, in the order of the documented keys.

    `prices`: name of a table -> its keys (`synapse_pj`) -> quantity. `default_prices`: one of them, or None.
    `boards`: name of a board -> its keys (`chips`) -> quantity. `sha256`: of the file's bytes.
    """

    name: str
    description: str
    format: str
    default_prices: str | None
    quantities: Mapping[str, Quantity]
    prices: Mapping[str, Mapping[str, Quantity]]
    boards: Mapping[str, Mapping[str, Quantity]]
    sha256: str

    @property
    def widths(self) -> Widths:
        """What its words can hold."""
        number, flag = self._width, self._flag
        return Widths(
            weight_bits=number("weight_bits"),
            threshold_bits=number("threshold_bits"),
            threshold_step=number("threshold_step"),
            bias_bits=number("bias_bits"),
            bias_exponent_max=number("bias_exponent_max"),
            membrane_bits=number("membrane_bits"),
            gain_bits=number("gain_bits"),
            payload_bits=number("payload_bits"),
            exponent_max=number("exponent_max"),
            fraction_bits=number("fraction_bits"),
            fraction_fixed=flag("fraction_fixed"),
            subtract_reset=flag("subtract_reset"),
            graded=flag("graded"),
            per_neuron_bias=flag("per_neuron_bias"),
            per_step=flag("per_step"),
            levels=flag("levels"),
        )

    def _width(self, name: str) -> int:
        return self.number(f"widths.{name}")

    def _flag(self, name: str) -> bool:
        return bool(self.quantities[f"widths.{name}"].value)

    def number(self, key: str) -> int:
        """A whole number by its dotted key, such as `core.neurons`."""
        return int(self.quantities[key].value)

    def limit(self, name: str) -> int:
        """Limit of one core: `limit("neurons")`."""
        return self.number(f"core.{name}")

    @property
    def cores_per_chip(self) -> int:
        """Cores of one chip."""
        return self.number("chip.cores")

    @property
    def delay_at(self) -> DelayAt:
        """Where a core holds a spike back."""
        return DelayAt(self.quantities["delay.at"].value)

    @property
    def delay_max(self) -> int:
        """The most steps that a core can hold a spike back."""
        if self.delay_at is DelayAt.NONE:
            return 0
        kept = 2 if self.delay_at is DelayAt.SYNAPSE else 1
        return (1 << self.number("delay.bits")) - kept


def load_target(name_or_path: str | Path) -> Target:
    """The target of that name (`available()`), or of a TOML file.

    Errors, exit status 2: target-unknown, target-unreadable, target-toml; target-key, target-value (naming the key).
    """
    path = _find(str(name_or_path))
    try:
        data = path.read_bytes()
        text = data.decode()
        table = tomllib.loads(text)
    except OSError as e:
        reason = (e.strerror or str(e)).lower()
        raise Snn2ChipError("target-unreadable", str(path), reason) from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise Snn2ChipError("target-toml", str(path), f"is not TOML: {e}") from e
    return _target(table, str(path), hashlib.sha256(data).hexdigest())


def available() -> tuple[str, ...]:
    """Names of the targets that come with snn2chip."""
    return tuple(sorted(p.stem for p in _folder().glob("*.toml")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One key of a target, for people."""

    key: str
    value: str
    unit: str
    status: str
    source: str
    doc: str


def describe(target: Target) -> tuple[Row, ...]:
    """Every quantity of `target` with its meaning, unit, status and source."""
    keys = keys_of(target.format, tuple(target.prices), tuple(target.boards))
    named = {"boards": target.boards, "prices": target.prices}
    tables = {
        f"{section}.{t}.{k}": q
        for section, found in named.items()
        for t, table in found.items()
        for k, q in table.items()
    }
    return tuple(
        Row(
            key=name,
            value=_shown(q.value),
            unit=q.unit,
            status=q.status.value,
            source=q.source,
            doc=keys[name].doc,
        )
        for name, q in {**target.quantities, **tables}.items()
    )


def _shown(value: int | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _folder() -> Path:
    """Where target files lie: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "targets"
    return inside if inside.is_dir() else package.parent / "targets"


def _find(name: str) -> Path:
    if name in available():
        return _folder() / f"{name}.toml"
    if name.endswith(".toml") or "/" in name or "\\" in name:
        return Path(name)
    raise Snn2ChipError(
        "target-unknown",
        name,
        f"is not a target ({', '.join(available())}) and not a .toml file",
        help=did_you_mean(name, available()),
    )


def _target(table: Mapping[str, object], path: str, sha256: str) -> Target:
    format_ = _word(table, "format", path)
    if format_ not in FORMATS:
        raise Snn2ChipError(
            "target-value",
            f"{path}: format",
            "is not a known format",
            have=format_,
            need=" | ".join(FORMATS),
        )
    prices, boards = (_tables(table.get(s, {}), f"{path}: {s}") for s in _NAMED)
    keys = keys_of(format_, tuple(prices), tuple(boards))
    found = _flat(table, path)
    _check_names(found, keys, path)
    quantities = {
        name: _quantity(found[name], key, f"{path}: {name}") for name, key in keys.items()
    }
    default = _word(table, "default_prices", path)
    if default not in (*prices, NO_PRICES):
        raise Snn2ChipError(
            "target-value",
            f"{path}: default_prices",
            "is not a table of prices",
            have=default,
            need=" | ".join((*prices, NO_PRICES)),
        )
    wrong = contradiction({name: q.value for name, q in quantities.items()}, tuple(boards))
    if wrong is not None:
        raise Snn2ChipError(
            "target-limits",
            f"{path}: {wrong.key}",
            wrong.why,
            have=wrong.have,
            need=wrong.need,
        )
    return Target(
        name=_word(table, "name", path),
        description=_word(table, "description", path),
        format=format_,
        default_prices=None if default == NO_PRICES else default,
        quantities={n: q for n, q in quantities.items() if n.partition(".")[0] not in _NAMED},
        prices={t: {k.name: quantities[f"prices.{t}.{k.name}"] for k in PRICES} for t in prices},
        boards={b: {k.name: quantities[f"boards.{b}.{k.name}"] for k in BOARD} for b in boards},
        sha256=sha256,
    )


def _word(table: Mapping[str, object], key: str, path: str) -> str:
    if key not in table:
        raise Snn2ChipError("target-key", f"{path}: {key}", "is missing")
    value = table[key]
    if not isinstance(value, str) or not value:
        raise Snn2ChipError("target-value", f"{path}: {key}", "is not a word", have=repr(value))
    return value


def _tables(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Snn2ChipError("target-value", where, "is not a table", have=repr(value))
    return value


def _flat(table: Mapping[str, object], path: str) -> dict[str, object]:
    """Dotted key -> what stands there, down to the quantities."""
    flat: dict[str, object] = {}
    for section, inner in table.items():
        if section in _TOP:
            continue
        for key, value in _tables(inner, f"{path}: {section}").items():
            if section in _NAMED:
                rows = _tables(value, f"{path}: {section}.{key}")
                flat |= {f"{section}.{key}.{name}": v for name, v in rows.items()}
            else:
                flat[f"{section}.{key}"] = value
    return flat


def _check_names(found: Mapping[str, object], keys: Mapping[str, Key], path: str) -> None:
    missing = [k for k in keys if k not in found]
    for name in found:
        if name not in keys:
            close = did_you_mean(name, missing or keys)
            raise Snn2ChipError(
                "target-key", f"{path}: {name}", "is not a key of a target", help=close
            )
    if missing:
        raise Snn2ChipError(
            "target-key", f"{path}: {missing[0]}", "is missing", help=keys[missing[0]].doc
        )


def _quantity(value: object, key: Key, where: str) -> Quantity:
    if not isinstance(value, dict) or "value" not in value:
        raise Snn2ChipError(
            "target-value", where, "needs a value, a source and a status", have=repr(value)
        )
    for part in value:
        if part not in _QUANTITY:
            close = did_you_mean(part, _QUANTITY)
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
    need = f"{key.kind.value}, from {key.low:g} to {key.high:g}"
    match key.kind:
        case Kind.WORD:
            need, right = " | ".join(key.words), value in key.words
        case Kind.FLAG:
            need, right = key.kind.value, isinstance(value, bool)
        case Kind.CORES:
            need, right = key.kind.value, isinstance(value, str) and dead_cores(value) is not None
        case Kind.COUNT:
            right = type(value) is int and key.low <= value <= key.high
        case Kind.NUMBER:
            right = _measures(value, key)
        case Kind.PRICE:
            right = value == UNKNOWN or _measures(value, key)
    if not right or not isinstance(value, int | float | str):
        raise Snn2ChipError(
            "target-value", where, "has a value that it cannot have", have=repr(value), need=need
        )
    return float(value) if key.kind in (Kind.NUMBER, Kind.PRICE) and value != UNKNOWN else value


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
