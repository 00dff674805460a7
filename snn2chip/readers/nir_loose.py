"""What a `.nir` file says of its own shapes, and where it says less or otherwise than nir's type check wants."""

import math
from collections.abc import Iterator

import numpy as np

from snn2chip.errors import Finding, Severity
from snn2chip.readers.nir_nodes import NirShape, NodeReader

_OF_NEURONS = ("tau", "r", "v_leak", "v_threshold", "v_reset", "threshold")
"""Fields that nir wants in the full shape of the neurons."""


def claimed_input(reader: NodeReader) -> NirShape | None:
    """The shape of the input of a node, from its own fields alone; None where they do not say."""
    kind, fields = reader.node.type, _arrays(reader)
    weight = fields.get("weight")
    if kind == "Conv2d" and weight is not None and weight.ndim == 4 and "input_shape" in fields:
        size, groups = fields["input_shape"].reshape(-1), fields.get("groups", np.ones(1))
        if size.size == 2 and groups.size == 1:
            return (int(weight.shape[1] * groups.item()), int(size[0]), int(size[1]))
    if kind in ("Linear", "Affine") and weight is not None and weight.ndim == 2:
        return (weight.shape[1],)
    if kind == "Flatten" and "input_type" in fields:
        return _shape(tuple(int(n) for n in fields["input_type"].reshape(-1)))
    full = (fields[name].shape for name in (*_OF_NEURONS, "scale") if name in fields)
    return next((s for s in full if _shape(s) and math.prod(s) > 1), None)


def claimed_output(reader: NodeReader, shape: NirShape | None) -> NirShape | None:
    """The shape that leaves a node with a defect, where that is sure; `shape`: its input's."""
    kind, weight = reader.node.type, _arrays(reader).get("weight")
    if kind in ("Linear", "Affine"):
        return (weight.shape[0],) if weight is not None and weight.ndim == 2 else None
    if kind == "Flatten":
        return None if shape is None else (math.prod(shape),)
    return shape if kind in ("IF", "LIF", "Threshold", "Scale") else None


def loose(reader: NodeReader, shape: NirShape) -> Iterator[Finding]:
    """What nir's type check refuses, or other tools trip over, in a node that gets `shape`; it is read all the same."""
    kind, fields = reader.node.type, _arrays(reader)
    for field in ("input_shape",) if kind == "Conv2d" else ("input_type",) * (kind == "Flatten"):
        if field not in fields:
            yield _note(reader, f"does not say its {field}; it was inferred", have=list(shape))
    for field in ("scale",) if kind == "Scale" else _OF_NEURONS:
        if kind != "Conv2d" and field in fields and fields[field].shape != shape:
            have = list(fields[field].shape)
            yield _note(reader, f"{field} has not the full shape", have=have, need=list(shape))
    weight, groups = fields.get("weight"), fields.get("groups")
    if kind == "Conv2d" and groups is not None and groups.size == 1 and groups.item() > 1:
        yield _note(reader, "has groups, of which nir checks the channels wrongly", have=groups)
    if kind == "Conv2d" and weight is not None and len(set(weight.shape[2:])) > 1:
        have = list(weight.shape[2:])
        yield _note(reader, "its kernel is not square, which nir computes wrongly", have=have)


def _arrays(reader: NodeReader) -> dict[str, np.ndarray]:
    return {k: v for k, v in reader.node.fields.items() if not isinstance(v, str)}


def _shape(values: tuple[int, ...]) -> NirShape | None:
    return values if len(values) in (1, 3) and min(values) > 0 else None


def _note(reader: NodeReader, why: str, *, have: object, need: object = "") -> Finding:
    return Finding(
        code="nir-loose",
        severity=Severity.NOTE,
        where=f"{reader.path}: node {reader.node.name} ({reader.node.type})",
        why=why,
        have=str(have),
        need=str(need),
        help="nir reads it with type_check=False",
    )
