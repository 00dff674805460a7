"""Rules about neurons and synapses: widths and features. Each docstring is the page of `snn2chip explain CODE`."""

from collections.abc import Iterator

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.program import TileContents
from snn2chip.chip.rule import Facts, fields, lacking, rule, tiles, worst
from snn2chip.errors import Finding
from snn2chip.neuron import Emits, Reset

# --- widths ----------------------------------------------------------------------------------------------------------


@rule("map-weight-bits")
def weight_bits(facts: Facts) -> Iterator[Finding]:
    """A weight needs more bits than a synapse has.

    What to do: quantize with the weight bits of this target.
    """
    bits = facts.target.widths.weight_bits
    have = (
        (core, fields(pair, bits))
        for core, _ in tiles(facts)
        for pairs in core.weights
        for pair in pairs
    )
    why = f"a weight lies outside {bits} bits (have: by how much)"
    yield from worst("map-weight-bits", facts, have, 0, why, "quantize for this target")


@rule("map-exponent")
def exponent(facts: Facts) -> Iterator[Finding]:
    """The exponent of a projection's weights is larger than the target's field.

    Shortcuts of currents next to convolutions are scaled by a power of two; this one is too large.

    What to do: a coarser scale of the layer, by quantizing for this target.
    """
    have = ((core, c.exponent) for core, tile in tiles(facts) for c in tile.connections)
    need = facts.target.widths.exponent_max
    yield from worst(
        "map-exponent", facts, have, need, "an exponent is too large", "quantize for this target"
    )


@rule("map-threshold")
def threshold(facts: Facts) -> Iterator[Finding]:
    """A threshold or reset amount does not fit its field, or is not on the target's grid.

    Some chips store thresholds as multiples of a step: Loihi 1 of 64 membrane units.

    What to do: quantize for this target.
    """
    w = facts.target.widths
    help = "quantize for this target"
    spiking = [(core, t) for core, t in tiles(facts) if t.emits is Emits.SPIKE]
    outside = ((core, fields(_extremes(t), w.threshold_bits)) for core, t in spiking)
    why = f"a threshold lies outside {w.threshold_bits} bits (have: by how much)"
    yield from worst("map-threshold", facts, outside, 0, why, help)
    rest = ((core, int((t.levels % w.threshold_step).max(initial=0))) for core, t in spiking)
    why = f"a threshold is not a multiple of {w.threshold_step} (have: the rest)"
    yield from worst("map-threshold", facts, rest, 0, why, help)


def _extremes(tile: TileContents) -> tuple[int, ...]:
    arrays = (tile.levels, tile.amounts)
    return tuple(int(x) for a in arrays for x in (a.min(initial=0), a.max(initial=0)))


@rule("map-bias")
def bias(facts: Facts) -> Iterator[Finding]:
    """A bias does not fit its field.

    Where the target stores mantissa and exponent, some exponent must make it a whole mantissa that fits.

    What to do: quantize for this target.
    """
    w = facts.target.widths
    have = ((core, _unfit(t.bias, w.bias_bits, w.bias_exponent_max)) for core, t in tiles(facts))
    why = f"biases do not fit {w.bias_bits} bits (have: how many)"
    yield from worst("map-bias", facts, have, 0, why, "quantize for this target")


def _unfit(bias: IntArray, bits: int, exponent_max: int) -> int:
    """How many values are mantissa · 2^e for no e up to `exponent_max` and no mantissa of `bits`."""
    half = 1 << (bits - 1)
    fits = np.zeros(bias.shape, bool)
    for step in (1 << e for e in range(exponent_max + 1)):
        fits |= (bias % step == 0) & (bias >= -half * step) & (bias < half * step)
    return int(np.count_nonzero(~fits))


@rule("map-membrane")
def membrane(facts: Facts) -> Iterator[Finding]:
    """Membranes would be clipped at a value that the target's register cannot hold.

    What to do: quantize for this target.
    """
    need = (1 << (facts.target.widths.membrane_bits - 1)) - 1
    have = ((core, t.v_limit) for core, t in tiles(facts))
    yield from worst(
        "map-membrane",
        facts,
        have,
        need,
        "the membrane's limit is too large",
        "quantize for this target",
    )


# --- features --------------------------------------------------------------------------------------------------------


@rule("map-payload")
def payload(facts: Facts) -> Iterator[Finding]:
    """A layer sends integers, but spikes of this target are binary.

    Graded relays and multi-spike neurons put a number into a spike.

    What to do: choose a target with payloads, or train with binary spikes.
    """
    integers = (Emits.GRADED, Emits.MULTISPIKE)
    has = facts.target.widths.payload_bits > 0 and facts.target.widths.graded
    yield from lacking(
        "map-payload", facts, has, lambda t: t.emits in integers, "spikes cannot carry integers"
    )


@rule("map-reset")
def reset(facts: Facts) -> Iterator[Finding]:
    """A layer subtracts from its membrane when it fires, which neurons of this target cannot.

    What to do: train with reset to zero, or choose a target whose neurons subtract.
    """
    has = facts.target.widths.subtract_reset
    yield from lacking(
        "map-reset", facts, has, lambda t: t.reset is Reset.SUBTRACT, "neurons cannot subtract"
    )


@rule("map-levels")
def levels(facts: Facts) -> Iterator[Finding]:
    """A layer has several thresholds and membranes per neuron, which neurons of this target have not.

    What to do: choose a target with programmable neurons.
    """
    has = facts.target.widths.levels
    yield from lacking(
        "map-levels", facts, has, lambda t: len(t.levels) > 1, "neurons have one threshold"
    )


@rule("map-bias-map")
def bias_map(facts: Facts) -> Iterator[Finding]:
    """Biases differ within a channel, but this target stores one per channel.

    An input normalisation that is folded into padded convolutions makes a bias map.

    What to do: normalise before the network, or choose a target with a bias in every neuron.
    """
    has = facts.target.widths.per_neuron_bias
    yield from lacking(
        "map-bias-map",
        facts,
        has,
        lambda t: bool((np.ptp(t.bias, axis=(-2, -1)) > 0).any()),
        "biases are per channel",
    )


@rule("map-fraction")
def fraction(facts: Facts) -> Iterator[Finding]:
    """Membranes have another number of fraction bits than this target's neurons.

    Some chips shift every current by a fixed number of bits: Loihi 1 and Lava's stock neuron by 6.

    What to do: quantize for this target.
    """
    w = facts.target.widths
    yield from lacking(
        "map-fraction",
        facts,
        not w.fraction_fixed,
        lambda t: t.fraction_bits != w.fraction_bits,
        f"membranes have {w.fraction_bits} fraction bits",
    )


@rule("map-gain")
def gain(facts: Facts) -> Iterator[Finding]:
    """A gain on a layer's input current does not fit its field, or the target has no gains.

    Batch norms of single steps (S-ResNet) share one set of weights and become a gain for each step.

    What to do: quantize for this target, or choose a target with programmable neurons.
    """
    bits = facts.target.widths.gain_bits
    gained = [(core, t.gain) for core, t in tiles(facts) if t.gain is not None]
    if not bits:
        have = ((core, 1) for core, _ in gained)
        help = "choose a target that has gains"
        yield from worst("map-gain", facts, have, 0, "neurons have no gain", help)
        return
    have = ((core, fields((int(x.min()), int(x.max())), bits)) for core, x in gained)
    why = f"a gain lies outside {bits} bits (have: by how much)"
    yield from worst("map-gain", facts, have, 0, why, "quantize for this target")


@rule("map-per-step")
def per_step(facts: Facts) -> Iterator[Finding]:
    """Gains or biases change from step to step, which neurons of this target cannot follow.

    What to do: train with one batch norm for all steps, or choose a target with programmable neurons.
    """
    has = facts.target.widths.per_step
    yield from lacking(
        "map-per-step", facts, has, _changes, "gains and biases are the same in every step"
    )


def _changes(tile: TileContents) -> bool:
    return tile.bias.ndim == 4 or (tile.gain is not None and tile.gain.ndim == 4)
