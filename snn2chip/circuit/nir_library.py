"""A Circuit as a `.nir` file for one library: the same dynamics in the words that this library's importer reads.

NIR fixes no time step, comparison or reset, and importers drop nodes that they do not know (Scale, Threshold, I, and
Flatten before a batch). So every library gets a file of its own:

    pools, joins, dense layers  ->  Conv2d (of ones, of the identity, of the size of the map)
    neurons                     ->  IF or LIF with the numbers that its importer turns into v <- decay·v + x
    v >= θ where it asks v > θ  ->  θ' = the float32 below θ; both say the same of every float32 v

What the library has no neuron for is refused, node by node.
"""

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from snn2chip.circuit.nir import nir_node, write_graph
from snn2chip.circuit.nir_file import Field, NirFile, NirNode
from snn2chip.circuit.nir_layout import layout, shape_of
from snn2chip.circuit.nir_library_neurons import LIBRARIES, Library, check_represents, neuron
from snn2chip.circuit.nir_nodes import nodes_of
from snn2chip.circuit.types import INPUT, Circuit, InputKind
from snn2chip.errors import Snn2ChipError, StatementError, did_you_mean
from snn2chip.neuron import Emits

Edge = tuple[str, str]


def library_called(name: str) -> Library:
    """The library of that name; Snn2ChipError lists them."""
    if name not in LIBRARIES:
        why, need, hint = (
            f"no library {name!r} here",
            " | ".join(LIBRARIES),
            did_you_mean(name, LIBRARIES),
        )
        raise Snn2ChipError("option-value", "--for", why, need=need, help=hint)
    return LIBRARIES[name]


def library_notes(circuit: Circuit, library: Library) -> tuple[str, ...]:
    """Sentences for the one who imports the file of `write_for`."""
    notes = [
        f"read it with nir.read(path, type_check=False) and {library.call}",
        f"snn2chip reads it with --convention {library.convention}",
    ]
    if circuit.input.kind is InputKind.STATIC:
        notes.append(f"show the image at each of {circuit.steps} steps")
    if any(p.neuron.emits is Emits.NOTHING for p in circuit.populations):
        how = "mean" if circuit.readout.mean else "sum"
        notes.append(f"the answer is the {how} of what comes out over the steps")
    return tuple(notes)


def write_for(circuit: Circuit, library: Library, path: Path) -> None:
    """Write `circuit` as `library` reads it; StatementError `nir-library` with all that it cannot represent."""
    import nir

    file = for_library(circuit, library)
    nodes = {name: nir_node(node) for name, node in file.nodes.items()}
    write_graph(nir.NIRGraph(nodes=nodes, edges=list(file.edges), type_check=False), path)


def for_library(circuit: Circuit, library: Library) -> NirFile:
    """Nodes and edges for `library`; names keep letters, digits and underscores."""
    file = _renamed(graph_for(circuit, library))
    if library.walks:
        _check_walk(file, library)
    return file


def graph_for(circuit: Circuit, library: Library) -> NirFile:
    """What `library` is told, whatever its importer makes of the edges: each node after all that feed it.

    Nodes of populations have the names of `layout`. StatementError `nir-library` as in `write_for`.
    """
    check_represents(circuit, library)
    nodes, edges = nodes_of(circuit)
    made = {name: _node(node, nodes, edges) for name, node in nodes.items()}
    names = layout(circuit).populations
    for p in circuit.populations:
        if p.neuron.emits is not Emits.NOTHING:
            made[names[p.name]] = neuron(p, names[p.name], library)
    dropped = {n for n, node in made.items() if node.type in ("Flatten", "I")}
    edges = _without(edges, dropped)
    made = {n: node for n, node in made.items() if n not in dropped}
    made, edges = _one_output(made, edges, circuit.population(circuit.readout.population).shape[0])
    return _ordered(made, edges, shape_of(circuit, INPUT))


def _node(node: NirNode, nodes: Mapping[str, NirNode], edges: Sequence[Edge]) -> NirNode:
    """One node with maps for vectors and convolutions for everything linear."""
    f = node.fields
    if node.type in ("Input", "Output"):
        shape = np.atleast_1d(f["shape"])
        return replace(node, fields={"shape": np.array([*shape, 1, 1][:3])})
    if node.type == "Scale":
        values = np.asarray(f["scale"])
        channels = values.reshape(len(values), -1)[:, 0]
        return _conv(node.name, np.diag(channels)[:, :, None, None], 1, 0)
    if node.type == "SumPool2d":
        return _pool(node, nodes, edges)
    if node.type in ("Linear", "Affine"):
        weight = np.asarray(f["weight"])
        source = next(nodes[a] for a, b in edges if b == node.name)
        flat = np.asarray(source.fields["input_type"]) if source.type == "Flatten" else None
        kernel = (1, 1) if flat is None else flat[1:]
        bias = np.asarray(f["bias"]) if "bias" in f else None
        return _conv(node.name, weight.reshape(len(weight), -1, *kernel), 1, 0, bias)
    return node


def _pool(node: NirNode, nodes: Mapping[str, NirNode], edges: Sequence[Edge]) -> NirNode:
    kernel, stride, padding = (
        np.asarray(node.fields[k]) for k in ("kernel_size", "stride", "padding")
    )
    source = next(nodes[a] for a, b in edges if b == node.name)
    channels = _channels(source)
    ones = np.eye(channels)[:, :, None, None] * np.ones((1, 1, *kernel))
    return _conv(node.name, ones, stride, padding)


def _channels(node: NirNode) -> int:
    """Channels that leave a node which a pool reads."""
    for key in ("v_threshold", "threshold", "scale", "weight"):
        if key in node.fields:
            return len(np.asarray(node.fields[key]))
    return int(np.asarray(node.fields["shape"])[0])


def _conv(
    name: str, weight: Any, stride: object, padding: object, bias: Field | None = None
) -> NirNode:
    fields: dict[str, Field] = {
        "weight": np.asarray(weight, np.float32),
        "stride": np.broadcast_to(np.asarray(stride), 2).copy(),
        "padding": np.broadcast_to(np.asarray(padding), 2).copy(),
        "dilation": np.ones(2, np.int64),
        "groups": np.asarray(1),
        "bias": np.zeros(len(weight), np.float32) if bias is None else bias,
    }
    return NirNode(name=name, type="Conv2d", fields=fields)


def _without(edges: Sequence[Edge], dropped: set[str]) -> list[Edge]:
    """Edges past the nodes that are dropped."""
    kept = list(edges)
    for name in sorted(dropped):
        into = [a for a, b in kept if b == name]
        out = [b for a, b in kept if a == name]
        kept = [e for e in kept if name not in e] + [(a, b) for a in into for b in out]
    return kept


def _one_output(
    nodes: Mapping[str, NirNode], edges: Sequence[Edge], channels: int
) -> tuple[dict[str, NirNode], list[Edge]]:
    """A node that sums what goes into the Output: nirtorch would give the summands one by one."""
    output = next(n for n, node in nodes.items() if node.type == "Output")
    into = [a for a, b in edges if b == output]
    if len(into) == 1:
        return dict(nodes), list(edges)
    name = f"{output}_sum"
    kept = [(a, name if b == output else b) for a, b in edges]
    one = _conv(name, np.eye(channels)[:, :, None, None], 1, 0)
    return {**nodes, name: one}, [*kept, (name, output)]


def _renamed(file: NirFile) -> NirFile:
    """Importers make attributes of names, and some write code with them."""
    new: dict[str, str] = {}
    for name in file.nodes:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        wish = plain = f"{plain}_" if keyword.iskeyword(plain) else plain
        number = 1
        while wish in new.values():
            number += 1
            wish = f"{plain}_{number}"
        new[name] = wish
    return replace(
        file,
        nodes={new[n]: replace(node, name=new[n]) for n, node in file.nodes.items()},
        edges=tuple((new[a], new[b]) for a, b in file.edges),
    )


@dataclass(slots=True)
class _Sizes:
    """Height and width that leave each node, so that every convolution says its own input's."""

    sizes: dict[str, tuple[int, int]]

    def leave(self, name: str, node: NirNode, size: tuple[int, int]) -> NirNode:
        self.sizes[name] = size
        if node.type != "Conv2d":
            return node
        f = {k: np.asarray(v) for k, v in node.fields.items()}
        kernel = np.array(f["weight"].shape[2:])
        out = (np.array(size) + 2 * f["padding"] - f["dilation"] * (kernel - 1) - 1) // f[
            "stride"
        ] + 1
        self.sizes[name] = (int(out[0]), int(out[1]))
        return replace(node, fields={"input_shape": np.array(size), **node.fields})


def _ordered(
    nodes: Mapping[str, NirNode], edges: Sequence[Edge], shape: tuple[int, int, int]
) -> NirFile:
    """Nodes in an order of their own, edges so that nirtorch's walk meets every summand before its sum."""
    sources: dict[str, list[str]] = {n: [a for a, b in edges if b == n] for n in nodes}
    depth: dict[str, int] = {}
    while len(depth) < len(sources):
        for name, into in sources.items():
            if name not in depth and all(a in depth for a in into):
                depth[name] = 1 + max((depth[a] for a in into), default=0)
    sizes = _Sizes({})
    ordered: dict[str, NirNode] = {}
    for name in sorted(nodes, key=lambda n: depth[n]):
        size = sizes.sizes[sources[name][0]] if sources[name] else shape[1:]
        ordered[name] = sizes.leave(name, nodes[name], size)
    return NirFile(
        path="",
        version="",
        nodes=ordered,
        edges=tuple(sorted(edges, key=lambda e: (depth[e[0]], depth[e[1]]))),
        metadata=None,
    )


def _check_walk(file: NirFile, library: Library) -> None:
    """nirtorch.load runs nodes depth first, and a sum without the summands that it has not met."""
    sources: dict[str, list[str]] = {n: [a for a, b in file.edges if b == n] for n in file.nodes}
    seen: set[str] = set()
    waiting = [next(iter(file.nodes))]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        late = [a for a in sources[name] if a not in seen]
        if late:
            why = f"the importer of {library.name} runs it before its summand {late[0]}"
            help = "a shortcut with layers of its own cannot be imported there"
            raise StatementError("nir-library", name, why, help=help)
        seen.add(name)
        waiting += [b for a, b in reversed(file.edges) if a == name]
