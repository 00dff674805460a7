"""The core engine: runs the packed tables of every core in chip time, with axons, delays, messages and resets.

A spike that is sent in chip step s arrives in step s + 1 + delay of its axon. Sample step t of a population of depth d
happens in chip step t + d; samples follow each other every T steps; a core resets its membranes at its own boundary,
(s - d) mod T = 0, and nothing resets what is under way in axons. Cores run before the first sample reaches them and
after the last one has left, as a chip does. Everything comes from the bytes of the cores; the QuantizedCircuit serves
the host's part (its populations and biases) and the decision.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from snn2chip.arrays import IntArray
from snn2chip.chip.program import Program
from snn2chip.chip.target import Target
from snn2chip.chip.unpack import Unpacked, unpack
from snn2chip.engines import core_host
from snn2chip.engines.core_chip import Chip
from snn2chip.engines.core_tables import flatten
from snn2chip.engines.decision import decide
from snn2chip.errors import StatementError
from snn2chip.inputs import InputData
from snn2chip.neuron import Emits
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.recording import Recording


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChipCounts:
    """What a run made the chip do for its samples (not in the steps before the first and after the last one).

    `steps`: chip steps that were run, with those that fill and empty the pipeline. `spikes`, `synops`: per core,
    outputs that are not zero and weights that were added (zeros too: the chip adds them). `links`: rows (sending
    core, receiving core), -1 is the host. `messages`: how many went over each link, one per spike and axon that it
    reaches.
    """

    steps: int
    spikes: IntArray
    synops: IntArray
    links: IntArray
    messages: IntArray


def run(
    program: Program,
    target: Target,
    inputs: InputData,
    *,
    qc: QuantizedCircuit,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Recording of `inputs` (int64 values) on the packed cores of `program`.

    Raises StatementError where the tables contradict each other.
    """
    return run_counted(program, target, inputs, qc=qc, record=record, progress=progress)[0]


def run_counted(
    program: Program,
    target: Target,
    inputs: InputData,
    *,
    qc: QuantizedCircuit,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
) -> tuple[Recording, ChipCounts]:
    """As `run`, and what the chip did."""
    return run_unpacked(
        program, unpack(program, target), inputs, qc=qc, record=record, progress=progress
    )


def run_unpacked(
    program: Program,
    unpacked: Unpacked,
    inputs: InputData,
    *,
    qc: QuantizedCircuit,
    record: bool = True,
    progress: Callable[[float], None] | None = None,
) -> tuple[Recording, ChipCounts]:
    """As `run_counted`, on cores that are unpacked already: the words in `program` are not looked at.

    Relays run, and count, but a recording shows the populations of `qc` alone.
    """
    names = program.populations
    hosts = {n: (table, program.schedule.depth[names[n]]) for n, table in unpacked.hosts.items()}
    flat = flatten(unpacked.cores, hosts, program.shapes, program.steps)
    _check_readout(program, unpacked, qc)
    sent = core_host.outputs_of(qc, program.on_host, inputs)
    feed = core_host.feed_of(program, qc, inputs, sent)
    ours = [names.index(p.name) for p in qc.populations]
    keep = ours if record else [names.index(qc.readout.population)]
    chip = Chip(flat, feed, program.shapes, program.steps, inputs.samples, keep)
    steps = inputs.samples * program.steps + int(flat.tables.senders["depth"].max(initial=0))
    for step in range(steps):
        chip.run(step)
        if progress is not None:
            progress((step + 1) / steps)
    outputs = {names[n]: values for n, values in chip.outputs().items()} | dict(sent)
    potentials = {names[n]: values for n, values in chip.potentials().items()}
    recording = Recording(
        engine="core",
        outputs={p.name: outputs[p.name] for p in qc.populations if p.name in outputs}
        if record
        else {},
        potentials=potentials,
        decision=decide(qc, outputs, potentials),
        highest={names[n]: high for n, (_, high) in chip.extremes().items() if n in ours},
        lowest={names[n]: low for n, (low, _) in chip.extremes().items() if n in ours},
    )
    return recording, _counts(chip, flat.pair_core, len(unpacked.cores), steps)


def _check_readout(program: Program, unpacked: Unpacked, qc: QuantizedCircuit) -> None:
    """The host reads potentials of neurons that send nothing, or counts spikes of those that send them."""
    readout = qc.population(qc.readout.population)
    tiles = (t for c in unpacked.cores for t in c.tiles)
    emits = {t.emits for t in tiles if program.populations[t.population] == readout.name}
    if (Emits.NOTHING in emits) != (readout.neuron.emits is Emits.NOTHING):
        raise StatementError(
            "core-tables",
            readout.name,
            "the tables send other things than the host reads",
            have=", ".join(e.value for e in emits),
            need=readout.neuron.emits.value,
            help="the packed tables contradict the circuit: map the network again",
        )


def _counts(chip: Chip, pair_core: IntArray, cores: int, steps: int) -> ChipCounts:
    tables, state = chip.tables, chip.state
    owner = tables.senders["core"][: len(tables.tiles)]
    per_entry = np.diff(tables.pair_first)
    entries = np.arange(len(per_entry))
    sender = tables.senders["core"][
        np.searchsorted(tables.senders["entry"], entries, side="right") - 1
    ]
    pairs = np.stack([np.repeat(sender, per_entry), pair_core], axis=1)
    links, where = np.unique(pairs, axis=0, return_inverse=True)
    messages = np.bincount(where.ravel(), np.repeat(state.sent, per_entry), len(links))
    return ChipCounts(
        steps=steps,
        spikes=np.bincount(owner, state.spikes[: len(owner)], cores).astype(np.int64),
        synops=np.bincount(owner, state.synops, cores).astype(np.int64),
        links=links,
        messages=messages.astype(np.int64),
    )
