"""The table of layers: size, weights, depth, rates, what rounding changed, how full the membrane is, cores."""

from collections import Counter

import numpy as np

from snn2chip.chip.program import Program
from snn2chip.quantize.ranges import ranges
from snn2chip.quantize.types import QuantizedCircuit, QuantizedPopulation
from snn2chip.recording import Recording
from snn2chip.report.data import LayerRow
from snn2chip.report.numbers import shape_text
from snn2chip.verify.types import LayerCount, Verdict


def layer_rows(
    qc: QuantizedCircuit, program: Program, verdict: Verdict, recording: Recording
) -> tuple[LayerRow, ...]:
    """One row per population, in order."""
    cores = Counter(name for core in program.cores for name in core.populations)
    lost = {c.layer: c for r in verdict.rungs if r.rung == "2b" for c in r.layers}
    proved = {name for name, reach in ranges(qc).items() if reach.proved}
    return tuple(
        _row(qc, p, program, lost.get(p.origin.key), recording, p.name in proved, cores[p.name])
        for p in qc.populations
    )


def _row(
    qc: QuantizedCircuit,
    p: QuantizedPopulation,
    program: Program,
    lost: LayerCount | None,
    recording: Recording,
    proved: bool,
    cores: int,
) -> LayerRow:
    into = qc.into(p.name)
    peak = max(recording.highest.get(p.name, 0), -recording.lowest.get(p.name, 0))
    known = p.name in recording.highest
    outputs = recording.outputs.get(p.name)
    return LayerRow(
        name=p.name,
        role=p.origin.role.value,
        shape=shape_text(p.shape),
        neurons=p.shape[0] * p.shape[1] * p.shape[2],
        weights=sum(q.weight.size for q in into),
        weight_bits=max((q.bits for q in into), default=0),
        depth=program.schedule.depth.get(p.name, 0),
        original_rate=None if lost is None else lost.left_rate,
        rate=None if outputs is None else float(np.mean(outputs, dtype=np.float64)),
        differing=None if lost is None else lost.differing,
        compared=None if lost is None else lost.compared,
        peak=peak / qc.v_limit if known else None,
        clips="never" if proved else "seen" if peak >= qc.v_limit else "not seen",
        cores=cores,
    )
