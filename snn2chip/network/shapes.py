"""Shapes of a network's layers, and the errors of layers that do not fit together."""

from collections.abc import Sequence

from snn2chip.arrays import FloatArray
from snn2chip.errors import Snn2ChipError
from snn2chip.network.types import (
    INPUT,
    Add,
    And,
    AndNot,
    AvgPool2d,
    BatchNorm,
    Bias,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    Neuron,
    Op,
    Or,
    Pair,
    Scale,
    Shape,
    SumPool2d,
)

Join = Add | And | AndNot | Or
Pool = AvgPool2d | SumPool2d | MaxPool2d


def shapes(network: Network) -> dict[str, Shape]:
    """(C, H, W) of the input and of every layer, by name.

    Raises Snn2ChipError `network-shape` where a layer does not fit what it is given.
    """
    known: dict[str, Shape] = {INPUT: network.input.shape}
    for layer in network.layers:
        known[layer.name] = layer_shape(layer, [known[name] for name in layer.inputs])
    return known


def vectors(network: Network) -> frozenset[str]:
    """Names of the layers whose values are vectors, not maps: after Flatten or Linear, up to the next map."""
    found: set[str] = set()
    for layer in network.layers:
        makes_maps = isinstance(layer.op, Conv2d | Pool)
        makes_vectors = isinstance(layer.op, Flatten | Linear)
        if makes_vectors or (not makes_maps and found.issuperset(layer.inputs)):
            found.add(layer.name)
    return frozenset(found)


def layer_shape(layer: Layer, inputs: Sequence[Shape]) -> Shape:
    """(C, H, W) of a layer's output from the shapes of its inputs."""
    op = layer.op
    if isinstance(op, Join):
        return _joined(layer, inputs)
    (shape,) = inputs
    if isinstance(op, Conv2d):
        return _convolved(layer, op, shape)
    if isinstance(op, Linear):
        return _multiplied(layer, op, shape)
    if isinstance(op, Pool):
        if op.padding[0] * 2 > op.kernel[0] or op.padding[1] * 2 > op.kernel[1]:
            raise shape_error(
                layer, "padding of a pool, at most half its window", op.kernel, op.padding
            )
        rows, columns = windows(layer, shape, op.kernel, op.stride, op.padding)
        return shape[0], rows, columns
    if isinstance(op, Flatten):
        return shape[0] * shape[1] * shape[2], 1, 1
    for what, values in _parameters(op):
        _broadcasts(layer, what, values, shape)
    return shape


def windows(
    layer: Layer, shape: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)
) -> Pair:
    """(rows, columns) of the windows that fit into the padded map."""
    out: list[int] = []
    for axis in (0, 1):
        size = shape[1 + axis] + 2 * padding[axis]
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        if size < reach:
            raise shape_error(layer, "the window is larger than the map", reach, size)
        out.append((size - reach) // stride[axis] + 1)
    return out[0], out[1]


def shape_error(layer: Layer, why: str, need: object, have: object) -> Snn2ChipError:
    """The error of a layer that does not fit."""
    return Snn2ChipError("network-shape", layer.name, why, need=str(need), have=str(have))


def _joined(layer: Layer, inputs: Sequence[Shape]) -> Shape:
    for shape in inputs[1:]:
        if shape != inputs[0]:
            raise shape_error(layer, "a join of different shapes", inputs[0], shape)
    return inputs[0]


def _convolved(layer: Layer, op: Conv2d, shape: Shape) -> Shape:
    if op.weight.ndim != 4:
        raise shape_error(layer, "a convolution's weight has four axes", 4, op.weight.ndim)
    out, per_group, rows, columns = op.weight.shape
    if shape[0] != per_group * op.groups:
        raise shape_error(layer, "input channels", per_group * op.groups, shape[0])
    if out % op.groups:
        raise shape_error(layer, "output channels per group", f"a multiple of {op.groups}", out)
    _bias_fits(layer, op.bias, out)
    size = windows(layer, shape, (rows, columns), op.stride, op.padding, op.dilation)
    return out, *size


def _multiplied(layer: Layer, op: Linear, shape: Shape) -> Shape:
    if op.weight.ndim != 2:
        raise shape_error(layer, "a linear layer's weight has two axes", 2, op.weight.ndim)
    out, size = op.weight.shape
    have = shape[0] * shape[1] * shape[2]
    if have != size:
        raise shape_error(layer, "inputs of a linear layer", size, f"{have} = {_times(shape)}")
    _bias_fits(layer, op.bias, out)
    return out, 1, 1


def _bias_fits(layer: Layer, bias: FloatArray | None, out: int) -> None:
    if bias is not None and bias.shape != (out,):
        raise shape_error(layer, "bias", (out,), bias.shape)


def _parameters(op: Op) -> list[tuple[str, FloatArray]]:
    """Arrays that must broadcast against (C, H, W), with what they are called."""
    if isinstance(op, Scale):
        return [("scale", op.scale)]
    if isinstance(op, Bias):
        return [("bias", op.bias)]
    if isinstance(op, BatchNorm):
        found = {"weight": op.weight, "bias": op.bias, "mean": op.mean, "var": op.var}
        return [(name, values[..., None, None]) for name, values in found.items()]
    if not isinstance(op, Neuron):
        return []
    model = op.model
    levels = [("threshold", values) for values in model.levels]
    gain = [] if model.gain is None else [("gain", model.gain)]
    bias = [] if op.bias is None else [("bias", op.bias)]
    return [*levels, ("decay", model.decay), ("input gain", model.input_gain), *gain, *bias]


def _broadcasts(layer: Layer, what: str, values: FloatArray, shape: Shape) -> None:
    sizes = values.shape[-3:]
    if (
        len(sizes) == 3
        and values.ndim <= 4
        and all(have in (1, need) for have, need in zip(sizes, shape, strict=True))
    ):
        return
    raise shape_error(layer, what, shape, values.shape)


def _times(shape: Shape) -> str:
    return " × ".join(str(n) for n in shape)
