"""What the report says is what the build holds."""

import re

import numpy as np
import pytest

from snn2chip.chip.map import map_circuit
from snn2chip.chip.target import load_target
from snn2chip.energy.counts import count
from snn2chip.energy.estimate import estimate
from snn2chip.report.energy import split
from snn2chip.report.fit import fit
from snn2chip.report.numbers import number, percent
from snn2chip.report.picture import picture
from snn2chip.report.rasters import ROWS, evenly, raster


def test_a_row_of_the_picture_for_the_input_and_every_population(made):
    shown = picture(made.qc, made.program.schedule)
    assert [n.name for n in shown.nodes] == ["input", *(p.name for p in made.qc.populations)]


def test_every_edge_is_drawn_once(made):
    shown = picture(made.qc, made.program.schedule)
    rows = {n.name: i for i, n in enumerate(shown.nodes)}
    drawn = [(i, i + 1) for i in shown.steps]
    drawn += [(b.source, target) for b in shown.branches for target in b.targets]
    edges = {(rows[s], rows[p.target]) for p in made.qc.projections for s in p.sources}
    assert sorted(drawn) == sorted(edges)


def test_no_two_branches_share_a_stretch_of_a_lane(made):
    branches = picture(made.qc, made.program.schedule).branches
    taken = [(b.lane, row) for b in branches for row in range(b.source, max(b.targets) + 1)]
    assert len(taken) == len(set(taken))
    assert branches, "a residual network has edges that skip rows"


def test_delays_of_a_join_are_told(made):
    row = next(n for n in made.data.picture.nodes if n.name == "layer1.1.sn1")
    assert row.reads == "conv of layer1.0.sn2 + sn1 (held 2)"


def test_weights_on_their_way_to_the_chip(made):
    layer = next(x for x in made.data.parameters if x.layer == "layer1.0.sn1")
    weights = layer.rows[0]
    float_weight = made.circuit.into("layer1.0.sn1")[0].weight
    integers = made.qc.into("layer1.0.sn1")[0].weight
    scale = made.qc.population("layer1.0.sn1").scale[:, None, None, None]
    assert weights.count == integers.size
    assert weights.original == f"{number(float_weight.min())} … {number(float_weight.max())}"
    assert weights.integer == f"{integers.min()} … {integers.max()}"
    assert weights.error.startswith(number(np.abs(integers * scale - float_weight).max()))


def test_a_power_of_two_keeps_thresholds_exact(made):
    thresholds = [r for x in made.data.parameters for r in x.rows if r.kind.startswith("threshold")]
    assert thresholds
    assert {(r.original, r.effective, r.error) for r in thresholds} == {("1", "1", "exact")}


def test_rates_are_those_of_the_recording(made):
    rows = {r.name: r for r in made.data.layers}
    for name, outputs in made.recording.outputs.items():
        assert rows[name].rate == pytest.approx(outputs.mean())
    assert rows["sn1"].original_rate == 0.25
    assert (rows["sn1"].differing, rows["sn1"].compared) == (5, 500)


def test_cores_are_counted_from_their_words(made):
    assert len(made.data.fit.cores) == len(made.program.cores)
    assert sum(layer.cores for layer in made.data.fit.layers) == len(made.program.cores)
    core, row = made.program.cores[0], made.data.fit.cores[0]
    uses = {u.limit: u.have for u in row.uses}
    assert uses["synapse words"] == len(core.synapses)
    assert row.binding.share == max(u.have / u.need for u in row.uses)


def test_shared_cores_name_all_their_tiles(made):
    target = load_target("loihi2")
    program = map_circuit(made.qc, target).program
    found = fit(program, target, None)
    assert len(program.cores) < len(made.program.cores)
    for core, row in zip(program.cores, found.cores, strict=True):
        assert row.layer == " + ".join(t.population for t in core.tiles)
        assert row.tile.count(" + ") == len(core.tiles) - 1
    for layer in found.layers:
        own = [c.populations for c in program.cores if layer.population in c.populations]
        assert (layer.cores, layer.shared) == (len(own), sum(len(names) > 1 for names in own))
    assert "shared by several layers" in found.places.certificate[0]


def test_energy_by_layer_adds_up_to_the_priced_operations(made):
    energy = made.data.energy
    spikes = sum(float(np.count_nonzero(v)) for v in made.recording.outputs.values()) / 3
    assert sum(r.spikes for r in energy.layers) == pytest.approx(spikes)
    assert all(r.energy_pj > 0 for r in energy.layers)
    target = load_target("loihi2")
    found = estimate(count(made.qc, made.recording, made.program, target), target)
    assert sum(r.energy_pj for r in energy.layers) == pytest.approx(found.dynamic_pj)
    assert any("not a measurement" in note for note in energy.notes)
    (parts,) = (f for f in energy.facts if f.label == "dynamic and static")
    assert parts.value == split(found)
    assert parts.value.startswith("dynamic ")
    assert parts.value.endswith(f"({100 * found.static_share:.0f} %)")
    (tile,) = (f for f in made.data.summary if f.label == "energy per sample")
    assert tile.note == f"an estimate; {parts.value}"


def test_places_are_drawn_with_their_loads(made):
    found = made.data.fit.places
    assert [c.number for c in found.chips] == [0]
    assert sum(t.text.count("cores ") for t in found.tiles) == len(found.tiles)
    numbers = {
        n for t in found.tiles for n in re.findall(r"\d+", t.text.split("cores ")[1].split(" (")[0])
    }
    assert numbers == {str(i) for i in range(len(made.program.cores))}
    assert max(t.share for t in found.tiles) == 1.0
    labels = [f.label for f in found.facts]
    assert labels[:2] == ["placed by", "chips in use"]
    assert "busiest link" in labels
    assert found.certificate[0].startswith("certificate: ")


def test_limits_are_honest(made):
    text = " ".join(made.data.limits)
    for words in ("never run it on silicon", "3 samples", "Not done: rung 0", "Assumed by us"):
        assert words in text


def test_the_command_is_the_one_that_was_run(made):
    command = made.data.commands[1].label
    assert command.startswith("snn2chip deploy ")
    assert "--target loihi2" in command
    assert command.endswith("--out demo-build")


def test_a_raster_shows_only_neurons_that_fired():
    outputs = np.zeros((4, 2, 1, 10, 10), np.uint8)
    outputs[1, 0, 0, 3, 3] = 1
    outputs[2, 1, 0, 3, 3] = 2
    shown = raster("layer", outputs)
    assert (shown.rows, shown.samples, shown.steps, shown.neurons) == (1, 2, 4, 100)
    assert shown.paths == ("M1 0h1v1h-1z", "M6 0h1v1h-1z", "")


def test_a_raster_of_a_large_layer_is_small():
    shown = raster("layer", np.ones((4, 100, 8, 20, 20), np.uint8))
    assert shown.rows == ROWS
    assert len(shown.paths[0]) < 2000


@pytest.mark.parametrize(("count", "most", "taken"), [(0, 4, 0), (3, 4, 3), (100, 4, 4)])
def test_evenly_takes_no_more_than_there_are(count, most, taken):
    chosen = evenly(count, most)
    assert len(set(chosen)) == taken
    assert all(i < count for i in chosen)


def test_what_is_not_zero_never_reads_as_zero():
    assert percent(1e-7) == "1e-05 %"
    assert percent(0.0) == "0 %"
