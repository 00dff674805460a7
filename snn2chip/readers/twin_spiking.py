"""The neurons of SpikingJelly (IF, LIF, PLIF) in a twin: threshold, decay, and what float32 makes of their equation.

    h = v + (x - v) / tau        with decay_input; tau, or 1 / sigmoid(w) where it is learned
    h = v - v / tau + x          without

A Circuit does not divide currents: its membrane is tau times as large where decay_input does. A learned decay is
written as the w whose sigmoid is the chip's δ / 4096, in float32 if that has it.
"""

import math

import numpy as np
import torch

from snn2chip.fixed import DECAY_ONE
from snn2chip.neuron import Compare
from snn2chip.quantize.grid import is_power_of_two
from snn2chip.quantize.types import QuantizedPopulation
from snn2chip.readers.resnet_options import NeuronSettings
from snn2chip.readers.twin import TwinWriter, refusal

MANTISSA_BITS = 24


def spiking_neurons(twin: TwinWriter, path: str, n: NeuronSettings) -> None:
    """Check the neurons `path`, and write their `w` where the decay is learned."""
    if n.v_reset not in (None, 0.0):
        raise refusal(path, "a v_reset that is not 0 is not kept")
    if not n.learned:
        p = twin.neurons(path, delta=0.0 if n.tau is None else DECAY_ONE / n.tau)
        k, exact = 1.0 if n.tau is None else 1.0 / n.tau, True
    else:
        p = twin.neurons(path)
        k, exact = _learned(twin, path, p)
    if exact:
        twin.fires(p, (n.v_threshold,), Compare.GREATER_EQUAL, k if n.decay_input else 1.0)
        check_digits(twin, p)
    else:
        twin.caveats.append(f"{path}: its learned decay rounds on the chip")


def _learned(twin: TwinWriter, path: str, p: QuantizedPopulation) -> tuple[float, bool]:
    """(the part of the membrane that the source's code will lose, whether that is exact: a power of two is kept)."""
    held = twin.container.tensors[f"{path}.w"]
    delta = int(p.neuron.delta.reshape(-1)[0])
    if (p.neuron.delta != delta).any() or delta == 0:
        raise refusal(path, "its decay differs within the layer, or is none at all")
    if delta == DECAY_ONE - 1 and _sigmoid(held) == 1.0:
        w, chip = held, 1.0  # forgets everything: the chip's 4095 does, of small membranes
    else:
        chip = delta / DECAY_ONE
        w = np.full(held.shape, math.log(chip / (1.0 - chip)))
    single = np.asarray(w, np.float32)
    twin.tensors[f"{path}.w"] = single
    k = _sigmoid(single)
    return k, k == chip and (k == 1.0 or is_power_of_two(1.0 - k))


def _sigmoid(w: np.ndarray) -> float:
    """As the source's code computes it."""
    return float(torch.from_numpy(np.asarray(w, np.float32).reshape(-1).copy()).sigmoid()[0])


def check_digits(twin: TwinWriter, p: QuantizedPopulation) -> None:
    """Note where x - v or its product with 2^-m, 1 - 2^-m may need more than the 24 digits of float32."""
    delta = int(p.neuron.delta.max())
    if delta == 0:
        return
    r = twin.ranges[p.name]
    largest = max(-r.low, r.high, r.partial << p.fraction_bits, 1)
    m = 0 if delta == DECAY_ONE - 1 else math.ceil(-math.log2(1.0 - delta / DECAY_ONE))
    if largest.bit_length() + 2 * m + 2 > MANTISSA_BITS:
        twin.caveats.append(f"{p.name}: x - v may need more digits than float32 has")
