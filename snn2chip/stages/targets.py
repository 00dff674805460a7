"""`targets`: which chips there are, what each number of one is and where it comes from; copying, checking a file."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from snn2chip.chip.target import (
    Row,
    Target,
    available,
    describe,
    load_target,
    shipped_text,
    unlikely,
)
from snn2chip.chip.target_file import NO_PRICES
from snn2chip.errors import DefectError, Finding, Snn2ChipError
from snn2chip.files import write_whole
from snn2chip.options import one_of

ACTIONS = ("list", "show", "check", "copy")
_WIDEST = 24
"""Letters of a column's widest cell that the other rows make room for; keys are shown whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Targets by name; all rows of them where one was asked for; `wrong`: defects of a file that was `checked`.

    `doubtful`: warnings of such a file. `copied`: a target, and the file that now holds a copy of it.
    """

    found: tuple[Target, ...]
    rows: tuple[Row, ...] = ()
    checked: str = ""
    wrong: tuple[Finding, ...] = ()
    doubtful: tuple[Finding, ...] = ()
    copied: tuple[str, str] | None = None

    def lines(self) -> list[str]:
        """A line for each target, or for each defect of a file, or two for each number of a target."""
        if self.wrong:
            count = len(self.wrong)
            return [*map(str, self.wrong), f"{self.checked}: not a target, {count} defect(s)"]
        if self.checked:
            count = f", {len(self.doubtful)} warning(s)" if self.doubtful else ""
            whole = f"{self.checked}: a complete target, {len(self.rows)} numbers{count}"
            return [*map(str, self.doubtful), whole]
        if self.copied:
            name, path = self.copied
            own = f"{path}: a copy of {name}, as a target named {self.found[0].name}"
            return [f"{own}; change its numbers, then run `snn2chip targets check {path}`"]
        if self.rows:
            return [*_head(self.found[0]), *_table(self.rows)]
        return [f"{t.name:<14} {t.description}" for t in self.found]

    def to_dict(self) -> dict[str, object]:
        """Plain values; those of the rows are numbers, booleans or words, as the file has them."""
        keys = ("key", "value", "unit", "status", "source", "doc")
        return {
            "targets": [
                {
                    "name": t.name,
                    "description": t.description,
                    "format": t.format,
                    "default_prices": t.default_prices or NO_PRICES,
                    "sha256": t.sha256,
                }
                for t in self.found
            ],
            "rows": [{k: getattr(r, k) for k in keys} for r in self.rows],
            "findings": [f.to_dict() for f in (*self.wrong, *self.doubtful)],
        }


def targets(action: str = "list", name: str | None = None, file: str | None = None) -> Targets:
    """List all targets, `show` one by name, `check` a file for all that is wrong with it, or `copy` one to `file`.

    Errors: usage for names that are missing or too many; those of `load_target`; out-taken where `file` is there.
    """
    one_of(action, ACTIONS, "targets")
    if file is not None and action != "copy":
        raise Snn2ChipError("usage", f"targets {action}", f"takes no second name ({file})")
    if action == "list":
        return Targets(found=tuple(load_target(n) for n in available()))
    if name is None:
        raise Snn2ChipError(
            "usage", f"targets {action}", "needs a name or a file", help=" | ".join(available())
        )
    if action == "copy":
        return _copy(name, file)
    checked = name if action == "check" else ""
    try:
        target = load_target(name)
    except DefectError as e:
        if not checked:
            raise
        return Targets(found=(), checked=checked, wrong=(e.finding, *e.others))
    return Targets(
        found=(target,),
        rows=describe(target),
        checked=checked,
        doubtful=unlikely(target, checked) if checked else (),
    )


def _copy(name: str, file: str | None) -> Targets:
    """A file to start from: that of a target of ours, comments and all, under the name of the file."""
    one_of(name, available(), "targets copy")
    if file is None:
        raise Snn2ChipError(
            "usage",
            "targets copy",
            "needs a file to write",
            help=f"targets copy {name} my-chip.toml",
        )
    path = Path(file)
    if path.suffix != ".toml" or path.stem in available():
        raise Snn2ChipError(
            "usage",
            f"targets copy {name}",
            "the new file must end with .toml and not have the name of a target that is there",
            have=path.name,
            help=f"targets copy {name} my-chip.toml",
        )
    if path.exists() or not path.parent.is_dir():
        why = "is there already" if path.exists() else f"{path.parent} is not a folder"
        raise Snn2ChipError("out-taken", file, why, help="name another file")
    title = f"name = {json.dumps(path.stem, ensure_ascii=False)}"
    write_whole(
        path, re.sub(r'^name = ".*"$', lambda _: title, shipped_text(name), count=1, flags=re.M)
    )
    return Targets(found=(load_target(path),), copied=(name, file))


def _head(target: Target) -> Iterator[str]:
    """The words at the top of its file."""
    yield f"{target.name}: {target.description}"
    yield f"packed format {target.format}, default prices {target.default_prices or NO_PRICES}"
    yield ""


def _table(rows: tuple[Row, ...]) -> Iterator[str]:
    """For each number a line with its unit, status and source, and a line with its meaning."""
    key = max(len(r.key) for r in rows)
    value, unit, status = (
        _width(cells)
        for cells in ((_shown(r) for r in rows), (r.unit for r in rows), (r.status for r in rows))
    )
    for r in rows:
        yield f"{r.key:<{key}}  {_shown(r):<{value}}  {r.unit:<{unit}}  {r.status:<{status}}  {r.source}"
        yield f"    {r.doc}"


def _width(cells: Iterable[str]) -> int:
    return min(_WIDEST, max(map(len, cells)))


def _shown(row: Row) -> str:
    return str(row.value).lower() if isinstance(row.value, bool) else str(row.value)
