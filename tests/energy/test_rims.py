"""Rims of Loihi 1's tiles, against sums over single synapses of the padded tiles."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from snn2chip.chip.formats import loihi1
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.circuit.types import INPUT, Conv
from snn2chip.energy.counts import count
from snn2chip.engines import spec
from snn2chip.inputs import InputData
from tests.chip import tiny
from tests.chip.circuits import Builder, for_loihi1, random_circuit, small_sew

LOIHI1 = load_target("loihi1")


def with_border(target, way):
    quantities = dict(target.quantities)
    quantities["core.border"] = replace(quantities["core.border"], value=way)
    return replace(target, quantities=quantities)


def counted(qc, target, coding):
    values = np.random.default_rng(0).integers(0, 2**qc.input.bits, (2, *qc.input.shape))
    inputs = InputData(kind=qc.input.kind, values=values)
    recording = spec.run(qc, inputs)
    program = map_circuit(qc, target, coding=coding).program
    counts = count(qc, recording, program, target, inputs=inputs).cores
    assert counts is not None
    outputs = {**recording.outputs, INPUT: np.broadcast_to(values, (qc.steps, *values.shape))}
    return program, outputs, counts


def by_single_synapses(program, target, outputs, core, units):
    """(additions to the tile, additions to its rim, neurons of the rim that a spike reaches) of one core."""
    (tile,) = loihi1.unpack_core(program.cores[core], target).tiles
    pad_rows, pad_columns = loihi1.border_of(program.cores[core]).pad
    own = rim = 0
    touched = set()
    for c in tile.connections:
        if not isinstance(c.kernel, Conv):
            continue
        k, (_, height, width) = c.kernel, c.source_shape
        each_in, each_out = (n // k.groups for n in (c.source_shape[0], tile.population_shape[0]))
        for source, y, x in product(c.sources, range(height), range(width)):
            fired = np.abs(outputs[program.populations[source]][..., y, x].astype(int))
            fired = fired if units and source == 0 else (fired != 0).astype(int)
            rows, columns = (
                [(at + p - t * d) // s for t in range(taps) if (at + p - t * d) % s == 0]
                for at, taps, s, p, d in zip(
                    (y, x), c.weight.shape[1:3], k.stride, k.padding, k.dilation, strict=True
                )
            )
            ys = [o for o in rows if tile.rows[0] <= o < tile.rows[1]]
            xs = [o for o in columns if tile.columns[0] <= o < tile.columns[1]]
            if not ys or not xs:
                continue
            inside = set(product(ys, xs))
            for place in product(rows if pad_rows else ys, columns if pad_columns else xs):
                for channel in range(*tile.channels):
                    group = channel // each_out
                    spikes = fired[:, :, group * each_in : (group + 1) * each_in].sum(2)
                    if place in inside:
                        own += int(spikes.sum())
                    else:
                        rim += int(spikes.sum())
                        touched |= {
                            (channel, *place, *at) for at in zip(*np.nonzero(spikes), strict=True)
                        }
    return own, rim, len(touched)


def grouped():
    b = Builder((4, 7, 6), bits=1)
    b.conv("one", INPUT, 4, groups=2)
    b.conv("two", "one", 4, stride=2, groups=4)
    return for_loihi1(b.done("two"))


@pytest.mark.parametrize(
    ("qc", "target", "coding"),
    [
        (grouped(), with_border(tiny.target("loihi1", neurons=40), "pad"), Coding.EVENTS),
        (for_loihi1(random_circuit(2)), with_border(LOIHI1, "pad"), Coding.EVENTS),
    ],
)
def test_what_lands_on_rims(qc, target, coding):
    program, outputs, counts = counted(qc, target, coding)
    assert counts.rims.sum() > 0
    assert counts.rim_active.sum() > 0
    checked = 0
    for i, core in enumerate(program.cores):
        (tile,) = loihi1.unpack_core(core, target).tiles
        assert counts.rims[i] == len(core.neurons) - tile.bias.size
        if all(isinstance(c.kernel, Conv) for c in tile.connections):
            expected = by_single_synapses(program, target, outputs, i, units=True)
            found = (counts.synops[i].sum(), counts.rim_synops[i].sum(), counts.rim_active[i].sum())
            assert found == expected, core.tiles
            checked += 1
    assert checked > 1


def test_masks_have_no_rim():
    program, _, counts = counted(for_loihi1(small_sew(1)), with_border(LOIHI1, "mask"), Coding.HOST)
    assert counts.rims.sum() == counts.rim_synops.sum() == counts.rim_active.sum() == 0
    assert len(counts.rims) == len(program.cores)


def test_rims_take_time():
    _, _, counts = counted(
        grouped(), with_border(tiny.target("loihi1", neurons=40), "pad"), Coding.EVENTS
    )
    period = counts.synops.shape[1] // 2
    prices = {"synop": 1.0, "idle": 2.0, "active": 3.0, "spike": 0.0, "message": 0.0}
    bare = replace(
        counts,
        rims=counts.rims * 0,
        rim_synops=counts.rim_synops * 0,
        rim_active=counts.rim_active * 0,
    )
    with_rims, without = (c.step_ns(period, **prices) for c in (counts, bare))
    assert (with_rims > without).all()
