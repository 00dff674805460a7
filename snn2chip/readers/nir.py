"""`.nir` files -> Network: those of other tools by a convention, our own as the circuit that they carry."""

from collections.abc import Callable, Iterator
from pathlib import Path

from snn2chip.circuit.nir import read
from snn2chip.circuit.nir_file import NirFile, load
from snn2chip.errors import DefectError, Finding, Snn2ChipError
from snn2chip.files import sha256
from snn2chip.network.types import (
    INPUT,
    Add,
    InputKind,
    Layer,
    Network,
    NetworkInput,
    Neuron,
    Op,
    Provenance,
    ReadOut,
    Scale,
)
from snn2chip.readers.nir_circuit import network_of
from snn2chip.readers.nir_convention import ANY, Convention, ask_for_convention, parse_convention
from snn2chip.readers.nir_graph import graph_of
from snn2chip.readers.nir_loose import claimed_input, claimed_output, loose
from snn2chip.readers.nir_nodes import NirShape, NodeReader, check_type, inner_shape, operation
from snn2chip.readers.nir_signs import against_version, hint


def read_nir(
    path: Path, convention: str | None, steps: int | None, kind: InputKind = InputKind.FRAMES
) -> Network:
    """The network in a `.nir` file; layers are called as its nodes.

    `convention`: `NAME[,key=value...]`, how the writing library steps in time (a file of our own says it itself and
    takes None). `steps`: T; a file of our own has one, and only where nothing changes over the steps may another be
    asked for. `kind`: whether the input is one frame per step (NIR's view) or one image for all; a file of our own
    says it itself. Several edges into a node are a sum, as all tools read them: a layer `node#in`, or the node itself
    where it is a Scale of 1. Snn2ChipError names the file and the node; a DefectError has all of them.
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
    told = None if convention is None else parse_convention(convention)
    reading = _Reading(file, told or ANY)
    missing = list(_missing(file, convention, steps))
    if told is None or steps is None or reading.errors:
        raise DefectError.of((*missing, *reading.errors))
    return Network(
        input=NetworkInput(shape=inner_shape(reading.input_shape), kind=kind),
        steps=steps,
        layers=tuple(reading.layers),
        readout=ReadOut(layer=reading.answer, mean=False),
        provenance=_provenance(file, told, steps, sha256(path)),
    )


def nir_notes(path: Path, convention: str | None) -> tuple[Finding, ...]:
    """What is unusual in a `.nir` file of another tool and is read all the same; nothing in one of our own."""
    file = load(path)
    if file.metadata is not None:
        return ()
    told = ANY if convention is None else parse_convention(convention)
    return (*against_version(file, told), *_Reading(file, told).notes)


def _missing(file: NirFile, convention: str | None, steps: int | None) -> Iterator[Finding]:
    if convention is None:
        yield ask_for_convention(file.path, hint(file)).finding
    if steps is None:
        why = "a .nir file does not say how many steps to run"
        yield Snn2ChipError("nir-steps", file.path, why, need="--steps").finding


class _Reading:
    """One walk over the nodes of a file: layers, and every defect on the way.

    After a defect the shapes that the next nodes say of themselves are believed; a node whose input nobody says is
    checked by its type alone. `errors`: nothing may be done with the layers where there is one.
    """

    def __init__(self, file: NirFile, convention: Convention) -> None:
        self.graph, self.errors = graph_of(file)
        self.convention = convention
        self.layers: list[Layer] = []
        self.notes: list[Finding] = []
        self.shapes: dict[str, NirShape | None] = {}
        self.answer = ""
        for name, node in file.nodes.items():
            if node.type == "Input":
                self.shapes[name] = self._kept(self._input_shape, name)
        for name in self.graph.order:
            self.shapes[name] = self._kept(self._node, name) or claimed_output(
                self._reader(name), self._claimed(name)
            )
        if not self.errors:
            self._kept(self._end, self.graph.output)

    @property
    def input_shape(self) -> NirShape:
        """The shape of the Input node, in a file without errors."""
        return self.shapes[self.graph.input] or ()

    def _kept(self, read: Callable[[str], NirShape | None], name: str) -> NirShape | None:
        """What `read` says of a node, or None and its error kept."""
        try:
            return read(name)
        except Snn2ChipError as e:
            self.errors.append(e.finding)
            return None

    def _reader(self, name: str) -> NodeReader:
        return NodeReader(path=self.graph.path, node=self.graph.nodes[name])

    def _input_shape(self, name: str) -> NirShape:
        reader = self._reader(name)
        shape = _shape(reader)
        if len(shape) not in (1, 3) or min(shape) < 1:
            have = list(shape)
            raise reader.error("its shape is not supported", have=have, need="(C, H, W) or (n,)")
        return shape

    def _claimed(self, name: str) -> NirShape | None:
        """The shape of a node's input: its sources', else what the node says of itself."""
        known = (self.shapes.get(source) for source in self.graph.feeds[name])
        return next((s for s in known if s is not None), None) or claimed_input(self._reader(name))

    def _node(self, name: str) -> NirShape | None:
        """The layers of one node: a sum where several edges go into it, then the node."""
        reader, shape = self._reader(name), self._claimed(name)
        check_type(reader)
        if shape is None:
            return None
        self._check_sources(name)
        self.notes += loose(reader, shape)
        op, out = operation(reader, shape, self.convention)
        sources = self.graph.feeds[name]
        one = isinstance(op, Scale) and op.scale.size == 1 and op.scale.item() == 1
        if len(sources) > 1 and one:
            self._add(name, Add(), *(self._inner(s) for s in sources))
        else:
            self._add(name, op, self._summed(name))
        return out

    def _check_sources(self, name: str) -> None:
        """What goes into a node is of one shape."""
        known = [(s, self.shapes.get(s)) for s in self.graph.feeds[name]]
        for other, shape in known[1:]:
            first, need = known[0]
            if shape is not None and need is not None and shape != need:
                raise Snn2ChipError(
                    "nir-shape",
                    f"{self.graph.path}: node {name}",
                    f"its inputs {first} and {other} are summed but differ in shape",
                    have=str(list(shape)),
                    need=str(list(need)),
                )

    def _summed(self, name: str) -> str:
        """What a node reads: its source, or the sum of several, a layer of its own."""
        sources = tuple(self._inner(s) for s in self.graph.feeds[name])
        if len(sources) < 2:
            return "".join(sources)
        self._add(f"{name}#in", Add(), *sources)
        return f"{name}#in"

    def _inner(self, node: str) -> str:
        return INPUT if node == self.graph.input else node

    def _add(self, name: str, op: Op, *inputs: str) -> None:
        self.layers.append(Layer(name=name, op=op, inputs=inputs))

    def _end(self, output: str) -> None:
        self._check_sources(output)
        reader, shape = self._reader(output), self._claimed(output)
        if reader.has("shape") and shape is not None and _shape(reader) != shape:
            raise reader.error(
                "gets another shape than it says", have=list(shape), need=list(_shape(reader))
            )
        self.answer = self._summed(output)
        self._check_layers()

    def _check_layers(self) -> None:
        names = [INPUT, *(layer.name for layer in self.layers)]
        double = next((name for name in names if names.count(name) > 1), None)
        if double:
            where = f"{self.graph.path}: node {double}"
            why = f"the name {double!r} is taken"
            raise Snn2ChipError("nir-graph", where, why, help="rename the node")
        if not any(isinstance(layer.op, Neuron) for layer in self.layers):
            why, need = "the graph has no neurons", "IF, LIF or Threshold"
            raise Snn2ChipError("nir-graph", self.graph.path, why, need=need)


def _shape(reader: NodeReader) -> NirShape:
    return tuple(int(n) for n in reader.numbers("shape").reshape(-1))


def _provenance(file: NirFile, convention: Convention, steps: int, digest: str) -> Provenance:
    return Provenance(
        path=file.path,
        sha256=digest,
        system="nir",
        arch=f"nir {file.version}",
        options={"convention": str(convention), "steps": steps},
        sources={"convention": "--convention"},
        used=sum(
            not isinstance(f, str) for node in file.nodes.values() for f in node.fields.values()
        ),
    )
