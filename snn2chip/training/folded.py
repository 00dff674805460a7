"""A network without batch norms, and the grid that quantize() chooses for it, as arrays that training can use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from snn2chip.arrays import FloatArray, floats
from snn2chip.circuit.types import INPUT, Circuit
from snn2chip.errors import StatementError
from snn2chip.fixed import DECAY_ONE
from snn2chip.lowering import lower
from snn2chip.lowering.drop_training_branches import drop_training_branches
from snn2chip.lowering.fold_batch_norm import fold_batch_norm
from snn2chip.lowering.fold_scale import fold_scale
from snn2chip.lowering.substitute_variables import substitute_variables
from snn2chip.network.types import Conv2d, Layer, Linear, Network, Neuron
from snn2chip.neuron import Emits
from snn2chip.quantize.grid import round_even
from snn2chip.quantize.twin import membrane_unit, weight_unit
from snn2chip.quantize.types import QuantizedCircuit, QuantizedProjection
from snn2chip.quantize.weights import weight_range

Quantize = Callable[[Circuit], QuantizedCircuit]

TRIES = 8
"""Rounding on a grid may move a scale once or twice; then it stays."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerGrid:
    """`unit`: what one integer is worth, broadcasts against the layer's weight [O, I, ...]; `bias_unit` [O]."""

    unit: FloatArray
    bias_unit: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronGrid:
    """In real units: `unit` of a membrane, thresholds in the middle between two membranes, amounts; `keep` of 4096.

    Arrays broadcast against (C, H, W).
    """

    unit: FloatArray
    thresholds: tuple[FloatArray, ...]
    amounts: tuple[FloatArray, ...]
    keep: FloatArray
    bias: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """By layer of the folded network; weights are whole numbers in `low` … `high`."""

    layers: Mapping[str, LayerGrid]
    neurons: Mapping[str, NeuronGrid]
    low: int
    high: int


def folded(network: Network) -> Network:
    """`network` with every norm in the convolution before it, and neurons as v = decay · v + x."""
    for rewrite in (drop_training_branches, fold_batch_norm, fold_scale, substitute_variables):
        network = rewrite(network).network
    return network


def grid_of(network: Network, circuit: Circuit, qc: QuantizedCircuit, bits: int) -> Grid:
    """The grid of `qc`, which was made from `circuit`, which was made from the folded `network`."""
    low, high = weight_range(bits)
    layers: dict[str, LayerGrid] = {}
    neurons: dict[str, NeuronGrid] = {}
    for layer in network.layers:
        if isinstance(layer.op, Conv2d | Linear):
            layers[layer.name] = _layer_grid(layer.name, layer.op, circuit, qc)
        elif isinstance(layer.op, Neuron):
            neurons[layer.name] = _neuron_grid(layer, layer.op, qc)
    return Grid(layers=layers, neurons=neurons, low=low, high=high)


def on_grid(network: Network, grid: Grid) -> Network:
    """`network` with weights and biases rounded, halves to even, and clipped to their bits."""
    return replace(network, layers=tuple(_rounded(layer, grid) for layer in network.layers))


def settled(network: Network, quantize: Quantize, bits: int) -> tuple[Network, QuantizedCircuit]:
    """(`network` on the grid that quantize() chooses for it, what quantize() makes of it): nothing is lost there."""
    for _ in range(TRIES):
        circuit = lower(network).circuit
        qc = quantize(circuit)
        rounded = on_grid(network, grid_of(network, circuit, qc, bits))
        if same_weights(rounded, network):
            return network, qc
        network = rounded
    raise StatementError(
        "finetune-grid",
        network.provenance.path,
        "quantizing the network again and again goes on changing it",
        help="another --method or --weight-bits may have a grid that stays",
    )


def same_weights(a: Network, b: Network) -> bool:
    """Whether all weights and biases are equal."""
    pairs = zip(a.layers, b.layers, strict=True)
    return all(
        np.array_equal(x.op.weight, y.op.weight) and np.array_equal(_bias(x.op), _bias(y.op))
        for x, y in pairs
        if isinstance(x.op, Conv2d | Linear) and isinstance(y.op, Conv2d | Linear)
    )


def _layer_grid(
    name: str, op: Conv2d | Linear, circuit: Circuit, qc: QuantizedCircuit
) -> LayerGrid:
    """The coarsest unit where a layer became several projections (name, name#2 …)."""
    found = [p for p in qc.projections if p.name == name or p.name.startswith(f"{name}#")]
    theirs = {p.name: p.weight for p in circuit.projections}
    units = [
        _shaped(_worth(qc, p), op.weight.ndim, 0) * _composed(op.weight, theirs[p.name])
        for p in found
    ]
    population = qc.population(found[0].target)
    return LayerGrid(
        unit=np.max(np.broadcast_arrays(*units), axis=0),
        bias_unit=membrane_unit(population).reshape(-1),
    )


def _worth(qc: QuantizedCircuit, p: QuantizedProjection) -> FloatArray:
    source = p.sources[0]
    unit = qc.input.scale if source == INPUT else qc.population(source).unit
    return weight_unit(qc.population(p.target)) * 2.0**p.exponent / unit


def _composed(mine: FloatArray, theirs: FloatArray) -> FloatArray:
    """[I]: a weight of the layer, divided by what a pool or norm before it made of it."""
    a, b = (_largest(w) for w in (mine, theirs))
    alike = len(a) == len(b) and bool((b > 0).all())
    ratio = a / b if alike else np.full(len(a), a.max() / b.max() if b.max() > 0 else 1.0)
    whole = np.rint(ratio)
    near = np.abs(ratio - whole) < 1e-9 * whole
    return _shaped(np.where(near, whole, ratio), mine.ndim, 1)


def _largest(weight: FloatArray) -> FloatArray:
    return np.abs(weight).max(axis=tuple(i for i in range(weight.ndim) if i != 1))


def _shaped(values: FloatArray, ndim: int, axis: int) -> FloatArray:
    return values.reshape(tuple(-1 if i == axis else 1 for i in range(ndim)))


def _neuron_grid(layer: Layer, op: Neuron, qc: QuantizedCircuit) -> NeuronGrid:
    p = qc.population(layer.name)
    n, unit = p.neuron, membrane_unit(p)
    if n.gain is not None or n.emits is not Emits.SPIKE:
        raise StatementError(
            "finetune-neuron",
            layer.name,
            "has a gain or sends numbers, and only neurons that fire can be trained on a grid",
        )
    constant = np.zeros((1, 1, 1)) if op.bias is None else op.bias
    return NeuronGrid(
        unit=unit,
        thresholds=tuple((level + 0.5) * unit for level in n.levels),
        amounts=tuple(amount * unit for amount in n.amounts),
        keep=floats(DECAY_ONE - n.delta),
        bias=round_even(constant / unit) * unit,
    )


def _rounded(layer: Layer, grid: Grid) -> Layer:
    op = layer.op
    if not isinstance(op, Conv2d | Linear):
        return layer
    g = grid.layers[layer.name]
    weight = np.clip(round_even(op.weight / g.unit), grid.low, grid.high) * g.unit
    bias = None if op.bias is None else floats(round_even(op.bias / g.bias_unit) * g.bias_unit)
    return replace(layer, op=replace(op, weight=floats(weight), bias=bias))


def _bias(op: Conv2d | Linear) -> FloatArray:
    return np.zeros(0) if op.bias is None else op.bias
