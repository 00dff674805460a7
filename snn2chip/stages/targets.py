"""`targets`: which chips there are, what each number of one is and where it comes from, and checking a file."""

from dataclasses import dataclass

from snn2chip.chip.target import Row, Target, available, describe, load_target
from snn2chip.errors import Snn2ChipError
from snn2chip.options import one_of

ACTIONS = ("list", "show", "check")


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Targets by name; all rows of them where one was asked for."""

    found: tuple[Target, ...]
    rows: tuple[Row, ...]
    checked: str = ""

    def lines(self) -> list[str]:
        """A line for each target, or for each number of one."""
        if self.checked:
            return [f"{self.checked}: a complete target, {len(self.rows)} numbers"]
        if self.rows:
            return [
                f"{r.key:<32} {r.value:<16} {r.unit:<12} {r.status:<10} {r.source}"
                for r in self.rows
            ]
        return [f"{t.name:<14} {t.description}" for t in self.found]

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        keys = ("key", "value", "unit", "status", "source", "doc")
        return {
            "targets": [
                {"name": t.name, "description": t.description, "sha256": t.sha256}
                for t in self.found
            ],
            "rows": [{k: getattr(r, k) for k in keys} for r in self.rows],
        }


def targets(action: str = "list", name: str | None = None) -> Targets:
    """List all targets, `show` one by name, or `check` a file of the user's own."""
    one_of(action, ACTIONS, "targets")
    if action == "list":
        return Targets(found=tuple(load_target(n) for n in available()), rows=())
    if name is None:
        raise Snn2ChipError(
            "usage", f"targets {action}", "needs a name or a file", help=" | ".join(available())
        )
    target = load_target(name)
    return Targets(
        found=(target,), rows=describe(target), checked=name if action == "check" else ""
    )
