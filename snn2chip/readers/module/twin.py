"""The twin of a live module: the weights of a quantized circuit, for a copy of the module itself.

    spikes ─▶ (average pool) ─▶ convolution or linear ─▶ (batch norm) ─▶ neurons

Every layer of neurons keeps its own threshold and decay; its currents are the chip's times a power of two, as in
readers/twin.py. What a module has no tensor for, such as a factor between a join and a convolution, is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from snn2chip.circuit.types import Dense
from snn2chip.fixed import DECAY_ONE
from snn2chip.network.types import (
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    Network,
    Neuron,
    Pair,
    SumPool2d,
)
from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.twin import TwinWriter, refusal, unit_of
from snn2chip.readers.twin_spiking import check_digits

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """A kernel into a layer of neurons. `norm`: the batch norm behind it; `pool`: the window averaged before it."""

    kernel: Layer
    norm: Layer | None
    pool: Pair
    averages: bool


def twin_tensors(
    qc: QuantizedCircuit, network: Network, module: nn.Module
) -> tuple[Arrays, tuple[str, ...]]:
    """(tensors by key of the module's state dict, caveats); StatementError naming what the module cannot say."""
    empty = Container(path="module", sha256="", tensors={}, args={})
    twin = TwinWriter(qc, empty)
    layers = {x.name: x for x in network.layers}
    for layer in network.layers:
        if isinstance(layer.op, Neuron):
            _check_neurons(twin, layer.name, layer.op)
            _units(twin, layers, layer.name, layer.inputs[0], module)
    if isinstance(layers[network.readout.layer].op, Linear | Conv2d | BatchNorm):
        _units(twin, layers, network.readout.layer, network.readout.layer, module)
    for key in twin.tensors.keys() - module.state_dict().keys():
        raise refusal(key, "the module has no such tensor")
    return twin.tensors, tuple(dict.fromkeys(twin.caveats))


def _check_neurons(twin: TwinWriter, name: str, op: Neuron) -> None:
    """The module's threshold and decay are the chip's, in its own units."""
    m = op.model
    if m.leak or m.v_reset or m.v_init:
        raise refusal(
            name, "a membrane that rests, starts or is reset elsewhere than at 0 is not kept"
        )
    gain, decay = float(m.input_gain.flat[0]), float(m.decay.flat[0])
    if (m.input_gain != gain).any() or (m.decay != decay).any():
        raise refusal(name, "its decay or input gain differs between neurons")
    p = twin.neurons(name, delta=DECAY_ONE * (1.0 - decay))
    thresholds = np.unique(m.threshold)
    if len(thresholds) != 1:
        raise refusal(name, "its threshold differs between neurons")
    threshold = float(thresholds[0])
    if m.emits is Emits.MULTISPIKE:
        one = unit_of(p) * 2.0**p.neuron.multispike_shift * gain
        if (one != threshold).any():
            raise refusal(
                name, f"one spike of several does not take {threshold:g} on the chip's grid"
            )
    twin.fires(p, (threshold,), m.compare, gain)
    check_digits(twin, p)


def _units(
    twin: TwinWriter, layers: Mapping[str, Layer], target: str, source: str, module: nn.Module
) -> None:
    """The tensors of every kernel into `target`; the first that can carries its bias."""
    units = _kernels(layers, target, source)
    names = [u.kernel.name for u in units]
    for name in names:
        if name not in dict(module.named_modules()):
            raise refusal(target, f"{name} is no layer of its own in the module")
    twin.shortcut(target, names)
    carried = False
    bias = twin.bias(target)
    for unit in units:
        path = unit.kernel.name
        own = getattr(module.get_submodule(path), "bias", None) is not None
        carries = not carried and (own or unit.norm is not None)
        carried |= carries
        _put(twin, target, unit, own, bias if carries else np.zeros_like(bias))
    if not carried and bias.any():
        raise refusal(target, "its bias has no tensor in the module")


def _put(twin: TwinWriter, target: str, unit: _Unit, own: bool, bias: NDArray[Any]) -> None:
    path = unit.kernel.name
    weight = _own_weight(twin, target, unit)
    worth = twin.worth(twin.projection(target, path))
    if unit.norm is not None:
        twin.affine(unit.norm.name, worth, bias)
        if own:
            twin.put(f"{path}.bias", np.zeros(len(worth)), path)
    else:
        weight = weight * worth.reshape(-1, *[1] * (weight.ndim - 1))
        if own:
            twin.put(f"{path}.bias", bias, path)
    twin.put(f"{path}.weight", weight, path)


def _own_weight(twin: TwinWriter, target: str, unit: _Unit) -> NDArray[Any]:
    """The weights as the module has them, in integers: without the pool before them, which lowering made part."""
    path = unit.kernel.name
    projection = twin.projection(target, path)
    weight, (a, b) = projection.weight, unit.pool
    if (a, b) == (1, 1):
        return weight
    if isinstance(projection.kernel, Dense) and projection.kernel.pooled:
        return weight * (a * b if unit.averages else 1)
    if isinstance(unit.kernel.op, Linear):
        c, h, w = twin.qc.population(projection.sources[0]).shape
        cut = weight.reshape(len(weight), c, h // a, a, w // b, b)
    else:
        o, i, rows, columns = weight.shape
        cut = weight.reshape(o, i, rows // a, a, columns // b, b)
    if (cut != cut[:, :, :, :1, :, :1]).any():
        raise refusal(path, "its weights differ within a window that is pooled first")
    own = cut[:, :, :, 0, :, 0] * (a * b if unit.averages else 1)
    return own.reshape(len(own), -1) if isinstance(unit.kernel.op, Linear) else own


def _kernels(layers: Mapping[str, Layer], target: str, name: str) -> list[_Unit]:
    """Every kernel whose output is summed into `target`."""
    layer = layers.get(name)
    if layer is None or isinstance(layer.op, Neuron):
        return []
    if isinstance(layer.op, Add):
        return [u for x in layer.inputs for u in _kernels(layers, target, x)]
    norm = layer if isinstance(layer.op, BatchNorm) else None
    kernel = layers.get(layer.inputs[0]) if norm is not None else layer
    if kernel is None or not isinstance(kernel.op, Conv2d | Linear):
        if norm is None and isinstance(layer.op, Flatten):
            return _kernels(layers, target, layer.inputs[0])
        raise refusal(target, f"{name} is no convolution or linear layer, with or without a norm")
    pool, averages = _pool_before(layers, kernel)
    return [_Unit(kernel=kernel, norm=norm, pool=pool, averages=averages)]


def _pool_before(layers: Mapping[str, Layer], kernel: Layer) -> tuple[Pair, bool]:
    """(window of the pool that the kernel was merged with, whether it averages)."""
    before = layers.get(kernel.inputs[0])
    while before is not None and isinstance(before.op, Flatten):
        before = layers.get(before.inputs[0])
    if before is None or not isinstance(before.op, AvgPool2d | SumPool2d):
        if before is not None and not isinstance(before.op, Neuron) and not _joins(before):
            raise refusal(kernel.name, f"{before.name} before it is not kept")
        return (1, 1), False
    op = before.op
    if op.kernel != op.stride or op.padding != (0, 0):
        raise refusal(kernel.name, "the pool before it overlaps")
    return op.kernel, isinstance(op, AvgPool2d)


def _joins(layer: Layer) -> bool:
    """Whether spikes come out of it as they went in, or joined."""
    return type(layer.op).__name__ in ("Add", "And", "AndNot", "Or", "MaxPool2d")
