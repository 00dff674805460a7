"""A projection as Lava's synapses: Conv, Dense or Sparse, exactly; a convolution of ours where Conv would wrap.

Lava's Dense and Sparse take mixed weights of 8 bits. Wider ones are written in digits of 8 bits, each with an exponent
and synapses of its own, into the same neurons: W = Σ_k D_k << 8k.
"""

from collections.abc import Iterator

import numpy as np

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.circuit.types import Conv, Dense, Shape
from snn2chip.engines.lava.lif import channels_last, lava_shape
from snn2chip.engines.lava.plan import Argument, Node
from snn2chip.quantize.types import QuantizedProjection

GROUPS_MAX = 127
"""Conv keeps the number of groups in 8 bits and wraps in silence."""

CONV_LIMIT = (1 << 23) - 1
"""Conv wraps sums to 24 bits."""

DIGIT = 8


def synapses(
    q: QuantizedProjection, source: Shape, target: Shape, largest: int, message_bits: int
) -> tuple[Node, ...]:
    """The processes of a projection; `largest`: |sum| after the exponent; `message_bits`: 0 of spikes."""
    kernel = q.kernel
    if isinstance(kernel, Conv):
        return (_conv(q, kernel, source, target, largest, message_bits),)
    if isinstance(kernel, Dense):
        kind, weights = "Dense", _matrix(q.weight, kernel.pooled, source, target)
    else:
        kind, weights = "Diagonal", np.tile(q.weight, source[1] * source[2])
    return tuple(
        Node(
            kind=kind,
            arguments={
                "weights": digit.astype(np.int32),
                "exponent": q.exponent + shift,
                "num_message_bits": message_bits,
            },
        )
        for digit, shift in _digits(weights)
    )


def _conv(
    q: QuantizedProjection, k: Conv, source: Shape, target: Shape, largest: int, message_bits: int
) -> Node:
    flipped = q.weight[:, :, ::-1, ::-1].transpose(0, 2, 3, 1)
    shared: dict[str, Argument] = {
        "weight": np.ascontiguousarray(fixed.shift_left(flipped, q.exponent), np.int32),
        "input_shape": lava_shape(source),
        "stride": k.stride,
        "padding": k.padding,
        "dilation": k.dilation,
    }
    if k.groups > GROUPS_MAX or largest > CONV_LIMIT:
        return Node(kind="WideConv", arguments={**shared, "output_shape": lava_shape(target)})
    more = {"groups": k.groups, "num_message_bits": message_bits}
    return Node(kind="Conv", arguments={**shared, **more})


def _matrix(weight: IntArray, pooled: bool, source: Shape, target: Shape) -> IntArray:
    """[outputs, inputs] with both sides in Lava's order."""
    if pooled:
        weight = np.broadcast_to(weight[..., None, None], (len(weight), *source))
    rows = weight.reshape(*target, *source)
    return channels_last(np.moveaxis(rows, 0, 2)).reshape(len(weight), -1)


def _digits(weights: IntArray) -> Iterator[tuple[IntArray, int]]:
    """(digit in -128..127, shift) from the lowest on; at least one."""
    half, base, shift = 1 << (DIGIT - 1), 1 << DIGIT, 0
    while True:
        digit = (weights + half) % base - half
        yield digit, shift
        weights = (weights - digit) // base
        shift += DIGIT
        if not weights.any():
            return
