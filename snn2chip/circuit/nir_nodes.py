"""A Circuit as plain NIR nodes and edges (dt is 1): what the file holds, before any library sees it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.arrays import FloatArray
from snn2chip.circuit.nir_file import Field, NirNode
from snn2chip.circuit.nir_layout import Layout, bias_carrier, is_pool, layout, shape_of
from snn2chip.circuit.types import INPUT, Circuit, Conv, Dense, Population, Projection, Role
from snn2chip.neuron import Compare, Emits

_NEVER = (
    2.0**40
)  # tau of a neuron that keeps everything beside neurons that do not: NIR has no infinity


@dataclass(slots=True, kw_only=True, eq=False)
class _Builder:
    """Nodes and edges so far."""

    circuit: Circuit
    layout: Layout
    nodes: dict[str, NirNode] = field(default_factory=dict[str, NirNode])
    edges: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    doubled: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])

    def add(self, name: str, kind: str, **fields: Field | Sequence[int] | int) -> str:
        plain = {k: v if isinstance(v, str) else np.asarray(v) for k, v in fields.items()}
        self.nodes[name] = NirNode(name=name, type=kind, fields=plain)
        return name

    def nir_shape(self, name: str) -> tuple[int, ...]:
        shape = shape_of(self.circuit, name)
        return shape[:1] if name in self.layout.vectors else shape


def nodes_of(circuit: Circuit) -> tuple[Mapping[str, NirNode], tuple[tuple[str, str], ...]]:
    """(nodes, edges) of the NIR graph of `circuit`. Numbers are float32 where that loses nothing, else float64."""
    b = _Builder(circuit=circuit, layout=layout(circuit))
    b.add(b.layout.populations[INPUT], "Input", shape=b.nir_shape(INPUT))
    for p in circuit.populations:
        _neuron(b, p)
    for summands, name in b.layout.joins.items():
        b.add(name, "Scale", scale=np.ones(b.nir_shape(summands[0]), np.float32))
        _feed(b, summands, name)
    for p, name in zip(circuit.projections, b.layout.projections, strict=True):
        _projection(b, p, name)
    answer = circuit.readout.population
    b.add(b.layout.output, "Output", shape=b.nir_shape(answer))
    b.edges.append((b.layout.populations[answer], b.layout.output))
    return b.nodes, tuple(b.edges)


def weight_of(
    circuit: Circuit, position: int, names: Layout, nodes: Mapping[str, NirNode]
) -> FloatArray:
    """The weight of the projection at `position`, from its node; KeyError or ValueError where the node is another."""
    p = circuit.projections[position]
    node = nodes[names.projections[position]]
    channels = shape_of(circuit, p.sources[0])[0]
    if isinstance(p.kernel, Conv):
        if node.type == "SumPool2d":
            return np.ones((channels, 1, *_numbers(node, "kernel_size").astype(int)), np.float64)
        return _blocks(_numbers(node, "weight"), p.kernel.groups)
    if isinstance(p.kernel, Dense):
        weight = _numbers(node, "weight")
        return weight.reshape(len(weight), -1)
    return _numbers(node, "scale").reshape(channels, -1)[:, 0]


def _numbers(node: NirNode, name: str) -> FloatArray:
    return np.asarray(node.fields[name], np.float64)


def _projection(b: _Builder, p: Projection, name: str) -> None:
    shape = b.nir_shape(p.sources[0])
    bias = _bias(b, p)
    if isinstance(p.kernel, Conv):
        if is_pool(p, shape[0]):
            _pool(b, name, p.weight.shape[2:], p.kernel.stride, p.kernel.padding)
        else:
            _conv(b, name, _dense_channels(p.weight, p.kernel.groups), shape, bias, p.kernel)
        entry = name
    elif isinstance(p.kernel, Dense):
        entry = _dense(b, p, name, bias)
    else:
        full = np.broadcast_to(p.weight.reshape(-1, *(1,) * (len(shape) - 1)), shape)
        entry = b.add(name, "Scale", scale=_compact(full))
    if p.sources in b.layout.joins:
        b.edges.append((b.layout.joins[p.sources], entry))
    else:
        _feed(b, p.sources, entry)
    b.edges.append((name, b.layout.populations[p.target]))


def _dense(b: _Builder, p: Projection, name: str, bias: FloatArray) -> str:
    """Nodes of a dense projection, and the name of the first."""
    channels, rows, columns = shape_of(b.circuit, p.sources[0])
    shape, entries = b.nir_shape(p.sources[0]), [name]
    kernel = (rows, columns)
    if isinstance(p.kernel, Dense) and p.kernel.pooled and kernel != (1, 1):
        entries.insert(-1, _pool(b, b.layout.fresh(f"{name}.sum"), kernel, kernel, (0, 0)))
        shape = kernel = (1, 1)
        shape = (channels, 1, 1)
    if p.target not in b.layout.vectors:
        _conv(b, name, p.weight.reshape(-1, channels, *kernel), shape, bias, Conv())
    else:
        if len(shape) == 3:
            flat = b.layout.fresh(f"{name}.flatten")
            entries.insert(-1, b.add(flat, "Flatten", input_type=shape, start_dim=0, end_dim=-1))
        if bias.any():
            b.add(name, "Affine", weight=_compact(p.weight), bias=_compact(bias))
        else:
            b.add(name, "Linear", weight=_compact(p.weight))
    b.edges += list(pairwise(entries))
    return entries[0]


def _conv(
    b: _Builder,
    name: str,
    weight: FloatArray,
    shape: tuple[int, ...],
    bias: FloatArray,
    kernel: Conv,
) -> None:
    b.add(
        name,
        "Conv2d",
        input_shape=shape[1:],
        weight=_compact(weight),
        stride=kernel.stride,
        padding=kernel.padding,
        dilation=kernel.dilation,
        groups=1,
        bias=_compact(bias),
    )


def _pool(
    b: _Builder, name: str, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]
) -> str:
    return b.add(name, "SumPool2d", kernel_size=kernel, stride=stride, padding=padding)


def _bias(b: _Builder, p: Projection) -> FloatArray:
    """[O]: the bias of the target if this projection carries it, else zeros."""
    target = b.circuit.population(p.target)
    if bias_carrier(b.circuit, target) is not p:
        return np.zeros(target.shape[0])
    return np.broadcast_to(target.bias[:, 0, 0], target.shape[:1])


def _feed(b: _Builder, sources: Sequence[str], entry: str) -> None:
    """Edges from each summand; one that is there n times goes through a Scale(n) node, for NIR has no double edges."""
    for source, times in Counter(sources).items():
        name = b.layout.populations[source]
        if times > 1 and (source, times) not in b.doubled:
            scale = b.layout.fresh(f"{source}*{times}")
            b.add(scale, "Scale", scale=np.full(b.nir_shape(source), times, np.float32))
            b.edges.append((name, scale))
            b.doubled[source, times] = scale
        b.edges.append((b.doubled.get((source, times), name), entry))


def _neuron(b: _Builder, p: Population) -> None:
    """The neurons as NIR's equations with dt = 1: v <- (1 - 1/tau)·v + r/tau·x."""
    m, shape = p.neuron, b.nir_shape(p.name)

    def full(values: FloatArray) -> NDArray[Any]:
        return _compact(np.broadcast_to(values, p.shape).reshape(shape))

    static = m.gain if m.gain is not None and m.gain.ndim == 3 else np.ones((1, 1, 1))
    name, zero = b.layout.populations[p.name], np.zeros((1, 1, 1))
    tau = np.where(m.decay == 1, _NEVER, 1 / (1 - np.where(m.decay == 1, 0.0, m.decay)))
    keeps, forgets = bool(np.all(m.decay == 1)), bool(np.all(m.decay == 0))
    if m.emits is Emits.GRADED:
        b.add(name, "Scale", scale=full(static))
    elif m.emits is Emits.NOTHING and keeps:
        b.add(name, "I", r=full(static))
    elif m.emits is Emits.NOTHING:
        b.add(name, "LI", tau=full(tau), r=full(static * tau), v_leak=full(zero))
    elif forgets:
        b.add(name, "Threshold", threshold=full(_above(p)))
    elif keeps:
        b.add(name, "IF", r=full(static), v_threshold=full(m.threshold), v_reset=full(zero))
    else:
        r = static * tau
        b.add(
            name,
            "LIF",
            tau=full(tau),
            r=full(r),
            v_leak=full(zero),
            v_threshold=full(m.threshold),
            v_reset=full(zero),
        )


def _above(p: Population) -> FloatArray:
    """The threshold that does with NIR's `>` what a gate does: of whole numbers, `x >= k` is `x > k - 1/2`."""
    strict = p.neuron.compare is Compare.GREATER or p.origin.role is not Role.GATE
    return p.neuron.threshold if strict else p.neuron.threshold - 0.5


def _dense_channels(weight: FloatArray, groups: int) -> FloatArray:
    """[O, I, kh, kw], block-diagonal: NIR's type check refuses groups."""
    if groups == 1:
        return weight
    outputs, inputs = weight.shape[0] // groups, weight.shape[1]
    full = np.zeros((weight.shape[0], inputs * groups, *weight.shape[2:]))
    for g in range(groups):
        out = slice(g * outputs, (g + 1) * outputs)
        full[out, g * inputs : (g + 1) * inputs] = weight[out]
    return full


def _blocks(weight: FloatArray, groups: int) -> FloatArray:
    """[O, I/groups, kh, kw] from `_dense_channels`."""
    if groups == 1:
        return weight
    outputs, inputs = weight.shape[0] // groups, weight.shape[1] // groups
    rows = [
        weight[g * outputs : (g + 1) * outputs, g * inputs : (g + 1) * inputs]
        for g in range(groups)
    ]
    return np.concatenate(rows)


def _compact(values: FloatArray) -> NDArray[Any]:
    """float32 where it holds every value exactly, else float64."""
    with np.errstate(over="ignore", under="ignore"):
        small = values.astype(np.float32)
    return small if np.array_equal(small, values) else np.ascontiguousarray(values)
