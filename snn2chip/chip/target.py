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
from pathlib import Path

from snn2chip.chip.target_file import NAMED, NO_PRICES, Quantity, TargetFile, parsed
from snn2chip.chip.target_keys import BOARD, PRICES, keys_of
from snn2chip.errors import Finding, Severity, Snn2ChipError, did_you_mean
from snn2chip.quantize.types import Widths


class DelayAt(Enum):
    """Where a core holds a spike back for some steps."""

    NONE = "none"
    SYNAPSE = "synapse"
    AXON = "axon"


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

    Errors, exit status 2: target-unknown, target-unreadable, target-toml; a DefectError with all that is wrong in the
    file: target-key, target-value, or target-limits.
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
    return _target(parsed(table, str(path)), hashlib.sha256(data).hexdigest())


def unlikely(target: Target, where: str) -> tuple[Finding, ...]:
    """A warning target-unlikely for each price that was probably meant in another unit; `where`: the target."""
    priced = ((t, key, target.prices[t][key.name].value) for t in target.prices for key in PRICES)
    return tuple(
        Finding(
            code="target-unlikely",
            severity=Severity.WARNING,
            where=f"{where}: prices.{table}.{key.name}",
            why="is far from what is known of any chip",
            have=f"{value:g} {key.unit}",
            need=f"{key.likely[0]:g} to {key.likely[1]:,} {key.unit}, or 0",
            help=f"was another unit meant? Write it in {key.unit}: {key.doc}",
        )
        for table, key, value in priced
        if isinstance(value, int | float) and value and not key.likely[0] <= value <= key.likely[1]
    )


def shipped_text(name: str) -> str:
    """The file of a target that comes with snn2chip."""
    return (_folder() / f"{name}.toml").read_text(encoding="utf-8")


def is_file(name: str) -> bool:
    """Whether `load_target` takes `name` for a file's path, not for a target that comes with snn2chip."""
    return name not in available() and (name.endswith(".toml") or "/" in name or "\\" in name)


def available() -> tuple[str, ...]:
    """Names of the targets that come with snn2chip."""
    return tuple(sorted(p.stem for p in _folder().glob("*.toml")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One key of a target, for people."""

    key: str
    value: int | float | str
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
            value=q.value,
            unit=q.unit,
            status=q.status.value,
            source=q.source,
            doc=keys[name].doc,
        )
        for name, q in {**target.quantities, **tables}.items()
    )


def _folder() -> Path:
    """Where target files lie: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "targets"
    return inside if inside.is_dir() else package.parent / "targets"


def _find(name: str) -> Path:
    if name in available():
        return _folder() / f"{name}.toml"
    if is_file(name):
        return Path(name)
    raise Snn2ChipError(
        "target-unknown",
        name,
        f"is not a target ({', '.join(available())}) and not a .toml file",
        help=did_you_mean(name, available()),
    )


def _target(file: TargetFile, sha256: str) -> Target:
    quantities, prices, boards = file.quantities, file.prices, file.boards
    default = file.words["default_prices"]
    return Target(
        name=file.words["name"],
        description=file.words["description"],
        format=file.words["format"],
        default_prices=None if default == NO_PRICES else default,
        quantities={n: q for n, q in quantities.items() if n.partition(".")[0] not in NAMED},
        prices={t: {k.name: quantities[f"prices.{t}.{k.name}"] for k in PRICES} for t in prices},
        boards={b: {k.name: quantities[f"boards.{b}.{k.name}"] for k in BOARD} for b in boards},
        sha256=sha256,
    )
