"""The part of a what-if point that no place on a chip changes: the network in integers, and what it fires."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.engines.layer import run as run_layer
from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData
from snn2chip.options import BuildOptions
from snn2chip.progress import Silent
from snn2chip.quantize.input import quantize_input
from snn2chip.recording import Recording
from snn2chip.stages.data import classes_of, load_labels
from snn2chip.stages.levels import Levels, quantized, stop_at
from snn2chip.threads import one_thread
from snn2chip.verify.compare import Tally
from snn2chip.verify.ladder import joined, measures, part, spans_of
from snn2chip.verify.rungs import silenced


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ran:
    """`recording` of `integers`, the first samples. `measures`: as of rung 2b.

    `spikes`: part of the outputs of all layers that are the float network's; `silent`: layers that fire there and
    nowhere here.
    """

    levels: Levels
    integers: InputData
    recording: Recording
    measures: dict[str, float]
    spikes: float
    silent: tuple[str, ...]


_LAST: dict[str, Ran] = {}
"""The last one, by what decides it: points that differ in cores alone follow each other."""


def ran(options: BuildOptions, samples: int, labels: str | None) -> Ran:
    """The network of `options` on the first `samples` of its input.

    Errors: Snn2ChipError where it cannot be; StatementError where it does not fit the target's numbers.
    """
    tree = replace(
        options, split="", share_cores="", place=replace(options.place, method="")
    ).to_dict()
    quantize: dict[str, Any] = {**tree["quantize"], "coding": None}  # type: ignore[dict-item]
    key = json.dumps([{**tree, "quantize": quantize}, samples, labels], sort_keys=True)
    if key not in _LAST:
        _LAST.clear()
        _LAST[key] = _run(options, samples, labels)
    return _LAST[key]


def _run(options: BuildOptions, samples: int, labels: str | None) -> Ran:
    levels = quantized(options, Silent())
    stop_at(levels.findings)
    if levels.model.inputs is None:
        raise Snn2ChipError("usage", "explore", "needs an input", help="give --input X.npy")
    classes = load_labels(labels, levels.model.inputs.samples, classes_of(levels.qc))
    real = part(levels.model.inputs, 0, samples)
    integers, _ = quantize_input(levels.qc.input, real)
    tally = Tally()
    recordings: list[Recording] = []
    original: list[NDArray[Any]] = []
    for first, stop in spans_of(levels.qc, real.samples):
        recordings.append(run_layer(levels.qc, part(integers, first, stop)))
        with one_thread():
            floats = run_circuit(levels.circuit, part(real, first, stop))
        original.append(floats.decision)
        tally.add(
            layer_outputs(levels.circuit, floats.outputs),
            layer_outputs(levels.qc, recordings[-1].outputs),
            first,
        )
    recording = joined(recordings)
    return Ran(
        levels=levels,
        integers=integers,
        recording=recording,
        measures=measures(
            np.concatenate(original),
            recording.decision,
            None if classes is None else classes[: real.samples],
        ),
        spikes=1 - tally.differing / tally.compared,
        silent=silenced(tally),
    )
