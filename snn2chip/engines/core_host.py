"""The host's part of a run on cores: populations that it runs, biases that it computes, and what it sends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from snn2chip import fixed
from snn2chip.arrays import IntArray
from snn2chip.chip.program import Coding, Program
from snn2chip.circuit.types import INPUT
from snn2chip.engines import spec
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.network.types import InputKind
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Outputs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feed:
    """What the host gives the chip, by number of the map or population: [T or 1, N, C, H, W].

    `values`: outputs that it sends. `biases`: what it adds to the bias of each neuron. `units`: a value n of the
    input is sent as n unit spikes.
    """

    values: Mapping[int, Outputs]
    biases: Mapping[int, IntArray]
    units: bool


def outputs_of(
    qc: QuantizedCircuit, on_host: Sequence[str], inputs: InputData
) -> dict[str, Outputs]:
    """Outputs [T, N, C, H, W] of the populations that the host runs, by the spec engine."""
    if not on_host:
        return {}
    projections = tuple(p for p in qc.projections if p.target in on_host)
    for p in projections:
        missing = set(p.sources) - {INPUT, *on_host}
        if missing:
            have = ", ".join(sorted(missing))
            raise StatementError(
                "core-host", p.target, "the host runs it, but not its source", have=have
            )
    populations = tuple(p for p in qc.populations if p.name in on_host)
    readout = replace(qc.readout, population=populations[-1].name)
    part = replace(qc, populations=populations, projections=projections, readout=readout)
    return dict(spec.run(part, inputs).outputs)


def feed_of(
    program: Program, qc: QuantizedCircuit, inputs: InputData, sent: Mapping[str, Outputs]
) -> Feed:
    """What the host sends and adds; `sent` are the outputs of the populations that it runs."""
    number = program.populations.index
    frames = inputs.values[None] if inputs.kind is InputKind.STATIC else inputs.values
    units = program.coding is Coding.EVENTS
    if units and frames.min(initial=0) < 0:
        raise StatementError("core-events", INPUT, "negative values cannot be sent as unit spikes")
    biased = program.host_biases if program.coding is Coding.BIAS else ()
    return Feed(
        values={0: frames, **{number(name): values for name, values in sent.items()}},
        biases={number(name): bias_of(qc, name, inputs) for name in biased},
        units=units,
    )


def bias_of(qc: QuantizedCircuit, population: str, inputs: InputData) -> IntArray:
    """First sums of `population` in membrane units, over its projections from the input: [T or 1, N, C, H, W]."""
    p = qc.population(population)
    frames = inputs.values[None] if inputs.kind is InputKind.STATIC else inputs.values
    steps, batch = frames.shape[:2]
    flat = frames.reshape(steps * batch, *frames.shape[2:]).astype(np.int64)
    total = np.zeros((steps * batch, *p.shape), np.int64)
    for projection in qc.into(population):
        for _ in range(projection.sources.count(INPUT)):
            total += fixed.shift_left(spec.project(projection, flat, p.shape), p.fraction_bits)
    return total.reshape(steps, batch, *p.shape)
