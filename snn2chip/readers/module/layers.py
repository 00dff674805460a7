"""Layers of torch.nn as operations of a Network. Everything an operation cannot say is refused."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from snn2chip.arrays import FloatArray, floats
from snn2chip.network.types import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Linear,
    MaxPool2d,
    Op,
    Pair,
    Shape,
    SumPool2d,
)
from snn2chip.readers.module.refuse import Place, refused

IDENTITIES = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
"""What passes its input on in evaluation mode."""

RESHAPES = (nn.Flatten, nn.Unflatten)


def operation(module: nn.Module, shape: Shape, place: Place) -> Op:
    """The operation of a layer of torch.nn that gets maps of `shape`."""
    for kind, read in _READERS.items():
        if isinstance(module, kind):
            return read(module, shape, place)
    raise refused(
        "module-unsupported",
        place,
        f"layers of the kind {type(module).__name__} are not understood",
        need=", ".join(kind.__name__ for kind in _READERS),
        help="a spiking network on a chip has neurons, sums, and layers that are linear",
    )


def conv(
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    place: Place,
) -> Conv2d:
    """A convolution from the arguments of torch's."""
    if weight.ndim != 4:
        raise refused("module-unsupported", place, "only convolutions of maps are understood")
    return Conv2d(
        weight=numbers(weight),
        bias=None if bias is None else numbers(bias),
        stride=pair(stride),
        padding=_same(weight, padding, pair(stride), pair(dilation), place),
        dilation=pair(dilation),
        groups=groups,
    )


def linear(weight: Tensor, bias: Tensor | None) -> Linear:
    """A linear layer from torch's arguments."""
    return Linear(weight=numbers(weight), bias=None if bias is None else numbers(bias))


def batch_norm(
    mean: Tensor | None,
    var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    place: Place,
) -> BatchNorm:
    """A batch norm of running statistics."""
    if mean is None or var is None:
        raise refused(
            "module-unsupported",
            place,
            "this batch norm keeps no running statistics, so what it does depends on the batch",
            help="train it with track_running_stats=True",
        )
    channels = len(mean)
    return BatchNorm(
        weight=floats(np.ones(channels)) if weight is None else numbers(weight),
        bias=floats(np.zeros(channels)) if bias is None else numbers(bias),
        mean=numbers(mean),
        var=numbers(var),
        eps=eps,
    )


def average_pool(
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil: bool,
    count_padding: bool,
    divisor: int | None,
    place: Place,
    shape: Shape,
) -> AvgPool2d:
    """An average pool whose windows all have one divisor."""
    if pair(padding) != (0, 0) and not count_padding:
        why = "count_include_pad=False divides differently at the borders"
        raise refused("module-unsupported", place, why, help="take padding 0")
    if divisor is not None:
        raise refused("module-unsupported", place, "divisor_override is not understood")
    window = _window(kernel, stride, padding, ceil, place, shape)
    return AvgPool2d(kernel=window[0], stride=window[1], padding=window[2])


def max_pool(
    kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, place: Place, shape: Shape
) -> MaxPool2d:
    """A max pool."""
    if pair(dilation) != (1, 1):
        raise refused("module-unsupported", place, "a max pool with dilation is not understood")
    window = _window(kernel, stride, padding, ceil, place, shape)
    return MaxPool2d(kernel=window[0], stride=window[1], padding=window[2])


def adaptive_pool(size: Any, kind: type[Any], place: Place, shape: Shape) -> Op:
    """An adaptive pool as one of fixed windows, where all windows are alike."""
    wanted = size if isinstance(size, tuple | list) else (size, size)
    out = tuple(n if m is None else m for m, n in zip(wanted, shape[1:], strict=True))
    if any(n % m for m, n in zip(out, shape[1:], strict=True)):
        raise refused(
            "module-unsupported",
            place,
            "this adaptive pool has windows of different sizes",
            have=f"{shape[1:]} to {out}",
            need="a size that divides the map's",
        )
    window = (shape[1] // out[0], shape[2] // out[1])
    return kind(kernel=window, stride=window)


def numbers(tensor: Tensor) -> FloatArray:
    """The values of a tensor."""
    return floats(tensor.detach().cpu().numpy())


def pair(value: Any) -> Pair:
    """One number for both axes, or two."""
    if isinstance(value, tuple | list):
        first, *rest = value
        return int(first), int(rest[0] if rest else first)
    return int(value), int(value)


def _same(weight: Tensor, padding: Any, stride: Pair, dilation: Pair, place: Place) -> Pair:
    if not isinstance(padding, str):
        return pair(padding)
    if padding == "valid":
        return (0, 0)
    extra = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if stride != (1, 1) or any(e % 2 for e in extra):
        why = "padding='same' of an even kernel pads one side more"
        raise refused("module-unsupported", place, why, help="take an odd kernel, or numbers")
    return extra[0] // 2, extra[1] // 2


def _window(
    kernel: Any, stride: Any, padding: Any, ceil: bool, place: Place, shape: Shape
) -> tuple[Pair, Pair, Pair]:
    size, pad = pair(kernel), pair(padding)
    step = size if stride is None or stride == [] else pair(stride)
    rest = [(n + 2 * p - k) % s for n, p, k, s in zip(shape[1:], pad, size, step, strict=True)]
    if ceil and any(rest):
        why = "ceil_mode=True adds windows that reach over the border"
        raise refused("module-unsupported", place, why, help="take ceil_mode=False")
    return size, step, pad


def _conv(m: Any, shape: Shape, place: Place) -> Op:
    del shape
    if m.padding_mode != "zeros":
        why = f"padding_mode {m.padding_mode!r} is not understood"
        raise refused("module-unsupported", place, why, need="zeros")
    return conv(m.weight, m.bias, m.stride, m.padding, m.dilation, m.groups, place)


def _linear(m: Any, shape: Shape, place: Place) -> Op:
    del shape, place
    return linear(m.weight, m.bias)


def _norm(m: Any, shape: Shape, place: Place) -> Op:
    del shape
    return batch_norm(m.running_mean, m.running_var, m.weight, m.bias, m.eps, place)


def _average(m: Any, shape: Shape, place: Place) -> Op:
    return average_pool(
        m.kernel_size,
        m.stride,
        m.padding,
        m.ceil_mode,
        m.count_include_pad,
        m.divisor_override,
        place,
        shape,
    )


def _max(m: Any, shape: Shape, place: Place) -> Op:
    return max_pool(m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, place, shape)


def _power(m: Any, shape: Shape, place: Place) -> Op:
    """LPPool2d of power 1 sums (sinabs' SumPool2d); it does so only for values that are not negative, as spikes are."""
    if m.norm_type != 1:
        raise refused("module-unsupported", place, "only power 1, a sum, is understood")
    size, step, _ = _window(m.kernel_size, m.stride, 0, bool(m.ceil_mode), place, shape)
    return SumPool2d(kernel=size, stride=step)


_READERS: Mapping[type[nn.Module], Callable[[Any, Shape, Place], Op]] = {
    nn.Conv2d: _conv,
    nn.Linear: _linear,
    nn.BatchNorm2d: _norm,
    nn.BatchNorm1d: _norm,
    nn.AvgPool2d: _average,
    nn.MaxPool2d: _max,
    nn.LPPool2d: _power,
    nn.AdaptiveAvgPool2d: lambda m, shape, place: adaptive_pool(
        m.output_size, AvgPool2d, place, shape
    ),
    nn.AdaptiveMaxPool2d: lambda m, shape, place: adaptive_pool(
        m.output_size, MaxPool2d, place, shape
    ),
}

LAYERS = tuple(_READERS)
"""The kinds of torch.nn that are operations."""
