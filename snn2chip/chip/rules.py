"""The rules that a packed program must keep on its target, in the order in which the audit runs them."""

from snn2chip.chip import rules_cores as cores
from snn2chip.chip import rules_loihi1 as loihi1
from snn2chip.chip import rules_neurons as neurons
from snn2chip.chip import rules_place as place
from snn2chip.chip.rule import Rule

RULES: tuple[Rule, ...] = (
    cores.neurons,
    cores.synapse_words,
    cores.axons_in,
    cores.axon_map,
    cores.axon_memory,
    cores.parameter_words,
    cores.total_words,
    cores.header_words,
    cores.groups,
    loihi1.axons_out,
    loihi1.thresholds,
    loihi1.synapse_formats,
    place.places,
    cores.delay,
    cores.axon_target,
    neurons.weight_bits,
    neurons.exponent,
    neurons.threshold,
    neurons.bias,
    neurons.membrane,
    neurons.payload,
    neurons.reset,
    neurons.levels,
    neurons.bias_map,
    neurons.fraction,
    neurons.gain,
    neurons.per_step,
)

PAGES = {rule.code: rule.page for rule in RULES}
"""Code -> page of `snn2chip explain`."""
