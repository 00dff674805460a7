"""Costs of one convolution, against counts by hand and against nengo-loihi's formula."""

from dataclasses import replace

import pytest

from snn2chip.chip.cost import ConvShape, cost_of
from snn2chip.chip.target import load_target

LOIHI1, LOIHI2 = load_target("loihi1"), load_target("loihi2")


def conv(inputs=4, outputs=8, kernel=3, stride=1, groups=1, source=(6, 6)):
    return ConvShape(
        inputs=inputs, outputs=outputs, kernel=kernel, stride=stride, groups=groups, source=source
    )


def needs(shape, target, tile, bits=8):
    return {name: use.need for name, use in fitting(shape, target, bits, tile).uses.items()}


def fitting(shape, target, bits, tile):
    """The cost of a layer that some tile can hold."""
    found = cost_of(shape, target, bits, tile)
    assert found is not None
    return found


def test_a_layer_of_yolo_kp_on_loihi2():
    found = needs(conv(128, 256, source=(28, 28)), LOIHI2, (128, 7, 4), bits=5)
    assert found["neurons"] == 128 * 7 * 4
    assert found["synapse_words"] == 128 * 9 * 11
    assert (found["axons_in"], found["axon_map_words"], found["axon_memory_words"]) == (1, 28, 14)
    assert found["total_words"] == 3584 + 12672 + 1 + 28 + 14


def test_a_tile_of_one_row_stores_no_tap_twice_on_loihi1():
    """Rows reach it by one tap each; columns with a rim all use the three taps: 9 weights per pair of channels."""
    found = needs(conv(64, 64, source=(84, 84)), LOIHI1, (32, 1, 28))
    assert found["neurons"] == 32 * 1 * (2 + 28 + 2)
    assert found["axons_in"] == 3 * 30
    per_row = 3 * 32 * 64  # three taps of a row, 32 channels, 64 inputs
    blocks = per_row // 64
    assert found["synapse_words"] == 3 * blocks * -(-(64 * (8 + 10) + 10) // 64)


def test_masks_are_those_of_nengo_loihi():
    """An inner tile of 7x7 that sees 9x9 positions: 81 weights per pair of channels, 746,496 bits."""
    quantities = dict(LOIHI1.quantities)
    quantities["core.border"] = replace(quantities["core.border"], value="mask")
    target = replace(LOIHI1, quantities=quantities)
    found = needs(conv(64, 8, source=(21, 21)), target, (8, 7, 7))
    words = found["synapse_words"]
    assert words is not None
    assert words * 64 == 746_496
    assert found["axons_in"] == 81


def test_groups_store_their_own_channels_alone():
    assert needs(conv(8, 8, groups=8), LOIHI2, (8, 6, 6))["synapse_words"] == 8 * 9 * 2
    # One row of one tap each: 8 pairs of channels, in blocks of less than a block.
    found = needs(conv(8, 8, kernel=1, groups=8), LOIHI1, (8, 6, 6))
    assert found["synapse_words"] == -(-(8 * (8 + 9) + 10) // 64)


@pytest.mark.parametrize("target", [LOIHI1, LOIHI2])
@pytest.mark.parametrize("shape", [conv(), conv(64, 96, 5, 2, 1, (31, 17)), conv(6, 12, 3, 1, 3)])
def test_the_splitters_choice_fits_and_is_not_below_the_floor(target, shape):
    found = fitting(shape, target, 8, None)
    assert found.fits
    assert found.neuron_floor <= found.floor <= found.cores
    assert found.uses[found.binds].share == max(u.share for u in found.uses.values())


def test_what_fits_nowhere_has_no_cost():
    assert cost_of(conv(500_000, 1), LOIHI2, 8, None) is None


def test_a_tile_that_is_too_large_is_told_with_its_share():
    found = fitting(conv(64, 16, source=(12, 12)), LOIHI1, 8, (16, 10, 10))
    assert not found.fits
    assert found.binds in ("neurons", "synapse_words")
    neurons = found.uses["neurons"].need
    assert neurons is not None
    assert neurons >= 1600
