"""The edges of a `.nir` file: who feeds whom, in an order in which every input comes before its use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snn2chip.circuit.nir_file import NirFile, NirNode
from snn2chip.errors import Snn2ChipError, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NirGraph:
    """A checked graph. `order`: all nodes but Input and Output; `feeds`: node -> the nodes whose outputs it sums."""

    path: str
    input: str
    output: str
    order: tuple[str, ...]
    nodes: Mapping[str, NirNode]
    feeds: Mapping[str, tuple[str, ...]]


def graph_of(file: NirFile) -> NirGraph:
    """The checked graph of a file: edges name nodes, one Input, one Output, no cycle, nothing that leads nowhere."""
    _check_names(file)
    source, sink = _only(file, "Input"), _only(file, "Output")
    feeds: dict[str, list[str]] = {name: [] for name in file.nodes}
    for a, b in file.edges:
        feeds[b].append(a)
    _check_ends(file, source, sink, feeds)
    order = _ordered(file, feeds)
    return NirGraph(
        path=file.path,
        input=source,
        output=sink,
        order=tuple(n for n in order if n not in (source, sink)),
        nodes=file.nodes,
        feeds={name: tuple(sources) for name, sources in feeds.items()},
    )


def _check_names(file: NirFile) -> None:
    for a, b in file.edges:
        for name in (a, b):
            if name not in file.nodes:
                hint = did_you_mean(name, file.nodes)
                raise _error(
                    file, f"the edge {a} -> {b} names {name!r}, which is no node", help=hint
                )
    twice = next((e for e in file.edges if file.edges.count(e) > 1), None)
    if twice:
        raise _error(
            file,
            f"the edge {twice[0]} -> {twice[1]} is there twice; tools disagree whether it counts twice",
            help="write a doubled input as a Scale node of 2",
        )


def _only(file: NirFile, kind: str) -> str:
    found = [name for name, node in file.nodes.items() if node.type == kind]
    if len(found) != 1:
        have = ", ".join(found) or "none"
        raise _error(file, f"a network has one {kind} node", have=have, need="1")
    return found[0]


def _check_ends(file: NirFile, source: str, sink: str, feeds: Mapping[str, Sequence[str]]) -> None:
    if feeds[source]:
        raise _error(file, f"the edge {feeds[source][0]} -> {source} goes into the Input")
    used = {a for a, _ in file.edges}
    if sink in used:
        raise _error(file, f"an edge leaves the Output {sink}")
    for name in file.nodes:
        if name != source and not feeds[name]:
            raise _error(file, f"node {name}: no edge goes into it")
        if name != sink and name not in used:
            raise _error(file, f"node {name}: nothing reads it and it is not the Output")


def _ordered(file: NirFile, feeds: Mapping[str, Sequence[str]]) -> list[str]:
    """Nodes in topological order; among those that are ready, as edges first name them."""
    names = list(dict.fromkeys(name for edge in file.edges for name in edge))
    done: dict[str, None] = {}
    while len(done) < len(names):
        ready = [n for n in names if n not in done and all(a in done for a in feeds[n])]
        if not ready:
            cycle = _cycle([n for n in names if n not in done], feeds)
            raise _error(
                file,
                f"the edges form a cycle: {' -> '.join(cycle)}",
                help="recurrent networks are not supported",
            )
        done.update(dict.fromkeys(ready))
    return list(done)


def _cycle(left: Sequence[str], feeds: Mapping[str, Sequence[str]]) -> list[str]:
    """One cycle among `left`, each of which waits for another of them."""
    walk = [left[0]]
    while walk[-1] not in walk[:-1]:
        walk.append(next(a for a in feeds[walk[-1]] if a in left))
    return walk[walk.index(walk[-1]) :][::-1]


def _error(
    file: NirFile, why: str, *, have: str = "", need: str = "", help: str = ""
) -> Snn2ChipError:
    return Snn2ChipError("nir-graph", file.path, why, have=have, need=need, help=help)
