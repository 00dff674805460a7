"""`.nir` files -> Network: those of other tools by a convention, our own as the circuit that they carry."""

from pathlib import Path

from snn2chip.circuit.nir import read
from snn2chip.circuit.nir_file import NirFile, load
from snn2chip.errors import Snn2ChipError
from snn2chip.files import sha256
from snn2chip.network.types import (
    INPUT,
    Add,
    InputKind,
    Layer,
    Network,
    NetworkInput,
    Neuron,
    Provenance,
    ReadOut,
    Scale,
)
from snn2chip.readers.nir_circuit import network_of
from snn2chip.readers.nir_convention import Convention, ask_for_convention, parse_convention
from snn2chip.readers.nir_graph import NirGraph, graph_of
from snn2chip.readers.nir_nodes import NirShape, NodeReader, inner_shape, operation


def read_nir(
    path: Path, convention: str | None, steps: int | None, kind: InputKind = InputKind.FRAMES
) -> Network:
    """The network in a `.nir` file; layers are called as its nodes.

    `convention`: `NAME[,key=value...]`, how the writing library steps in time (a file of our own says it itself and
    takes None). `steps`: T; a file of our own has one, and only where nothing changes over the steps may another be
    asked for. `kind`: whether the input is one frame per step (NIR's view) or one image for all; a file of our own
    says it itself. Several edges into a node are a sum, as all tools read them: a layer `node#in`, or the node itself
    where it is a Scale of 1. Snn2ChipError names the file and the node.
    """
    file = load(path)
    if file.metadata is not None:
        if convention is not None:
            raise Snn2ChipError(
                "nir-convention",
                str(path),
                "this file was written by snn2chip and says how its neurons step",
                help="leave --convention away",
            )
        return network_of(read(path), steps)
    if convention is None:
        raise ask_for_convention(str(path))
    if steps is None:
        raise Snn2ChipError(
            "nir-steps", str(path), "a .nir file does not say how many steps to run", need="--steps"
        )
    return _network(file, parse_convention(convention), steps, kind, sha256(path))


def _network(
    file: NirFile, convention: Convention, steps: int, kind: InputKind, digest: str
) -> Network:
    graph = graph_of(file)
    shapes: dict[str, NirShape] = {graph.input: _input_shape(graph)}
    layers: list[Layer] = []
    for name in graph.order:
        layers += _layers(graph, name, shapes, convention)
    sources = _sources(graph, graph.output, shapes)
    _check_output(graph, shapes[sources[0]])
    layers += _sum(graph, graph.output, sources)
    network = Network(
        input=NetworkInput(shape=inner_shape(shapes[graph.input]), kind=kind),
        steps=steps,
        layers=tuple(layers),
        readout=ReadOut(layer=_reference(graph, graph.output, sources), mean=False),
        provenance=_provenance(file, convention, steps, digest),
    )
    _check_layers(graph, network)
    return network


def _layers(
    graph: NirGraph, name: str, shapes: dict[str, NirShape], convention: Convention
) -> list[Layer]:
    """The layers of one node: a sum where several edges go into it, then the node."""
    sources = _sources(graph, name, shapes)
    reader = NodeReader(path=graph.path, node=graph.nodes[name])
    op, shapes[name] = operation(reader, shapes[sources[0]], convention)
    join = (
        len(sources) > 1 and isinstance(op, Scale) and op.scale.size == 1 and op.scale.item() == 1
    )
    if join:
        return [Layer(name=name, op=Add(), inputs=tuple(_inner(graph, s) for s in sources))]
    layer = Layer(name=name, op=op, inputs=(_reference(graph, name, sources),))
    return [*_sum(graph, name, sources), layer]


def _sources(graph: NirGraph, name: str, shapes: dict[str, NirShape]) -> tuple[str, ...]:
    """What goes into a node; all of one shape."""
    sources = graph.feeds[name]
    first = shapes[sources[0]]
    for other in sources[1:]:
        if shapes[other] != first:
            raise Snn2ChipError(
                "nir-shape",
                f"{graph.path}: node {name}",
                f"its inputs {sources[0]} and {other} are summed but differ in shape",
                have=str(list(shapes[other])),
                need=str(list(first)),
            )
    return sources


def _sum(graph: NirGraph, name: str, sources: tuple[str, ...]) -> list[Layer]:
    if len(sources) == 1:
        return []
    inputs = tuple(_inner(graph, s) for s in sources)
    return [Layer(name=f"{name}#in", op=Add(), inputs=inputs)]


def _reference(graph: NirGraph, name: str, sources: tuple[str, ...]) -> str:
    return _inner(graph, sources[0]) if len(sources) == 1 else f"{name}#in"


def _inner(graph: NirGraph, node: str) -> str:
    return INPUT if node == graph.input else node


def _input_shape(graph: NirGraph) -> NirShape:
    reader = NodeReader(path=graph.path, node=graph.nodes[graph.input])
    shape = _shape(reader)
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise reader.error("its shape is not supported", have=list(shape), need="(C, H, W) or (n,)")
    return shape


def _check_output(graph: NirGraph, shape: NirShape) -> None:
    reader = NodeReader(path=graph.path, node=graph.nodes[graph.output])
    if reader.has("shape") and _shape(reader) != shape:
        raise reader.error(
            "gets another shape than it says", have=list(shape), need=list(_shape(reader))
        )


def _shape(reader: NodeReader) -> NirShape:
    return tuple(int(n) for n in reader.numbers("shape").reshape(-1))


def _check_layers(graph: NirGraph, network: Network) -> None:
    names = [INPUT, *(layer.name for layer in network.layers)]
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise Snn2ChipError(
            "nir-graph",
            f"{graph.path}: node {double}",
            f"the name {double!r} is taken",
            help="rename the node",
        )
    if not any(isinstance(layer.op, Neuron) for layer in network.layers):
        raise Snn2ChipError(
            "nir-graph", graph.path, "the graph has no neurons", need="IF, LIF or Threshold"
        )


def _provenance(file: NirFile, convention: Convention, steps: int, digest: str) -> Provenance:
    return Provenance(
        path=file.path,
        sha256=digest,
        system="nir",
        arch=f"nir {file.version}",
        options={"convention": str(convention), "steps": steps},
        used=sum(
            not isinstance(f, str) for node in file.nodes.values() for f in node.fields.values()
        ),
    )
