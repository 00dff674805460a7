"""A graph of ONNX operators that grows: values are names, constants stand beside the nodes."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

INT64 = TensorProto.INT64
SAMPLES = "N"
"""The symbolic dimension: any number of samples."""


class Graph:
    """Nodes in order. A body (of Scan) shares the constants and the counter of the graph around it."""

    def __init__(self, outer: "Graph | None" = None) -> None:
        self.nodes: list[NodeProto] = []
        self.outer = outer
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[TensorProto] = []
        self._count = 0
        self._known: dict[tuple[str, ...], str] = {}

    def add(self, op: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """The value of a new node with one output, which is named `output` or numbered."""
        name = output or self._fresh(op)
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def scan(self, inputs: list[str], body: GraphProto, outputs: list[str], scanned: int) -> None:
        """A Scan over the last `scanned` of `inputs`, along their first axis."""
        self.nodes.append(
            helper.make_node(
                "Scan", inputs, outputs, name=body.name, body=body, num_scan_inputs=scanned
            )
        )

    def constant(self, values: ArrayLike, dtype: DTypeLike = np.int64, name: str = "") -> str:
        """The name of a constant; equal ones without a name of their own are kept once."""
        if self.outer is not None:
            return self.outer.constant(values, dtype, name)
        array: NDArray[Any] = np.ascontiguousarray(np.asarray(values, dtype))
        key = (name or str(array.dtype), np.shape(values), array.tobytes())
        if key not in self._constants:
            self._constants[key] = name or self._fresh("constant")
            tensor = numpy_helper.from_array(array.reshape(np.shape(values)), self._constants[key])
            self._initializers.append(tensor)
        return self._constants[key]

    def cast(self, value: str, to: int) -> str:
        """`value` as another type; a cast that is there already is taken."""
        key = ("Cast", value, str(to))
        if key not in self._known:
            self._known[key] = self.add("Cast", value, to=to)
        return self._known[key]

    def proto(
        self, name: str, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]
    ) -> GraphProto:
        """The graph as a message."""
        return helper.make_graph(self.nodes, name, inputs, outputs, self._initializers)

    def _fresh(self, what: str) -> str:
        if self.outer is not None:
            return self.outer._fresh(what)
        self._count += 1
        return f"%{what}/{self._count}"


def value(name: str, kind: int, *shape: int | str) -> ValueInfoProto:
    """Name, type and shape of an input or output."""
    return helper.make_tensor_value_info(name, kind, list(shape))
