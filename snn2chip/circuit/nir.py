"""Circuit <-> `.nir`: plain NIR nodes that other tools read, and one metadata key with all that NIR cannot say.

Writing and reading is the identity. A reader builds the circuit from metadata and weights, lays it out again and
compares: a file whose nodes were changed by another tool says two things and is refused.
"""

import dataclasses
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snn2chip.arrays import floats
from snn2chip.circuit.check import check
from snn2chip.circuit.nir_file import METADATA_KEY, NirFile, NirNode, is_ours, load, unreadable
from snn2chip.circuit.nir_layout import layout
from snn2chip.circuit.nir_metadata import MetadataError, from_text, to_text
from snn2chip.circuit.nir_nodes import nodes_of, weight_of
from snn2chip.circuit.nir_requires import KNOWN, foreign_notes, requires
from snn2chip.circuit.types import INPUT, Circuit
from snn2chip.errors import Snn2ChipError
from snn2chip.files import write_whole

if TYPE_CHECKING:
    import nir

__all__ = ["foreign_notes", "is_ours", "read", "to_nir", "write"]


def to_nir(circuit: Circuit) -> "nir.NIRGraph":
    """The NIR graph of `circuit`.

    Populations become IF, LIF, I, LI or Threshold nodes (graded relays: Scale), projections Conv2d, Linear, Affine,
    SumPool2d or Scale nodes with edges from every summand; a sum that several projections share is a Scale(1) node.
    Neuron fields have the full shape, grouped convolutions are dense, dt is 1.
    """
    import nir

    nodes, edges = nodes_of(circuit)
    return nir.NIRGraph(
        nodes={name: nir_node(node) for name, node in nodes.items()},
        edges=list(edges),
        metadata={METADATA_KEY: to_text(circuit, requires(circuit))},
        type_check=False,
    )


def write(circuit: Circuit, path: Path) -> None:
    """Write `circuit` as a `.nir` file, whole or not at all; the same circuit gives the same bytes."""
    write_graph(to_nir(circuit), path)


def write_graph(graph: "nir.NIRGraph", path: Path) -> None:
    """Write a graph whole or not at all; the same graph gives the same bytes."""
    import nir

    file: Any = io.BytesIO()  # nir writes into any file, whatever its annotation says
    nir.write(file, graph, compression_opts=1)
    write_whole(path, file.getvalue())


def read(path: Path) -> Circuit:
    """The circuit that `write` put into a file; Snn2ChipError where it is not ours, is malformed or was changed."""
    file = load(path)
    if file.metadata is None:
        raise unreadable(path, "was not written by snn2chip", "read it with --convention")
    try:
        bare = from_text(file.metadata, KNOWN)
    except MetadataError as e:
        raise unreadable(path, f"metadata {METADATA_KEY!r} {e}") from e
    _check_names(file, bare)
    circuit = _with_weights(file, bare)
    try:
        check(circuit)
    except Snn2ChipError as e:
        raise _changed(file, f"{e.finding.where}: {e.finding.why}") from e
    _check_same(file, circuit)
    return circuit


def nir_node(node: NirNode) -> "nir.NIRNode":
    """The node as nir's own class."""
    import nir

    # HDF5 compresses arrays only: what has no axes is a plain number.
    fields: dict[str, object] = {
        k: v if np.ndim(v) else np.asarray(v).item() for k, v in node.fields.items()
    }
    if node.type in ("Input", "Output"):
        return getattr(nir, node.type)(fields["shape"])
    if node.type == "Flatten":
        fields["input_type"] = {"input": fields["input_type"]}
    return getattr(nir, node.type)(**fields)


def _check_names(file: NirFile, bare: Circuit) -> None:
    """Everything that the metadata names is there, so that the rest need not look again."""
    known = {INPUT, *(p.name for p in bare.populations)}
    named = {bare.readout.population, *(p.target for p in bare.projections)}
    for ends in (*(p.sources for p in bare.projections), *(j.summands for j in bare.joins)):
        if not ends:
            raise _changed(file, "a projection or join without sources")
        named.update(ends)
    for name in sorted(named - known):
        raise _changed(file, f"no population is called {name!r}")


def _with_weights(file: NirFile, bare: Circuit) -> Circuit:
    try:
        names = layout(bare)
        projections = tuple(
            dataclasses.replace(p, weight=floats(weight_of(bare, i, names, file.nodes)))
            for i, p in enumerate(bare.projections)
        )
    except KeyError as e:
        raise _changed(file, f"{e.args[0]!r} is missing") from e
    except (ValueError, TypeError, IndexError) as e:
        raise _changed(file, str(e)) from e
    return dataclasses.replace(bare, projections=projections)


def _check_same(file: NirFile, circuit: Circuit) -> None:
    """The file's nodes and edges are those of `circuit`, number for number."""
    try:
        nodes, edges = nodes_of(circuit)
    except (KeyError, ValueError, TypeError, IndexError) as e:
        raise _changed(file, str(e)) from e
    for name in sorted(nodes.keys() ^ file.nodes.keys()):
        raise _changed(file, f"node {name!r} is in one of them only")
    for name, node in nodes.items():
        if file.nodes[name].type != node.type:
            raise _changed(file, f"node {name!r} is {file.nodes[name].type} and {node.type}")
        for key, value in node.fields.items():
            if key not in file.nodes[name].fields or not _equal(
                file.nodes[name].fields[key], value
            ):
                raise _changed(file, f"node {name!r} differs in {key}")
    for a, b in sorted(set(edges) ^ set(file.edges)):
        raise _changed(file, f"the edge {a} -> {b} is in one of them only")


def _equal(have: object, need: object) -> bool:
    return np.array_equal(np.asarray(have), np.asarray(need))


def _changed(file: NirFile, why: str) -> Snn2ChipError:
    return unreadable(
        file.path,
        f"its nodes and its metadata {METADATA_KEY!r} disagree: {why}",
        "it was changed after snn2chip wrote it; write it again",
    )
