"""Targets with small cores, so that small networks need many."""

from dataclasses import replace

from snn2chip.chip.target import load_target


def target(chip="loihi2", **limits):
    """Loihi 2, or another, with other limits of a core."""
    loihi2 = load_target(chip)
    quantities = dict(loihi2.quantities)
    for name, value in limits.items():
        quantities[f"core.{name}"] = replace(quantities[f"core.{name}"], value=value)
    return replace(loihi2, name="tiny", quantities=quantities)


TINY = target(
    neurons=60, synapse_words=200, axon_map_words=60, axon_memory_words=90, total_words=330
)
