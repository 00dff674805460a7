import json

import pytest

from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from snn2chip.chip.use import use_table
from tests.chip.circuits import small_sew
from tests.chip.tiny import TINY


def test_use_by_layer():
    target = load_target("loihi2")
    program = map_circuit(small_sew(0), target, coding=Coding.GRADED, shared=False).program
    rows = {row.population: row for row in use_table(program, target)}
    stem = rows["conv1"]
    # 4 channels of 12 x 11; 2 inputs x 9 taps x ceil((4 * 8 + 10) / 64) words; one axon; the pool hears all positions.
    assert (stem.cores, stem.neurons, stem.tile) == (1, 528, (4, 12, 11))
    assert stem.most["neurons"] == (528, 4095)
    assert stem.most["synapse_words"] == (18, 16000)
    assert stem.most["axons_in"] == (1, 10000)
    assert stem.most["axon_map_words"] == (132, 16000)
    assert stem.most["axon_memory_words"] == (66, 16000)
    assert stem.most["total_words"] == (528 + 18 + 1 + 132 + 66, 20000)
    assert stem.mean["neurons"] == pytest.approx(528 / 4095)
    assert stem.binds == "neurons"
    assert rows["fc"].most["axons_in"] == (3, 10000)
    assert json.loads(json.dumps(stem.to_dict()))["most"]["neurons"] == {"have": 528, "max": 4095}


@pytest.mark.parametrize("shared", [True, False])
def test_the_fullest_core_counts(shared):
    program = map_circuit(small_sew(0), TINY, shared=shared).program
    held = [sum(c * h * w for c, h, w in (t.shape for t in k.tiles)) for k in program.cores]
    for row in use_table(program, TINY):
        cores = [i for i, k in enumerate(program.cores) if row.population in k.populations]
        tiles = [t for k in program.cores for t in k.tiles if t.population == row.population]
        assert (row.cores, row.neurons) == (
            len(cores),
            sum(c * h * w for c, h, w in (t.shape for t in tiles)),
        )
        assert row.shared == sum(len(program.cores[i].populations) > 1 for i in cores)
        assert row.most["neurons"][0] == max(held[i] for i in cores)
        assert row.most[row.binds][0] / row.most[row.binds][1] == max(
            h / m for h, m in row.most.values()
        )
    assert any(row.shared for row in use_table(program, TINY)) == shared
