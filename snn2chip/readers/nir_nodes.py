"""One function per type of NIR node: fields -> the layer's operation and the shape that leaves it.

Shapes are NIR's: no batch, no time, (C, H, W) or (n,).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.nir_file import NirNode
from snn2chip.errors import Snn2ChipError, did_you_mean
from snn2chip.network.types import (
    AvgPool2d,
    Conv2d,
    Flatten,
    Linear,
    Neuron,
    Op,
    Pair,
    Scale,
    SumPool2d,
)
from snn2chip.readers.nir_convention import Convention

NirShape = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeReader:
    """The fields of one node, checked as they are taken out."""

    path: str
    node: NirNode

    def error(
        self, why: str, *, have: object = "", need: object = "", help: str = ""
    ) -> Snn2ChipError:
        """The error of this node."""
        where = f"{self.path}: node {self.node.name} ({self.node.type})"
        return Snn2ChipError("nir-node", where, why, have=str(have), need=str(need), help=help)

    def numbers(self, field: str, *, infinite: bool = False) -> NDArray[Any]:
        """A field of finite real numbers, in the dtype of the file (whole numbers as float64)."""
        values = self.node.fields.get(field)
        if values is None:
            raise self.error(f"has no {field}", have=", ".join(self.node.fields) or "no field")
        if isinstance(values, str):
            raise self.error(f"{field} is the text {values!r}, not numbers")
        array = values if values.dtype.kind == "f" else values.astype(np.float64)
        bad = np.isnan(array) | (np.isinf(array) & (not infinite))
        if bad.any():
            first = float(array[bad][0]) if array.ndim else float(array)
            raise self.error(
                f"{field} is not finite in {int(bad.sum())} of {array.size} values", have=first
            )
        return array

    def has(self, field: str) -> bool:
        """Whether the file has this field."""
        return field in self.node.fields

    def whole(self, field: str, default: int | None = None) -> int:
        """A field of one whole number."""
        if default is not None and not self.has(field):
            return default
        return self._wholes(field, 1)[0]

    def pair(self, field: str, default: int | None = None) -> Pair:
        """A field of two whole numbers, or of one that counts for both axes."""
        if default is not None and not self.has(field):
            return (default, default)
        values = self._wholes(field, 2)
        return (values[0], values[-1])

    def _wholes(self, field: str, most: int) -> list[int]:
        values = np.atleast_1d(self.numbers(field))
        if values.ndim != 1 or not 1 <= values.size <= most or np.any(values != np.round(values)):
            need = "a whole number" if most == 1 else "one or two whole numbers"
            raise self.error(f"{field} is {values.tolist()}", need=need)
        return [int(v) for v in values]

    def maps(self, shape: NirShape) -> tuple[int, int, int]:
        """`shape` as (C, H, W), where the node needs one."""
        if len(shape) != 3:
            raise self.error("gets another shape", have=list(shape), need="(C, H, W)")
        return (shape[0], shape[1], shape[2])


def inner_shape(shape: NirShape) -> tuple[int, int, int]:
    """NIR's shape as the Network's (C, H, W): a vector of n is (n, 1, 1)."""
    return (shape[0], 1, 1) if len(shape) == 1 else (shape[0], shape[1], shape[2])


def spread(reader: NodeReader, field: str, values: NDArray[Any], shape: NirShape) -> FloatArray:
    """`values` so that they broadcast against (C, H, W), with equal numbers written once."""
    inner = inner_shape(shape)
    fits = values.ndim == len(shape) and all(
        n in (1, m) for n, m in zip(values.shape, shape, strict=True)
    )
    if values.size != 1 and not fits:
        raise reader.error(
            f"{field} does not fit the shape", have=list(values.shape), need=list(shape)
        )
    full = np.reshape(values, (1, 1, 1) if values.size == 1 else inner_shape(values.shape))
    full = np.broadcast_to(full, inner)
    if np.all(full == full[:1, :1, :1]):
        return floats(full[:1, :1, :1].copy())
    if np.all(full == full[:, :1, :1]):
        return floats(full[:, :1, :1].copy())
    return floats(full)


def operation(reader: NodeReader, shape: NirShape, convention: Convention) -> tuple[Op, NirShape]:
    """The operation of a node that gets `shape`, and the shape that leaves it."""
    from snn2chip.readers.nir_neurons import NEURONS

    kind = reader.node.type
    if kind in NEURONS:
        return Neuron(model=NEURONS[kind](reader, shape, convention)), shape
    return OPERATIONS[kind](reader, shape)


def check_type(reader: NodeReader) -> None:
    """Snn2ChipError where the node is of a type that is not read."""
    from snn2chip.readers.nir_neurons import NEURONS

    kind, known = reader.node.type, (*OPERATIONS, *NEURONS)
    if kind not in known:
        raise reader.error(
            f"{kind} nodes are not supported",
            need=f"Input, Output, {', '.join(known)}",
            help=did_you_mean(kind, known) or INSTEAD.get(kind, ""),
        )


INSTEAD = {
    "CubaLIF": "use neurons without a current of their own (LIF)",
    "CubaLI": "use neurons without a current of their own (LIF)",
    "Conv1d": "write it as Conv2d with one row",
    "NIRGraph": "write the nodes of the subgraph into the graph itself",
}
"""Node that is refused -> what to use."""


def _conv(reader: NodeReader, shape: NirShape) -> tuple[Op, NirShape]:
    channels, rows, columns = reader.maps(shape)
    weight = reader.numbers("weight")
    if weight.ndim != 4 or 0 in weight.shape:
        raise reader.error(
            "weight has another shape", have=list(weight.shape), need="(O, I, kh, kw)"
        )
    groups = reader.whole("groups", 1)
    if groups < 1 or weight.shape[0] % groups or weight.shape[1] * groups != channels:
        have = f"weight {list(weight.shape)} in {groups} groups"
        raise reader.error("does not fit its input", have=have, need=f"{channels} input channels")
    _check_input_shape(reader, (rows, columns))
    stride, dilation = reader.pair("stride", 1), reader.pair("dilation", 1)
    padding = _padding(reader, weight.shape[2:], stride, dilation)
    out = _windows(reader, (rows, columns), weight.shape[2:], stride, padding, dilation)
    op = Conv2d(
        weight=floats(weight),
        bias=_bias(reader, weight.shape[0]),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    return op, (weight.shape[0], *out)


def _check_input_shape(reader: NodeReader, have: Pair) -> None:
    if reader.has("input_shape") and reader.pair("input_shape") != have:
        raise reader.error(
            "gets another shape than it says", have=have, need=reader.pair("input_shape")
        )


def _padding(reader: NodeReader, kernel: Sequence[int], stride: Pair, dilation: Pair) -> Pair:
    word = reader.node.fields.get("padding", np.zeros(1))
    if not isinstance(word, str):
        return reader.pair("padding", 0)
    if word == "valid":
        return (0, 0)
    extra = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if word != "same" or stride != (1, 1) or any(e % 2 for e in extra):
        raise reader.error(
            f"padding {word!r} cannot be expressed in numbers equal on both sides",
            need="numbers, 'valid', or 'same' with stride 1 and an odd kernel",
        )
    return (extra[0] // 2, extra[1] // 2)


def _windows(
    reader: NodeReader,
    size: Pair,
    kernel: Sequence[int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> Pair:
    """(rows, columns) of the windows; sizes as torch's Conv2d counts them."""
    if min(kernel) < 1 or min(stride) < 1 or min(dilation) < 1 or min(padding) < 0:
        have = f"kernel {tuple(kernel)}, stride {stride}, padding {padding}, dilation {dilation}"
        raise reader.error("its window makes no sense", have=have)
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    ]
    if min(out) < 1:
        raise reader.error("its window is larger than its input", have=size, need=tuple(kernel))
    return (out[0], out[1])


def _bias(reader: NodeReader, outputs: int) -> FloatArray | None:
    if not reader.has("bias"):
        return None
    bias = reader.numbers("bias")
    if bias.shape != (outputs,):
        raise reader.error("bias has another shape", have=list(bias.shape), need=[outputs])
    return floats(bias) if bias.any() else None


def _linear(reader: NodeReader, shape: NirShape) -> tuple[Op, NirShape]:
    weight = reader.numbers("weight")
    if weight.ndim != 2 or len(shape) != 1 or weight.shape[1] != shape[0]:
        flat = len(shape) == 3 and weight.ndim == 2 and weight.shape[1] == math.prod(shape)
        raise reader.error(
            "weight does not fit its input",
            have=list(weight.shape),
            need=f"(outputs, {math.prod(shape)}) on a vector, input {list(shape)}",
            help="put a Flatten node before it" if flat else "",
        )
    bias = _bias(reader, weight.shape[0]) if reader.node.type == "Affine" else None
    return Linear(weight=floats(weight), bias=bias), (weight.shape[0],)


def _scale(reader: NodeReader, shape: NirShape) -> tuple[Op, NirShape]:
    return Scale(scale=spread(reader, "scale", reader.numbers("scale"), shape)), shape


def _pool(
    kind: type[SumPool2d] | type[AvgPool2d],
) -> Callable[[NodeReader, NirShape], tuple[Op, NirShape]]:
    def read(reader: NodeReader, shape: NirShape) -> tuple[Op, NirShape]:
        channels, rows, columns = reader.maps(shape)
        kernel, padding = reader.pair("kernel_size"), reader.pair("padding", 0)
        stride = reader.pair("stride") if reader.has("stride") else kernel
        out = _windows(reader, (rows, columns), kernel, stride, padding, (1, 1))
        return kind(kernel=kernel, stride=stride, padding=padding), (channels, *out)

    return read


def _flatten(reader: NodeReader, shape: NirShape) -> tuple[Op, NirShape]:
    if reader.has("input_type"):
        said = reader.numbers("input_type").astype(int).tolist()
        if said != list(shape):
            raise reader.error("gets another shape than it says", have=list(shape), need=said)
    first, last = reader.whole("start_dim", 1), reader.whole("end_dim", -1)
    # NIR counts the axes without the batch: the whole map is 0 to -1.
    merged = shape[first : last % len(shape) + 1] if -len(shape) <= first < len(shape) else ()
    if math.prod(merged) != math.prod(shape):
        have = f"start_dim {first}, end_dim {last} of {list(shape)}"
        raise reader.error(
            "flattens a part of its input", have=have, need="start_dim 0, end_dim -1"
        )
    return Flatten(), (math.prod(shape),)


OPERATIONS: Mapping[str, Callable[[NodeReader, NirShape], tuple[Op, NirShape]]] = {
    "Conv2d": _conv,
    "Linear": _linear,
    "Affine": _linear,
    "Scale": _scale,
    "SumPool2d": _pool(SumPool2d),
    "AvgPool2d": _pool(AvgPool2d),
    "Flatten": _flatten,
}
"""Type of NIR node -> reader."""
