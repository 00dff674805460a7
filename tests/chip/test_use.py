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
    program = map_circuit(small_sew(0), target, coding=Coding.GRADED).program
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


def test_the_fullest_core_counts():
    program = map_circuit(small_sew(0), TINY).program
    for row in use_table(program, TINY):
        tiles = [c.tile.shape for c in program.cores if c.tile.population == row.population]
        sizes = [c * h * w for c, h, w in tiles]
        assert (row.cores, row.neurons) == (len(tiles), sum(sizes))
        assert row.most["neurons"][0] == max(sizes)
        assert row.most[row.binds][0] / row.most[row.binds][1] == max(
            h / m for h, m in row.most.values()
        )
