"""A QuantizedCircuit as two ONNX models of standard operators: the whole window of T steps, and one step.

Names of values: `input`; `output/POPULATION`; `potential/POPULATION` of a read-out; `decision`. The step model has
`step` (its number, from 0) and the states as inputs, and each state again with `/next` as an output.
"""

from dataclasses import dataclass, field

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from snn2chip import __version__
from snn2chip.circuit.types import INPUT, InputKind, Shape
from snn2chip.neuron import Emits
from snn2chip.onnx_export.currents import KIND, projected
from snn2chip.onnx_export.graph import INT64, SAMPLES, Graph, value
from snn2chip.onnx_export.metadata import metadata
from snn2chip.onnx_export.neurons import narrowed, states, stepped, unit
from snn2chip.onnx_export.widths import Widths, narrowest, widths
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation

OPSET = 17
IR_VERSION = 8
"""What ONNX Runtime has read since 1.12."""


@dataclass(slots=True, kw_only=True)
class _Model:
    """A model that grows. `outputs`: source -> value; `window`: values lead with T (or 1), and not only with N."""

    qc: QuantizedCircuit
    widths: Widths
    window: bool
    g: Graph = field(default_factory=Graph)
    values: dict[str, str] = field(default_factory=dict[str, str])
    inputs: list[ValueInfoProto] = field(default_factory=list[ValueInfoProto])
    outputs: list[ValueInfoProto] = field(default_factory=list[ValueInfoProto])

    def shape(self, source: str) -> Shape:
        return self.qc.input.shape if source == INPUT else self.qc.population(source).shape

    def kind(self, source: str) -> int:
        return narrowest(*self.widths.outputs[source])


def window_model(qc: QuantizedCircuit, *, floats: bool = True) -> ModelProto:
    """All T steps: `input` [N, C, H, W] or [T, N, C, H, W] to every output [T, N, C, H, W], potential and `decision`.

    Steps are part of the batch of every convolution; the neurons of each population are one Scan.
    Errors: StatementError `onnx-width`.
    """
    m = _Model(qc=qc, widths=widths(qc, floats=floats), window=True)
    static = qc.input.kind is InputKind.STATIC
    lead = () if static else (qc.steps,)
    m.inputs.append(value(INPUT, m.kind(INPUT), *lead, SAMPLES, *qc.input.shape))
    m.values[INPUT] = m.g.add("Unsqueeze", INPUT, m.g.constant([0])) if static else INPUT
    samples = m.g.add("Shape", INPUT, start=len(lead), end=len(lead) + 1)
    for p in qc.populations:
        _window_population(m, p, samples)
    _decide(m, qc.population(qc.readout.population))
    return _finished(m, "window")


def step_model(qc: QuantizedCircuit, *, floats: bool = True) -> ModelProto:
    """One step: `step`, `input` [N, C, H, W] and the states to every output [N, C, H, W] and the states after it.

    All states start at 0. The potential of a read-out is its membrane after the last step.
    """
    m = _Model(qc=qc, widths=widths(qc, floats=floats), window=False)
    m.inputs += [
        value("step", INT64),
        value(INPUT, m.kind(INPUT), SAMPLES, *qc.input.shape),
    ]
    m.values[INPUT] = INPUT
    for p in qc.populations:
        before = states(p)
        m.inputs += [value(s, INT64, SAMPLES, *p.shape) for s in before]
        done = stepped(m.g, p, _currents(m, p)[0], before, "step", qc.v_limit)
        for name, state in zip(before, done.states, strict=True):
            m.g.add("Identity", state, output=f"{name}/next")
            m.outputs.append(value(f"{name}/next", INT64, SAMPLES, *p.shape))
        if done.output:
            m.values[p.name] = narrowed(m.g, done.output, m.kind(p.name), f"output/{p.name}")
            m.outputs.append(value(m.values[p.name], m.kind(p.name), SAMPLES, *p.shape))
    return _finished(m, "step")


def _window_population(m: _Model, p: QuantizedPopulation, samples: str) -> None:
    """A Scan over the step's number, and over the sums where they change from step to step."""
    g, steps, before = m.g, m.qc.steps, states(p)
    a, static = _currents(m, p)
    body = Graph(g)
    full = (SAMPLES, *p.shape)
    taken = [value(f"{s}/in", INT64, *full) for s in before] + [value(f"step/{p.name}", INT64)]
    scanned = [g.constant(np.arange(steps))]
    if static:
        now = g.add("Squeeze", a, g.constant([0])) if m.qc.into(p.name) else a
    else:
        now = f"current/{p.name}"
        taken.append(value(now, INT64, *full))
        scanned.append(a)
    done = stepped(body, p, now, [f"{s}/in" for s in before], f"step/{p.name}", m.qc.v_limit)
    given = [value(s, INT64, *full) for s in done.states]
    shape = g.add("Concat", samples, g.constant(p.shape), axis=0)
    zero = g.add("ConstantOfShape", shape, value=helper.make_tensor("zero", INT64, [1], [0]))
    names = list(before)
    if done.output:
        sent = narrowed(body, done.output, m.kind(p.name), f"sent/{p.name}")
        given.append(value(sent, m.kind(p.name), *full))
        names.append(f"output/{p.name}")
        m.values[p.name] = names[-1]
        m.outputs.append(value(names[-1], m.kind(p.name), steps, *full))
    else:
        names[0] = f"potential/{p.name}"
        m.outputs.append(value(names[0], INT64, *full))
    loop = body.proto(f"neurons/{p.name}", taken, given)
    g.scan([zero] * len(before) + scanned, loop, names, len(scanned))


def _currents(m: _Model, p: QuantizedPopulation) -> tuple[str, bool]:
    """(a, whether all steps have the same); int64, [T or 1, N, C, H, W] in a window, else [N, C, H, W]."""
    total, static = "", True
    for projection in m.qc.into(p.name):
        # A read-out sends nothing.
        sources = tuple(s for s in projection.sources if s in m.values)
        if not sources:
            continue
        plan = m.widths.plans[projection.name]
        same = all(s == INPUT and m.qc.input.kind is InputKind.STATIC for s in sources)
        of = m.shape(sources[0])
        x = _folded(m, _summed(m, sources, KIND[plan.way]), of)
        part = projected(m.g, projection, plan, x, of, p.shape)
        if m.window:
            lead = 1 if same else m.qc.steps
            part = m.g.add("Reshape", part, m.g.constant([lead, -1, *p.shape]))
        total = m.g.add("Add", total, part) if total else part
        static = static and same
    return total or m.g.constant(0), static


def _summed(m: _Model, sources: tuple[str, ...], kind: int) -> str:
    total = ""
    for s in sources:
        x = m.g.cast(m.values[s], kind)
        total = m.g.add("Add", total, x) if total else x
    return total


def _folded(m: _Model, x: str, shape: Shape) -> str:
    return m.g.add("Reshape", x, m.g.constant([-1, *shape])) if m.window else x


def _decide(m: _Model, p: QuantizedPopulation) -> None:
    """The answer [N, classes] in the source's own units, float64."""
    g, double = m.g, TensorProto.DOUBLE
    if p.neuron.emits is Emits.NOTHING:
        whole, worth = f"potential/{p.name}", unit(p)
    else:
        spikes = g.cast(m.values[p.name], INT64)
        whole, worth = g.add("ReduceSum", spikes, g.constant([0]), keepdims=0), np.float64(p.unit)
    real = g.add("Mul", g.cast(whole, double), g.constant(worth, np.float64))
    steps = float(m.qc.steps) if m.qc.readout.mean else 1.0
    flat = g.add("Flatten", real, axis=1)
    g.add("Div", flat, g.constant(steps, np.float64), output="decision")
    m.outputs.append(value("decision", double, SAMPLES, int(np.prod(p.shape))))


def _finished(m: _Model, name: str) -> ModelProto:
    model = helper.make_model(
        m.g.proto(name, m.inputs, m.outputs),
        producer_name="snn2chip",
        producer_version=__version__,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, metadata(m.qc, m.kind(INPUT), name))
    return model
