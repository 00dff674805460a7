"""A network without batch norms, and the grid that quantize() chooses for it, as arrays that training can use."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from snn2chip.arrays import FloatArray, IntArray, floats
from snn2chip.circuit.types import INPUT, Circuit
from snn2chip.errors import StatementError
from snn2chip.fixed import DECAY_ONE
from snn2chip.lowering import lower
from snn2chip.lowering.drop_training_branches import drop_training_branches
from snn2chip.lowering.fold_batch_norm import fold_batch_norm
from snn2chip.lowering.fold_scale import fold_scale
from snn2chip.lowering.graded_joins import graded_joins
from snn2chip.lowering.graded_norms import graded_norms
from snn2chip.lowering.graph import use_counts
from snn2chip.lowering.substitute_variables import substitute_variables
from snn2chip.network.types import Conv2d, Layer, Linear, Network, Neuron
from snn2chip.neuron import Emits
from snn2chip.quantize.grid import round_even
from snn2chip.quantize.types import QuantizedCircuit, QuantizedProjection
from snn2chip.quantize.weights import weight_range
from snn2chip.readers.twin import unit_of

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

    `gain_unit`: what one integer gain is worth (0: no gains). `current_unit`: gained currents are cut off to it.
    `payload_unit`: what is sent is rounded to it (0: spikes). Arrays broadcast against (C, H, W).
    """

    unit: FloatArray
    thresholds: tuple[FloatArray, ...]
    amounts: tuple[FloatArray, ...]
    keep: FloatArray
    bias: FloatArray
    gain_unit: FloatArray
    current_unit: FloatArray
    payload_unit: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """By layer of the folded network; weights are whole numbers in `low` … `high`."""

    layers: Mapping[str, LayerGrid]
    neurons: Mapping[str, NeuronGrid]
    low: int
    high: int


def folded(network: Network) -> Network:
    """`network` with every norm in the convolution before it, and neurons as v = decay · v + x.

    Norms of single steps are in the neurons behind them; what adds spikes and numbers has its relays. Two linear layers
    in a row (the votes of a boosted classifier) are one, as on the chip.
    """
    for rewrite in (
        drop_training_branches,
        graded_norms,
        fold_batch_norm,
        fold_scale,
        graded_joins,
        substitute_variables,
    ):
        network = rewrite(network).network
    return _linear_once(network)


def _linear_once(network: Network) -> Network:
    uses = use_counts(network)
    layers: dict[str, Layer] = {}
    for layer in network.layers:
        first, op = layers.get(layer.inputs[0]), layer.op
        before = None if first is None or uses[first.name] > 1 else first.op
        if first is not None and isinstance(op, Linear) and isinstance(before, Linear):
            del layers[first.name]
            layers[layer.name] = replace(layer, op=_product(op, before), inputs=first.inputs)
        else:
            layers[layer.name] = layer
    return replace(network, layers=tuple(layers.values()))


def _product(second: Linear, first: Linear) -> Linear:
    biases = [] if second.bias is None else [second.bias]
    biases += [] if first.bias is None else [second.weight @ first.bias]
    bias = floats(np.sum(biases, axis=0)) if biases else None
    return Linear(weight=floats(second.weight @ first.weight), bias=bias)


def grid_of(network: Network, circuit: Circuit, qc: QuantizedCircuit, bits: int) -> Grid:
    """The grid of `qc`, which was made from `circuit`, which was made from the folded `network`."""
    low, high = weight_range(bits)
    layers: dict[str, LayerGrid] = {}
    neurons: dict[str, NeuronGrid] = {}
    for layer in network.layers:
        if isinstance(layer.op, Neuron):
            neurons[layer.name] = _neuron_grid(layer, layer.op, qc)
    for layer in network.layers:
        if isinstance(layer.op, Conv2d | Linear):
            layers[layer.name] = _layer_grid(layer.name, layer.op, circuit, qc, neurons)
    return Grid(layers=layers, neurons=neurons, low=low, high=high)


def on_grid(network: Network, grid: Grid) -> Network:
    """`network` with weights, gains and biases rounded, halves to even, and weights clipped to their bits."""
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
    """Whether all weights, gains and biases are equal."""
    pairs = zip(_trained(a), _trained(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def _trained(network: Network) -> Iterator[FloatArray]:
    for layer in network.layers:
        op = layer.op
        if isinstance(op, Neuron) and op.model.gain is not None:
            yield op.model.gain
        elif isinstance(op, Conv2d | Linear):
            yield op.weight
        else:
            continue
        yield np.zeros(0) if op.bias is None else op.bias


def _layer_grid(
    name: str,
    op: Conv2d | Linear,
    circuit: Circuit,
    qc: QuantizedCircuit,
    neurons: Mapping[str, NeuronGrid],
) -> LayerGrid:
    """The coarsest unit where a layer became several projections (name, name#2 …)."""
    found = [p for p in qc.projections if p.name == name or p.name.startswith(f"{name}#")]
    theirs = {p.name: p.weight for p in circuit.projections}
    units = [
        _shaped(_worth(qc, p, neurons.get(p.target)), op.weight.ndim, 0)
        * _composed(op.weight, theirs[p.name])
        for p in found
    ]
    population = qc.population(found[0].target)
    return LayerGrid(
        unit=np.max(np.broadcast_arrays(*units), axis=0),
        bias_unit=unit_of(population).reshape(-1),
    )


def _worth(qc: QuantizedCircuit, p: QuantizedProjection, target: NeuronGrid | None) -> FloatArray:
    """[O]: a weight unit; (gain · a) >> k counts in current units, so weights before a gain have one of their own."""
    source, population = p.sources[0], qc.population(p.target)
    unit = qc.input.scale if source == INPUT else qc.population(source).unit
    own = population.scale
    if target is not None and target.gain_unit.any():
        shift = 2.0**population.neuron.gain_shift
        own = (target.current_unit / target.gain_unit).reshape(-1) / shift
    return own * 2.0**p.exponent / unit


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
    n, unit = p.neuron, unit_of(p)
    if n.emits not in (Emits.SPIKE, Emits.GRADED) or not _by_channel(op.model.gain, n.gain):
        raise StatementError(
            "finetune-neuron",
            layer.name,
            "sends several spikes at once, or has gains that differ within a channel",
        )
    constant = np.zeros((1, 1, 1)) if op.bias is None else op.bias
    nothing = np.zeros((1, 1, 1))
    gain, gains = op.model.gain, n.gain
    return NeuronGrid(
        unit=unit,
        thresholds=tuple((level + 0.5) * unit for level in n.levels),
        amounts=tuple(amount * unit for amount in n.amounts),
        keep=floats(DECAY_ONE - n.delta),
        bias=round_even(constant / unit) * unit if gain is None else nothing,
        gain_unit=nothing if gain is None or gains is None else _gain_unit(gain, gains),
        current_unit=p.scale[:, None, None],
        payload_unit=nothing if n.emits is Emits.SPIKE else floats([[[p.unit]]]),
    )


def _by_channel(gain: FloatArray | None, integers: IntArray | None) -> bool:
    """Whether there is no gain, or one for each channel and step."""
    if gain is None or integers is None:
        return gain is None and integers is None
    return gain.shape[-2:] == integers.shape[-2:] == (1, 1)


def _gain_unit(gain: FloatArray, integers: IntArray) -> FloatArray:
    """[C,1,1]: a power of two, read off each channel's largest gain; 1 where all its gains are 0, and any would do."""
    real, most = (np.abs(x).reshape(-1, *x.shape[-3:]).max(0) for x in (gain, integers))
    known = (real > 0) & (most > 0)
    octaves = np.rint(np.log2(np.where(known, most, 1) / np.where(known, real, 1.0)))
    return np.exp2(-np.where(known, octaves, 0.0))


def _rounded(layer: Layer, grid: Grid) -> Layer:
    op = layer.op
    if isinstance(op, Neuron) and op.model.gain is not None:
        g = grid.neurons[layer.name]
        gain = floats(round_even(op.model.gain / g.gain_unit) * g.gain_unit)
        bias = None if op.bias is None else floats(round_even(op.bias / g.unit) * g.unit)
        return replace(layer, op=replace(op, model=replace(op.model, gain=gain), bias=bias))
    if not isinstance(op, Conv2d | Linear):
        return layer
    g = grid.layers[layer.name]
    weight = np.clip(round_even(op.weight / g.unit), grid.low, grid.high) * g.unit
    bias = None if op.bias is None else floats(round_even(op.bias / g.bias_unit) * g.bias_unit)
    return replace(layer, op=replace(op, weight=floats(weight), bias=bias))
