"""The dense engine equals the spec engine, value for value."""

from dataclasses import replace

import pytest

from snn2chip.arrays import ints
from snn2chip.engines import dense, spec
from snn2chip.errors import StatementError
from tests.engines.random_circuits import FAMILIES, added_spikes, every_neuron
from tests.engines.same import same


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_equals_spec(family, seed):
    qc, inputs = family(seed)
    same(dense.run(qc, inputs, threads=1), spec.run(qc, inputs))


def test_large_sums_use_float64():
    qc, inputs = added_spikes(0)
    large = tuple(replace(p, weight=ints(p.weight * 1000 + 1)) for p in qc.projections)
    qc = replace(qc, projections=large, v_limit=1 << 40)
    same(dense.run(qc, inputs, threads=1), spec.run(qc, inputs))


def test_sums_beyond_every_float_are_refused():
    qc, inputs = added_spikes(0)
    stem = replace(qc.projections[0], weight=ints(qc.projections[0].weight << 40))
    with pytest.raises(StatementError, match="2\\^53"):
        dense.run(replace(qc, projections=(stem, *qc.projections[1:]), v_limit=1 << 55), inputs)


def test_nothing_is_recorded_that_was_not_asked_for():
    qc, inputs = added_spikes(1)
    seen: list[float] = []
    got = dense.run(qc, inputs, record=False, progress=seen.append)
    assert not got.outputs
    assert got.decision.tolist() == spec.run(qc, inputs).decision.tolist()
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_chunks_change_nothing(monkeypatch):
    qc, inputs = every_neuron(1)
    monkeypatch.setattr(dense, "CHUNK_VALUES", 1)
    same(dense.run(qc, inputs), spec.run(qc, inputs))
