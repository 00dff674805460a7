"""What a rule of the audit is, and what rules share.

A rule reads `Facts` (what the words say, and how many there are) and the limits of the Target, and yields a Finding for
the worst core of each layer that breaks it.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from snn2chip.chip.program import AxonTable, CoreContents, Program, TileContents
from snn2chip.chip.target import Target
from snn2chip.errors import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoreFacts:
    """One core from its words.

    `layers`: of each tile; `layer`: all of them, each once. `weights`: by tile, (smallest, largest) of each connection;
    `contents` holds no weights.
    """

    number: int
    chip: int
    layer: str
    layers: tuple[str, ...]
    counts: Mapping[str, int]
    contents: CoreContents
    weights: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """A program from its words. `hosts`: number of a map that the host sends -> its axon table."""

    program: Program
    target: Target
    cores: tuple[CoreFacts, ...]
    hosts: Mapping[int, AxonTable]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`check` yields what breaks the rule; `page` is what `explain` shows."""

    code: str
    page: str
    check: Callable[[Facts], Iterator[Finding]]


def rule(code: str) -> Callable[[Callable[[Facts], Iterator[Finding]]], Rule]:
    """Make a Rule of a function; its docstring is the page."""

    def make(check: Callable[[Facts], Iterator[Finding]]) -> Rule:
        return Rule(code=code, page=inspect.getdoc(check) or "", check=check)

    return make


def worst(
    code: str, facts: Facts, have: Iterable[tuple[CoreFacts, int]], need: int, why: str, help: str
) -> Iterator[Finding]:
    """A finding for each layer in which some core has more than `need`: that of the core which has most."""
    most: dict[str, tuple[CoreFacts, int]] = {}
    breaking: dict[str, set[int]] = {}
    for core, value in have:
        if value <= need:
            continue
        breaking.setdefault(core.layer, set()).add(core.number)
        if core.layer not in most or most[core.layer][1] < value:
            most[core.layer] = core, value
    for layer, (core, value) in most.items():
        more = f" ({len(breaking[layer])} cores of this layer)" if len(breaking[layer]) > 1 else ""
        yield Finding(
            code=code,
            severity=Severity.ERROR,
            where=f"{layer}, core {core.number}",
            why=f"{why} on {facts.target.name}{more}",
            need=f"at most {need}",
            have=str(value),
            help=help,
        )


def counted(code: str, facts: Facts, limit: str, what: str) -> Iterator[Finding]:
    """Use of `core.<limit>`, where the target has that limit."""
    if f"core.{limit}" not in facts.target.quantities:
        return
    have = ((core, core.counts.get(limit, 0)) for core in facts.cores)
    help = "a smaller tile fits: map the network again, or choose a target with larger cores"
    yield from worst(
        code, facts, have, facts.target.limit(limit), f"{what} do not fit a core", help
    )


def tiles(facts: Facts) -> Iterator[tuple[CoreFacts, TileContents]]:
    """Every tile, with its core: the layer and weights of that are the tile's own."""
    for core in facts.cores:
        own = zip(core.layers, core.weights, core.contents.tiles, strict=True)
        for layer, weights, tile in own:
            yield replace(core, layer=layer, weights=(weights,)), tile


def lacking(
    code: str, facts: Facts, has: bool, needs: Callable[[TileContents], bool], why: str
) -> Iterator[Finding]:
    """A finding for each layer that needs what the target has not."""
    help = "train with another neuron, or choose a target that has it"
    need = ((core, int(not has and needs(tile))) for core, tile in tiles(facts))
    for finding in worst(code, facts, need, 0, why, help):
        yield Finding(
            code=code, severity=finding.severity, where=finding.where, why=finding.why, help=help
        )


def fields(values: Iterable[int], bits: int) -> int:
    """By how much the farthest of `values` lies outside a signed field of `bits`; 0 where all fit."""
    half = 1 << (bits - 1)
    return max((max(v - half + 1, -half - v, 0) for v in values), default=0)
