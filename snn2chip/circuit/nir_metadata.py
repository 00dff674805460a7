"""The JSON text under a `.nir` graph's key `snn2chip`: the circuit but for its weights, and what a reader must know.

NIR says which weights go where; it cannot say how a neuron resets, compares or counts, nor T, nor how a network was
read. All of that is here, exactly: numbers as Python prints them, larger arrays as base64 of compressed little-endian
float64. Weights are in the nodes of the graph alone.
"""

import base64
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import Circuit
from snn2chip.codec import decode, encode

SCHEMA = 1
"""Version of the text; a reader refuses another."""

_INLINE = 64  # arrays of so many values can be read by people
_NO_WEIGHT = floats([])


class MetadataError(ValueError):
    """The text is not one of ours; the message says why."""


def to_text(circuit: Circuit, requires: tuple[str, ...]) -> str:
    """The JSON text of `circuit` without its weights; the same circuit gives the same text."""
    tree, arrays = encode(circuit)
    weights = _weights(len(circuit.projections))
    document = {
        "schema": SCHEMA,
        "dt": 1,
        "requires": list(requires),
        "circuit": tree,
        "arrays": {name: _packed(a) for name, a in arrays.items() if name not in weights},
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def from_text(text: str, known: tuple[str, ...]) -> Circuit:
    """The circuit of `to_text`, its projections with empty weights.

    MetadataError where the text is malformed or requires a word that is not `known`.
    """
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as e:
        raise MetadataError(f"is no JSON: {e}") from e
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        have = document.get("schema") if isinstance(document, dict) else None
        raise MetadataError(f"has schema {have!r}, this version reads {SCHEMA}")
    try:
        missing = [word for word in document["requires"] if word not in known]
        if missing:
            raise MetadataError(f"requires {', '.join(missing)}, which this version does not know")
        arrays = {name: _unpacked(a) for name, a in document["arrays"].items()}
        return decode(
            Circuit,
            document["circuit"],
            {**arrays, **_weights(len(document["circuit"]["projections"]))},
        )
    except MetadataError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, zlib.error) as e:
        raise MetadataError(f"is malformed: {e}") from e


def _weights(projections: int) -> dict[str, FloatArray]:
    """Where the codec puts the weights, which the text leaves out."""
    return {f"projections.{i}.weight": _NO_WEIGHT for i in range(projections)}


def _packed(array: FloatArray) -> dict[str, object]:
    if array.dtype != np.float64:
        raise TypeError(f"an array of {array.dtype} in a circuit of float64")
    shape = list(array.shape)
    if array.size <= _INLINE:
        return {"shape": shape, "values": array.reshape(-1).tolist()}
    data = zlib.compress(array.astype("<f8").tobytes(), 9)
    return {"shape": shape, "zlib": base64.b64encode(data).decode("ascii")}


def _unpacked(tree: Mapping[str, Any]) -> FloatArray:
    shape = [int(n) for n in tree["shape"]]
    if "values" in tree:
        return floats(np.array(tree["values"], np.float64).reshape(shape))
    size = math.prod(shape) * 8
    # Compressed text can claim to be of any size; no more is unpacked than the shape needs.
    data = zlib.decompressobj().decompress(base64.b64decode(tree["zlib"], validate=True), size + 1)
    if len(data) != size:
        raise ValueError(f"an array of {len(data)} bytes, its shape {shape} needs {size}")
    return floats(np.frombuffer(data, "<f8").reshape(shape))
