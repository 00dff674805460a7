"""Published numbers that the cost model is held to; hardware_anchors.json names the source of each table."""

import json
from pathlib import Path
from typing import Any


def anchors() -> dict[str, Any]:
    """All tables by name."""
    return json.loads((Path(__file__).parent / "hardware_anchors.json").read_text())


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of one table, by the names of its fields."""
    table = anchors()[name]
    return [dict(zip(table["fields"], row, strict=True)) for row in table["rows"]]
