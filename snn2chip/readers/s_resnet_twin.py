"""The twin of a quantized S-ResNet, in the layout of its checkpoint.

Norm t of a convolution is gain[t]·x + bias[t] on its integer weights: variance 2^40, weight 2^20 · the chip's gain of
step t · the worth of a unit. The leak is in no file of the authors', so it has to be one of the chip's; `args` that
hold it say the chip's. What float32 code does not do, and so fires other spikes: divide gained currents by 2^k and
payloads by 2^p as a chip with few bits has to.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from snn2chip.arrays import FloatArray
from snn2chip.fixed import DECAY_ONE
from snn2chip.neuron import Compare, Emits
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation
from snn2chip.readers.checkpoint import Container
from snn2chip.readers.s_resnet_keys import Sizes, named_twice
from snn2chip.readers.s_resnet_options import Settings
from snn2chip.readers.twin import TwinWriter, refusal, unit_of
from snn2chip.readers.twin_spiking import MANTISSA_BITS
from snn2chip.zoo.s_resnet import VOTES


def write_twin(
    qc: QuantizedCircuit,
    path: Path,
    container: Container,
    sizes: Sizes,
    settings: Settings,
    *,
    said: bool,
) -> tuple[str, ...]:
    """Write the twin of `qc` to `path`, returning its caveats; StatementError where this layout cannot say it.

    `said`: the user gave the leak, so that `args` may hold no other.
    """
    twin = TwinWriter(qc, container)
    stored = "leak_mem" in container.args
    args = {"leak_mem": _leak(qc.population("conv_list.0"))} if stored and not said else {}
    leak = args.get("leak_mem", settings.leak)
    for i in range(6 * sizes.n + 1):
        name = f"conv_list.{i}"
        _check_leak(twin.neurons(name, gained=True), leak, stored=stored)
        twin.fires(twin.population(name), (1.0,), Compare.GREATER)
        pool = 2 if i == 0 and settings.halved else 1
        gain = twin.convolution(name, name, pool, f"{name}.weight")
        _norms(twin, f"bntt_list.{i}", name, gain, sizes.norms)
    for k in (0, 1):
        name = f"bn_conv1x1_list.{k}"
        gain = twin.convolution(f"conv1x1_list.{k}", name)
        _norms(twin, name, name, gain, sizes.norms)
    for relay in _relays(qc):
        twin.shortcut(relay.name, ())
    _classifier(twin, settings, sizes.norms)
    twin.caveats += _caveats(twin)
    twin.tensors = dict(named_twice(twin.tensors))
    return twin.write(path, args)


def _check_leak(p: QuantizedPopulation, leak: float, *, stored: bool) -> None:
    if (DECAY_ONE - p.neuron.delta != DECAY_ONE * leak).any():
        chips = _leak(p)
        way = "leave out --option leak_mem" if stored else f"read it with leak_mem={chips}"
        raise refusal(p.name, f"the chip's leak is {chips}, not {leak:g}: {way}")


def _leak(p: QuantizedPopulation) -> float:
    return int(DECAY_ONE - p.neuron.delta.reshape(-1)[0]) / DECAY_ONE


def _norms(twin: TwinWriter, path: str, neuron: str, worth: FloatArray, norms: int) -> None:
    """A norm for each step; steps that the input does not have are as its last one."""
    p = twin.population(neuron)
    n = p.neuron
    if n.gain is None:
        raise refusal(neuron, "its neurons have no gain")
    last = twin.qc.steps - 1
    gains = np.broadcast_to(n.gain, (last + 1, *n.gain.shape[-3:])) / 2.0**n.gain_shift
    biases = np.broadcast_to(p.bias, (last + 1, *p.bias.shape[-3:])) * unit_of(p)
    if max(*gains.shape[2:], *biases.shape[2:]) > 1:
        raise refusal(neuron, "its gains or biases differ within a channel")
    for t in range(norms):
        step = min(t, last)
        bias = np.broadcast_to(biases[step, :, 0, 0], worth.shape)
        twin.affine(f"{path}.{t}", gains[step, :, 0, 0] * worth, bias)


def _classifier(twin: TwinWriter, settings: Settings, norms: int) -> None:
    """`fc`, which sees means of maps; ten equal votes for a class; the sum divided by all steps. Only logits round."""
    readout = twin.population(twin.qc.readout.population)
    (projection,) = twin.qc.into(readout.name)
    maps = twin.population(projection.sources[0]).shape
    if readout.bias.any():
        raise refusal("fc", "it has a bias")
    share = maps[1] * maps[2] * norms / twin.qc.steps
    weight = projection.weight * twin.worth(projection)[:, None] * share
    rows = np.repeat(weight, VOTES, 0) if settings.boosting else weight
    twin.tensors["fc.weight"] = rows.astype(np.float32)


def _relays(qc: QuantizedCircuit) -> Iterator[QuantizedPopulation]:
    for p in qc.populations:
        if p.neuron.emits is Emits.GRADED and p.neuron.gain is None:
            yield p


def _caveats(twin: TwinWriter) -> Iterator[str]:
    """Where the chip drops digits that float32 code keeps, or the other way round."""
    for p in twin.qc.populations:
        n, sums = p.neuron, twin.ranges[p.name].partial
        if n.gain_shift:
            yield f"{p.name}: the chip divides gained currents by 2^{n.gain_shift}"
        if (
            n.gain is not None
            and sums * int(np.abs(n.gain).max()) << p.fraction_bits >= 1 << MANTISSA_BITS
        ):
            yield f"{p.name}: gained currents may need more digits than float32 has"
        if n.emits is Emits.GRADED and _is_seen(twin.qc, p.name) and _drops_digits(twin.qc, p):
            yield f"{p.name}: the chip divides what it sends by 2^{n.graded_shift}"


def _is_seen(qc: QuantizedCircuit, name: str) -> bool:
    """Whether spikes depend on what it sends: logits alone may round."""
    return any(name in j.sources and j.target != qc.readout.population for j in qc.projections)


def _drops_digits(qc: QuantizedCircuit, p: QuantizedPopulation) -> bool:
    """Whether a membrane can be no multiple of what one unit of its payload is worth."""
    n, one = p.neuron, 1 << p.neuron.graded_shift
    steps = (
        [n.gain << p.fraction_bits]
        if n.gain is not None
        else [j.weight << (j.exponent + p.fraction_bits) for j in qc.into(p.name)]
    )
    return any(bool((values % one).any()) for values in (*steps, p.bias))
