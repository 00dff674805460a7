"""A `.nir` file as it lies on disk: nodes, edges and metadata, read with h5py and trusted in nothing.

The package `nir` builds its node objects while it reads, so that one bad field ends in an exception that names no
node; and it changes types and fills in defaults. Here a file becomes plain arrays and words first, and every refusal
names file and node.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from snn2chip.errors import Snn2ChipError

METADATA_KEY = "snn2chip"
"""The one metadata key of the graph that we write; its value is a JSON text."""

_LIMIT_BYTES = (
    1 << 32
)  # a compressed array can claim any size; no parameter of a real network is larger than this

Field = NDArray[Any] | str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NirNode:
    """One node: its type (`Conv2d`, `LIF` ...) and its fields, numbers as arrays of the file's dtype, texts as str."""

    name: str
    type: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NirFile:
    """A graph as the file has it. `metadata`: our own JSON text, or None in a file of another tool."""

    path: str
    version: str
    nodes: Mapping[str, NirNode]
    edges: tuple[tuple[str, str], ...]
    metadata: str | None


def load(path: Path) -> NirFile:
    """The graph in the file at `path`; Snn2ChipError where it is no readable `.nir` file."""
    with _opened(path) as file:
        graph = _group(path, file, "node")
        if "version" not in file:
            raise unreadable(
                path, "has no 'version', which every NIR file has", "write it again with nir"
            )
        return NirFile(
            path=str(path),
            version=_text(path, file, "version"),
            nodes=_nodes(path, graph),
            edges=_edges(path, graph),
            metadata=_metadata(path, graph),
        )


def is_ours(path: Path) -> bool:
    """Whether the file at `path` is a `.nir` file that snn2chip wrote; False also where it cannot be read."""
    try:
        with _opened(path) as file:
            return f"node/metadata/{METADATA_KEY}" in file
    except Snn2ChipError:
        return False


def unreadable(path: Path | str, why: str, help: str = "") -> Snn2ChipError:
    """The error for a file that is not what it should be."""
    return Snn2ChipError("nir-unreadable", str(path), why, help=help)


@contextmanager
def _opened(path: Path) -> Generator[h5py.File, None, None]:
    if not path.exists():
        raise unreadable(path, "no such file")
    if not path.is_file():
        raise unreadable(path, "is a directory, not a .nir file")
    try:
        with h5py.File(path, "r") as file:
            yield file
    # h5py raises each of these for damaged bytes, depending on where the damage is.
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeDecodeError) as e:
        reason = str(e).split("\n")[0][:200]
        raise unreadable(
            path, f"is not a whole HDF5 file: {reason}", "copy or write it again"
        ) from e


def _group(path: Path, parent: h5py.Group, key: str) -> h5py.Group:
    """The group of a NIR file that is called `key`."""
    group = parent.get(key)
    if not isinstance(group, h5py.Group):
        place = f"{parent.name}/{key}".strip("/")
        raise unreadable(path, f"is an HDF5 file but no NIR graph: it has no group {place!r}")
    return group


def _nodes(path: Path, graph: h5py.Group) -> dict[str, NirNode]:
    group = _group(path, graph, "nodes")
    return {str(name): _node(path, group, str(name)) for name in group}


def _node(path: Path, group: h5py.Group, name: str) -> NirNode:
    node = group[name]
    if not isinstance(node, h5py.Group) or "type" not in node:
        raise unreadable(path, f"node {name!r} has no type")
    keys = [str(key) for key in node if key not in ("type", "metadata")]
    fields = {key: _field(path, node, key) for key in keys if isinstance(node[key], h5py.Dataset)}
    return NirNode(name=name, type=_text(path, node, "type"), fields=fields)


def _edges(path: Path, graph: h5py.Group) -> tuple[tuple[str, str], ...]:
    if not isinstance(graph.get("edges"), h5py.Dataset):
        raise unreadable(path, "is an HDF5 file but no NIR graph: it has no 'node/edges'")
    rows = np.asarray(_values(path, graph, "edges"))
    if rows.size == 0:
        return ()
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise Snn2ChipError(
            "nir-unreadable", str(path), "edges are no pairs", have=str(rows.shape), need="(n, 2)"
        )
    return tuple((_word(path, a), _word(path, b)) for a, b in rows)


def _metadata(path: Path, graph: h5py.Group) -> str | None:
    metadata = graph.get("metadata")
    if not isinstance(metadata, h5py.Group) or METADATA_KEY not in metadata:
        return None
    return _text(path, metadata, METADATA_KEY)


def _field(path: Path, node: h5py.Group, key: str) -> Field:
    values = _values(path, node, key)
    if isinstance(values, bytes | str):
        return _word(path, values)
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise unreadable(path, f"{node.name}/{key} is of type {array.dtype}, not numbers")
    return array


def _text(path: Path, group: h5py.Group, key: str) -> str:
    return _word(path, _values(path, group, key))


def _word(path: Path, value: object) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        return value
    raise unreadable(path, f"has {type(value).__name__} {value!r} where a text should be")


def _values(path: Path, group: h5py.Group, key: str) -> Any:
    """The values of a dataset that lies in this very file and is of a believable size."""
    data = group[key]
    if not isinstance(data, h5py.Dataset):
        raise unreadable(path, f"{group.name}/{key} holds no values")
    foreign = isinstance(group.get(key, getlink=True), h5py.ExternalLink)
    if foreign or data.external or data.is_virtual:
        raise unreadable(
            path, f"{group.name}/{key} refers to another file", "pack it into one file"
        )
    if data.size is not None and data.size * data.dtype.itemsize > _LIMIT_BYTES:
        raise Snn2ChipError(
            "nir-unreadable",
            str(path),
            f"{group.name}/{key} is too large",
            have=f"{data.size * data.dtype.itemsize} bytes",
            need=f"at most {_LIMIT_BYTES}",
        )
    return data[()]
