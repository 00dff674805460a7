"""From a QuantizedCircuit with its Schedule to a Plan: every population at its depth, every shortcut held back.

A synapse of Lava sends what it summed in the step before, so that a population of depth d runs sample step t in column
t + d, as on the chip; neurons, sources and sinks add nothing. Shortcuts wait in delays, which joins share:

    join of block 2: {stem held 4, a held 2, b}  =  b + delay 2 ( a + delay 2 ( stem ) )
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from snn2chip import fixed
from snn2chip.chip.align import align
from snn2chip.circuit.types import INPUT, Shape
from snn2chip.engines.bounds import Bounds, bounds
from snn2chip.engines.lava.lif import channels_last, lava_shape, neurons
from snn2chip.engines.lava.plan import Node, Plan, Sink, Wire
from snn2chip.engines.lava.synapses import synapses
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.neuron import Emits
from snn2chip.quantize.ranges import ranges
from snn2chip.quantize.types import QuantizedCircuit, QuantizedProjection

WIDEST = 1 << 30
"""Messages of Lava are int32, and mixed weights are sent doubled."""

LONGEST = 64
"""Steps that one delay holds (0 to 63, and the step of the synapse itself)."""

GRADED_BITS = 8
SOURCE = "the input"

Held = frozenset[tuple[str, int]]
"""Summands, each with the steps that it is held."""

PROCESS_SECONDS = 0.0004
CALL_SECONDS, PIXEL_SECONDS = 6.5e-6, 3.2e-8
"""A step costs each process about 0.4 ms; stock Conv calls scipy once for each pair of channels.

Fitted to the runs in docs/parity.json that convolutions dominate, on two idle cores.
"""

PRODUCT_SECONDS = 1e-9


def compose(qc: QuantizedCircuit, inputs: InputData, record: bool = True) -> Plan:
    """The plan that runs `inputs` (integers), sample after sample. `record` False: only the read-out has a sink.

    Errors: StatementError `lava-width` where a current could leave 31 bits.
    """
    composer = _Composer(qc)
    composer.source(inputs)
    for p in qc.populations:
        composer.population(p.name)
    for p in qc.populations:
        if record or p.name == qc.readout.population:
            composer.sink(p.name)
    return composer.plan(qc.steps * inputs.samples)


class _Composer:
    """The nodes and wires so far."""

    def __init__(self, qc: QuantizedCircuit) -> None:
        self.qc, self.schedule = qc, align(qc)
        self.bounds: Bounds = bounds(qc)
        self.ranges = ranges(qc)
        self.nodes: dict[str, Node] = {}
        self.wires: list[Wire] = []
        self.sinks: list[Sink] = []
        self.made: dict[str, tuple[str, ...]] = {}
        self.senders: dict[str, tuple[str, ...]] = {}
        self.delays: dict[tuple[Held, int], str] = {}
        self.counted = 0

    def plan(self, columns: int) -> Plan:
        """Everything, for `columns` steps of all samples together."""
        steps = columns + max(s.depth for s in self.sinks)
        wires = tuple(self.wires)
        rows = {
            name: Node(kind=n.kind, arguments={**n.arguments, "steps": steps})
            for name, n in self.nodes.items()
            if n.kind == "Sink"
        }
        return Plan(
            nodes={**self.nodes, **rows},
            wires=wires,
            sinks=tuple(self.sinks),
            steps=steps,
            step_seconds=_step_seconds(self.nodes.values()),
        )

    def source(self, inputs: InputData) -> None:
        """All frames of all samples, one after the other, last axis time."""
        node = Node(kind="Source", arguments={"data": frames(inputs, self.qc.steps)})
        self.senders[INPUT] = (self._add(SOURCE, node),)

    def population(self, name: str) -> None:
        """Its neurons, and the synapses into them."""
        qc, p = self.qc, self.qc.population(name)
        self._check_width(name)
        depth = self.schedule.depth[name]
        made = neurons(p, self.ranges[name], depth, qc.steps, qc.v_limit)
        names = tuple(self._add(f"{name}/{i}" if i else name, n) for i, n in enumerate(made))
        self.made[name] = names
        self.senders[name] = () if p.neuron.emits is Emits.NOTHING else names
        synaptic = [s for q in qc.into(name) for s in self._projection(q)]
        self.wires += [
            Wire(source=s, out="a_out", target=n, into="a_in") for n in names for s in synaptic
        ]

    def sink(self, name: str) -> None:
        """A file that keeps what a population sends, or the membrane of a read-out."""
        p = self.qc.population(name)
        file = f"{len(self.sinks)}.npy"
        node = self._add(
            f"{name}/out", Node(kind="Sink", arguments={"shape": lava_shape(p.shape), "file": file})
        )
        self.wires += [
            Wire(source=s, out="s_out", target=node, into="a_in") for s in self.made[name]
        ]
        self.sinks.append(Sink(population=name, file=file, depth=self.schedule.depth[name]))

    def _projection(self, q: QuantizedProjection) -> list[str]:
        """Its synapses; a summand that stands there twice reaches a second set of them."""
        largest = self.bounds.sums[q.name] << q.exponent
        counted = Counter((s, self.schedule.delays[q.name, s]) for s in q.sources)
        names: list[str] = []
        for copy in range(max(counted.values())):
            held = frozenset(s for s, times in counted.items() if times > copy)
            shape = self._shape(q.sources[0])
            target = self.qc.population(q.target).shape
            made = synapses(q, shape, target, largest, self._message_bits(held))
            for digit, node in enumerate(made):
                base = f"{q.name}/{copy}.{digit}" if copy or digit else q.name
                names.append(self._add(f"{base}/synapses", node))
                self._feed(held, names[-1])
        return names

    def _feed(self, held: Held, target: str) -> None:
        """Wires from all summands, delayed as they need, into the synapses `target`."""
        for source, delay in sorted(held):
            if delay == 0:
                self.wires += [
                    Wire(source=s, out="s_out", target=target, into="s_in")
                    for s in self.senders[source]
                ]
        late = [(s, delay) for s, delay in held if delay]
        if late:
            shared = min(delay for _, delay in late)
            inner = frozenset((s, delay - shared) for s, delay in late)
            node = self._delay(inner, shared)
            self.wires.append(Wire(source=node, out="a_out", target=target, into="s_in"))

    def _delay(self, held: Held, steps: int) -> str:
        """The node that carries the sum of `held` on, `steps` later; one that is there already is used again."""
        if (held, steps) in self.delays:
            return self.delays[held, steps]
        size = int(np.prod(self._shape(next(iter(held))[0])))
        bits = self._message_bits(held)
        name = self._add(f"delay {self.counted}", _hold(size, min(steps, LONGEST), bits))
        self.counted += 1
        self._feed(held, name)
        for done in range(LONGEST, steps, LONGEST):
            more = self._add(f"{name}/{done}", _hold(size, min(steps - done, LONGEST), bits))
            self.wires.append(Wire(source=name, out="a_out", target=more, into="s_in"))
            name = more
        self.delays[held, steps] = name
        return name

    def _check_width(self, name: str) -> None:
        """What is sent must fit the messages: currents, outputs, and the membrane of a read-out."""
        silent = self.qc.population(name).neuron.emits is Emits.NOTHING
        low, high = self.bounds.outputs[name]
        widest = max(self.bounds.currents[name], -low, high, self.qc.v_limit if silent else 0)
        if widest >= WIDEST:
            raise StatementError(
                "lava-width",
                name,
                "its current or output can leave the 32-bit messages of Lava",
                have=str(widest),
                need=f"below {WIDEST}",
                help="use narrower weights",
            )

    def _message_bits(self, held: Iterable[tuple[str, int]]) -> int:
        """0 where nothing but single spikes arrives: Lava then takes any value for one."""
        low, high = self.bounds.summed(tuple(s for s, _ in held))
        binary = low >= 0 and high <= 1
        return 0 if binary else max(GRADED_BITS, fixed.signed_bits(low, high))

    def _shape(self, name: str) -> Shape:
        return self.qc.input.shape if name == INPUT else self.qc.population(name).shape

    def _add(self, name: str, node: Node) -> str:
        if name in self.nodes:
            raise ValueError(f"two processes {name!r}")
        self.nodes[name] = node
        return name


def frames(inputs: InputData, steps: int) -> NDArray[np.int32]:
    """[H, W, C, N·T] int32: the frames of all samples, one after the other."""
    values = inputs.values
    if inputs.kind is InputKind.STATIC:
        values = np.broadcast_to(values, (steps, *values.shape))
    last = channels_last(values)
    ordered = np.moveaxis(last, (1, 0), (-2, -1))
    return np.ascontiguousarray(ordered.reshape(*ordered.shape[:3], -1), np.int32)


def _hold(size: int, steps: int, bits: int) -> Node:
    if steps == 1:
        ones = np.ones(size, np.int32)
        return Node(
            kind="Diagonal", arguments={"weights": ones, "exponent": 0, "num_message_bits": bits}
        )
    return Node(
        kind="Delay", arguments={"size": size, "steps": steps - 1, "num_message_bits": bits}
    )


def _step_seconds(nodes: Iterable[Node]) -> tuple[float, float]:
    """About what one step takes on two cores, with stock models and with fast ones."""
    found = list(nodes)
    processes = PROCESS_SECONDS * len(found)
    return sum(map(_seconds, found)) / 2 + processes, 2 * processes


def _seconds(node: Node) -> float:
    """What the stock model of a synapse computes in one step."""
    weight = node.arguments.get("weight", node.arguments.get("weights"))
    if not isinstance(weight, np.ndarray):
        return 0.0
    shape = node.arguments.get("input_shape")
    if node.kind != "Conv" or not isinstance(shape, tuple):
        return weight.size * PRODUCT_SECONDS
    pairs = weight.shape[0] * weight.shape[3]
    return pairs * (CALL_SECONDS + PIXEL_SECONDS * shape[0] * shape[1])
