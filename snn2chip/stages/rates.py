"""How often neurons fire, for the traffic that cores are placed by: a short run, where there is an input."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from snn2chip.arrays import IntArray, ints
from snn2chip.inputs import InputData, InputKind
from snn2chip.quantize.input import quantize_input
from snn2chip.stages.levels import Levels

SAMPLES = 2
"""As many of the input's first samples are run: rates need no more."""


def rates_of(levels: Levels) -> Mapping[str, IntArray] | None:
    """Population -> spikes of each neuron [C, H, W] over the first samples; None where there is no input."""
    inputs = levels.model.inputs
    if inputs is None:
        return None
    from snn2chip.engines.layer import run

    integers, _ = quantize_input(levels.qc.input, _first(inputs))
    recording = run(levels.qc, integers)
    return {
        name: ints(np.count_nonzero(values, axis=(0, 1)))
        for name, values in recording.outputs.items()
    }


def _first(inputs: InputData) -> InputData:
    values = inputs.values
    static = inputs.kind is InputKind.STATIC
    return replace(inputs, values=values[:SAMPLES] if static else values[:, :SAMPLES])
