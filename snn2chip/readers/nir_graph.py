"""The edges of a `.nir` file: who feeds whom, in an order in which every input comes before its use."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from snn2chip.circuit.nir_file import NirFile, NirNode
from snn2chip.errors import Finding, Severity, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NirGraph:
    """A checked graph. `order`: all nodes but Input and Output; `feeds`: node -> the nodes whose outputs it sums."""

    path: str
    input: str
    output: str
    order: tuple[str, ...]
    nodes: Mapping[str, NirNode]
    feeds: Mapping[str, tuple[str, ...]]


def graph_of(file: NirFile) -> tuple[NirGraph, list[Finding]]:
    """The graph of a file and what is wrong with it: edges name nodes, one Input, one Output, no cycle, no loose end.

    Where something is wrong the graph is as much of it as is left: edges to nowhere and second ones are dropped, nodes
    of a cycle come last.
    """
    kinds = list(_kinds(file))
    errors = [*_names(file), *kinds]
    known = [e for e in dict.fromkeys(file.edges) if all(name in file.nodes for name in e)]
    source, sink = _first(file, "Input"), _first(file, "Output")
    feeds: dict[str, list[str]] = {name: [] for name in file.nodes}
    for a, b in known:
        feeds[b].append(a)
    if not kinds:
        errors += _ends(file, source, sink, feeds)
    order, cycle = _ordered(file, known, feeds)
    if cycle:
        why = f"the edges form a cycle: {' -> '.join(cycle)}"
        errors.append(_error(file, why, help="recurrent networks are not supported"))
    graph = NirGraph(
        path=file.path,
        input=source,
        output=sink,
        order=tuple(n for n in order if file.nodes[n].type not in ("Input", "Output")),
        nodes=file.nodes,
        feeds={name: tuple(sources) for name, sources in feeds.items()},
    )
    return graph, errors


def _names(file: NirFile) -> Iterator[Finding]:
    for a, b in file.edges:
        for name in (a, b):
            if name not in file.nodes:
                hint = did_you_mean(name, file.nodes)
                why = f"the edge {a} -> {b} names {name!r}, which is no node"
                yield _error(file, why, help=hint)
    for (a, b), times in Counter(file.edges).items():
        if times > 1:
            yield _error(
                file,
                f"the edge {a} -> {b} is there twice; tools disagree whether it counts twice",
                help="write a doubled input as a Scale node of 2",
            )


def _kinds(file: NirFile) -> Iterator[Finding]:
    for kind in ("Input", "Output"):
        found = [name for name, node in file.nodes.items() if node.type == kind]
        if len(found) != 1:
            have = ", ".join(found) or "none"
            yield _error(file, f"a network has one {kind} node", have=have, need="1")


def _first(file: NirFile, kind: str) -> str:
    """The first node of a kind, '' where there is none."""
    return next((name for name, node in file.nodes.items() if node.type == kind), "")


def _ends(
    file: NirFile, source: str, sink: str, feeds: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    if feeds[source]:
        yield _error(file, f"the edge {feeds[source][0]} -> {source} goes into the Input")
    used, fed = {a for a, _ in file.edges}, {b for _, b in file.edges}
    if sink in used:
        yield _error(file, f"an edge leaves the Output {sink}")
    for name in file.nodes:
        if name != source and name not in fed:
            yield _error(file, f"node {name}: no edge goes into it")
        if name != sink and name not in used:
            yield _error(file, f"node {name}: nothing reads it and it is not the Output")


def _ordered(
    file: NirFile, edges: Sequence[tuple[str, str]], feeds: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[str]]:
    """(all nodes in topological order, a cycle if there is one); of those that are ready, as edges first name them."""
    names = list(dict.fromkeys([*(name for edge in edges for name in edge), *file.nodes]))
    done: dict[str, None] = {}
    while len(done) < len(names):
        ready = [n for n in names if n not in done and all(a in done for a in feeds[n])]
        if not ready:
            left = [n for n in names if n not in done]
            return [*done, *left], _cycle(left, feeds)
        done.update(dict.fromkeys(ready))
    return list(done), []


def _cycle(left: Sequence[str], feeds: Mapping[str, Sequence[str]]) -> list[str]:
    """One cycle among `left`, each of which waits for another of them."""
    walk = [left[0]]
    while walk[-1] not in walk[:-1]:
        walk.append(next(a for a in feeds[walk[-1]] if a in left))
    return walk[walk.index(walk[-1]) :][::-1]


def _error(file: NirFile, why: str, *, have: str = "", need: str = "", help: str = "") -> Finding:
    return Finding(
        code="nir-graph",
        severity=Severity.ERROR,
        where=file.path,
        why=why,
        have=have,
        need=need,
        help=help,
    )
