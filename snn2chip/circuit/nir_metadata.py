"""The JSON text under a `.nir` graph's key `snn2chip`: the circuit without its weights, and what a reader must understand.

NIR says which weights go where; it cannot say how a neuron resets, compares or counts, nor T, nor how a network was read. All of
that is here, exactly: numbers as Python prints them, larger arrays as base64 of compressed little-endian float64. Weights are in the
nodes of the graph alone.
"""

import base64
import dataclasses
import json
import math
import zlib
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import (
    Circuit,
    CircuitReadOut,
    Conv,
    Dense,
    Identity,
    Input,
    InputKind,
    Join,
    Origin,
    Population,
    Projection,
    Provenance,
    Role,
)
from snn2chip.neuron import ChipRounding, Compare, Emits, NeuronModel, Reset

SCHEMA = 1
"""Version of the text; a reader refuses another."""

_CLASSES = {
    kind.__name__: kind
    for kind in (
        *(Circuit, CircuitReadOut, Input, Join, Origin, Population, Projection, Provenance),
        *(Conv, Dense, Identity, NeuronModel, ChipRounding),
    )
}
_ENUMS = {kind.__name__: kind for kind in (InputKind, Role, Compare, Reset, Emits)}
_INLINE = 64  # arrays of so many values can be read by people
_NO_WEIGHT = floats([])


class MetadataError(ValueError):
    """The text is not one of ours; the message says why."""


def to_text(circuit: Circuit, requires: tuple[str, ...]) -> str:
    """The JSON text of `circuit` without its weights; the same circuit gives the same text."""
    bare = dataclasses.replace(
        circuit,
        projections=tuple(dataclasses.replace(p, weight=_NO_WEIGHT) for p in circuit.projections),
    )
    document = {"schema": SCHEMA, "dt": 1, "requires": list(requires), "circuit": _encode(bare)}
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def from_text(text: str, known: tuple[str, ...]) -> Circuit:
    """The circuit of `to_text`, its projections without weights. MetadataError where it is malformed or needs what is not `known`."""
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as e:
        raise MetadataError(f"is no JSON: {e}") from e
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        have = document.get("schema") if isinstance(document, dict) else None
        raise MetadataError(f"has schema {have!r}, this version reads {SCHEMA}")
    missing = [word for word in document.get("requires", []) if word not in known]
    if missing:
        raise MetadataError(f"requires {', '.join(map(str, missing))}, which this version does not know")
    try:
        circuit = _decode(document["circuit"])
    except (KeyError, TypeError, ValueError, RecursionError, zlib.error) as e:
        raise MetadataError(f"is malformed: {e}") from e
    if not isinstance(circuit, Circuit):
        raise MetadataError("holds no circuit")
    return circuit


def _encode(value: object) -> Any:
    """`value` in what JSON has: tuples are lists, all else is an object that says what it is."""
    if isinstance(value, Enum):
        return {"is": type(value).__name__, "value": value.value}
    if dataclasses.is_dataclass(value):
        fields = {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"is": type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, Mapping):
        return {"is": "map", "items": [[_encode(k), _encode(v)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return [_encode(v) for v in value]
    if isinstance(value, list):
        return {"is": "list", "items": [_encode(v) for v in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a .nir file")


def _decode(tree: Any) -> Any:
    if isinstance(tree, list):
        return tuple(_decode(v) for v in tree)
    if not isinstance(tree, dict):
        return tree
    kind = tree["is"]
    if kind == "array":
        return _decode_array(tree)
    if kind == "map":
        return {_decode(k): _decode(v) for k, v in tree["items"]}
    if kind == "list":
        return [_decode(v) for v in tree["items"]]
    if kind in _ENUMS:
        return _ENUMS[kind](tree["value"])
    if kind not in _CLASSES:
        raise MetadataError(f"names {kind!r}, which this version does not know")
    return _CLASSES[kind](**{k: _decode(v) for k, v in tree.items() if k != "is"})


def _encode_array(array: FloatArray) -> dict[str, object]:
    if array.dtype != np.float64:
        raise TypeError(f"an array of {array.dtype} in a circuit of float64")
    head: dict[str, object] = {"is": "array", "shape": list(array.shape)}
    if array.size <= _INLINE:
        return {**head, "values": array.reshape(-1).tolist()}
    packed = zlib.compress(array.astype("<f8").tobytes(), 9)
    return {**head, "zlib": base64.b64encode(packed).decode("ascii")}


def _decode_array(tree: Mapping[str, Any]) -> FloatArray:
    shape = [int(n) for n in tree["shape"]]
    if "values" in tree:
        return floats(np.array(tree["values"], np.float64).reshape(shape))
    size = math.prod(shape) * 8
    stream = zlib.decompressobj()
    data = stream.decompress(base64.b64decode(tree["zlib"], validate=True), size + 1)
    if len(data) != size:
        raise MetadataError(f"an array of {len(data)} bytes where its shape {shape} needs {size}")
    return floats(np.frombuffer(data, "<f8").reshape(shape))
