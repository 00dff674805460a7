"""A plan: the Lava processes of a run and how they are wired, as plain values.

The worker builds it; `lava export` writes it as a script.

Lava's arrays are (rows, columns, channels), ours (channels, rows, columns); everything in a plan is in Lava's order.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Argument = int | str | bool | None | tuple[int, ...] | NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """One Lava process. `kind`: a key of the worker's KINDS; `stock`: Lava's own process (its model may be ours)."""

    kind: str
    arguments: Mapping[str, Argument]

    @property
    def stock(self) -> bool:
        """Whether the process is one of Lava's."""
        return self.kind not in ("Neurons", "WideConv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """`out` of `source` to `into` of `target`; where several end, values add."""

    source: str
    out: str
    target: str
    into: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where the rows of a population are: row n is column n of chip time, n - `depth` its step of the first sample."""

    population: str
    file: str
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """`steps`: chip steps to run. `step_seconds`: about what one takes with stock models, and with fast ones."""

    nodes: Mapping[str, Node]
    wires: tuple[Wire, ...]
    sinks: tuple[Sink, ...]
    steps: int
    step_seconds: tuple[float, float]


def write_plan(plan: Plan, folder: Path, fast: bool) -> None:
    """plan.json and arrays.npz in `folder`, as the worker reads them."""
    arrays: dict[str, NDArray[Any]] = {}
    nodes: dict[str, object] = {}
    for node, told in plan.nodes.items():
        plain: dict[str, object] = {}
        for key, value in told.arguments.items():
            if isinstance(value, np.ndarray):
                arrays[f"{node} {key}"] = value
                plain[key] = {"array": f"{node} {key}"}
            else:
                plain[key] = value
        nodes[node] = {"kind": told.kind, "arguments": plain}
    wires = [[w.source, w.out, w.target, w.into] for w in plan.wires]
    tree = {"steps": plan.steps, "fast": fast, "nodes": nodes, "wires": wires}
    (folder / "plan.json").write_text(json.dumps(tree))
    np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]
