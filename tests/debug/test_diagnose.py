"""A layer that is made to hurt is named, one by one and by bisection, and what it needs is found."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.debug.diagnose import diagnose, measure
from snn2chip.debug.journal import Journal
from snn2chip.debug.settings import fine_neurons
from snn2chip.debug.text import advice, headline, lines_of
from snn2chip.debug.trials import Trials, downstream
from snn2chip.debug.types import Counts, Measure
from snn2chip.engines.spec import run as run_spec
from snn2chip.errors import Snn2ChipError
from snn2chip.progress import Silent
from snn2chip.quantize.input import quantize_input
from snn2chip.report.accuracy import render_accuracy
from tests.debug.build import TARGET, network, rounded, subject_of, trials_of
from tests.quantize.build import PLAIN, random_circuit


def diagnosed(circuit, inputs, tmp_path, **options):
    qc = rounded(circuit, inputs)
    trials = trials_of(circuit, qc, inputs, Journal(tmp_path / "runs.json", "q"))
    by, share = options.get("by"), options.get("share", 0.5)
    return diagnose(trials, qc, subject_of(circuit, inputs), by, share, Silent())


@pytest.fixture(scope="session")
def hurting_b(tmp_path_factory):
    return diagnosed(*network("b"), tmp_path_factory.mktemp("debug"))


@pytest.fixture
def untried(monkeypatch):
    """No settings: they take longest, and are tested once."""
    monkeypatch.setattr("snn2chip.debug.diagnose.tried", lambda *_: ())


@pytest.mark.parametrize("layer", ["b", "c"])
def test_the_layer_that_hurts_is_named(layer, tmp_path, untried):
    circuit, inputs = network(layer)
    found = diagnosed(circuit, inputs, tmp_path)
    assert found.by is Measure.TOP1
    assert found.original.right == inputs.samples
    assert found.lost >= inputs.samples / 2
    assert found.worst is not None
    assert found.worst.name == layer
    assert found.culprits == (layer,)
    assert found.mends(found.worst.floated)
    assert found.mended == found.worst.floated
    alone = {c.name: c.alone.score(found.by) for c in found.layers}
    assert min(alone, key=lambda name: alone[name]) == layer


def test_what_the_layer_needs_is_tried_and_said(hurting_b, tmp_path):
    (circuit, inputs), found = network("b"), hurting_b
    wide = next(s for s in found.settings if s.words.startswith("only in b: widths.weight_bits"))
    bits = int(wide.words.rsplit(" ", 1)[1])
    assert found.mends(wide.counts)
    assert not wide.reachable
    narrower = rounded(circuit, inputs, {"b": bits - 1})
    trials = trials_of(circuit, narrower, inputs, Journal(tmp_path / "again.json", "q"))
    assert not found.mends(trials.rounding("one bit fewer", narrower, Silent()))
    assert found.best is None
    last = list(lines_of(found))[-1]
    assert "finetune, which takes data sets by name only" in last
    assert "wider" not in last


def test_few_samples_are_doubted(hurting_b):
    assert hurting_b.rounded.samples < 100
    (said,) = [line for line in lines_of(hurting_b) if "noise" in line]
    assert said.startswith(f"{hurting_b.rounded.samples} samples: one decision is ")
    assert said in render_accuracy(hurting_b, "net", "loihi2")
    many = replace(hurting_b, rounded=replace(hurting_b.rounded, samples=100))
    assert not any("noise" in line for line in lines_of(many))


def test_what_is_said_where_no_setting_mends(hurting_b):
    nothing = replace(hurting_b, by=Measure.OUTPUTS, settings=())
    assert advice(nothing) == "no setting mends it"
    same = replace(nothing.rounded, same=nothing.rounded.samples)
    assert "no decision is lost" in advice(replace(nothing, rounded=same))


def test_places_are_listed_in_the_order_that_the_line_says(hurting_b):
    lines = list(lines_of(hurting_b))
    at = next(i for i, line in enumerate(lines) if line.startswith("places that round"))
    assert "give back most in floats (top-1)" in lines[at]
    shown = [line.split()[0] for line in lines if "in floats alone:" in line]
    scores = {c.name: (-(c.floated.right or 0), -c.alone.differing) for c in hurting_b.layers}
    assert shown == sorted(scores, key=lambda name: scores[name])


def test_layers_that_hurt_together_are_several(tmp_path, untried):
    circuit, inputs = network()
    found = diagnosed(circuit, inputs, tmp_path)
    assert len(found.culprits) > 1
    spared = [frozenset(found.culprits) - {name} for name in found.culprits]
    trials = trials_of(
        circuit, rounded(circuit, inputs), inputs, Journal(tmp_path / "more.json", "q")
    )
    for counts in trials.mixes(spared, lambda _: None):
        assert not found.mends(counts)


def test_a_network_on_the_grid_loses_nothing(tmp_path):
    circuit, inputs = random_circuit(3, PLAIN, grid=True)
    found = diagnosed(circuit, inputs, tmp_path)
    assert (found.lost, found.layers, found.settings) == (0, (), ())
    assert "loses nothing" in headline(found)
    assert found.worst is None


def test_the_rounded_end_is_the_chip_and_nothing_else_is_run(tmp_path):
    """By the spec, from the definition: outputs of the populations that layers and joins are made of."""
    circuit, inputs = network("c")
    qc = rounded(circuit, inputs)
    trials = trials_of(circuit, qc, inputs, Journal(tmp_path / "runs.json", "q"))
    ends = trials.mixes([frozenset(trials.places), frozenset()], lambda _: None)
    integers, _ = quantize_input(qc.input, inputs)
    answers = run_spec(qc, integers).decision.argmax(1)
    labels = trials_of(circuit, qc, inputs, Journal(tmp_path / "x.json", "q"))._labels
    assert ends[0].differing == 0
    assert ends[1].right == int((answers == labels).sum())
    assert trials.rounding("the same", qc, Silent()) == ends[1]


def test_chunks_add_up(tmp_path, monkeypatch):
    circuit, inputs = network("b")
    qc = rounded(circuit, inputs)
    whole = trials_of(circuit, qc, inputs, Journal(tmp_path / "a.json", "q"))
    monkeypatch.setattr("snn2chip.verify.ladder.chunk_size", lambda _: 5)
    parts = trials_of(circuit, qc, inputs, Journal(tmp_path / "b.json", "q"))
    sets = [frozenset(), frozenset("b"), frozenset(whole.places) - {"b"}]
    assert whole.mixes(sets, lambda _: None) == parts.mixes(sets, lambda _: None)


def test_a_killed_run_goes_on(tmp_path, untried, monkeypatch):
    circuit, inputs = network("b")
    whole = diagnosed(circuit, inputs, tmp_path)
    (tmp_path / "runs.json").rename(tmp_path / "whole.json")
    mix, done = Trials._mix, []

    def dies(self, chunk, floated):
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(floated)
        return mix(self, chunk, floated)

    monkeypatch.setattr(Trials, "_mix", dies)
    with pytest.raises(KeyboardInterrupt):
        diagnosed(circuit, inputs, tmp_path)
    monkeypatch.setattr(Trials, "_mix", mix)
    assert Journal(tmp_path / "runs.json", "q").resumed == 4
    assert Journal(tmp_path / "runs.json", "another question").resumed == 0
    assert diagnosed(circuit, inputs, tmp_path).to_dict() == whole.to_dict()
    assert (tmp_path / "runs.json").read_text() == (tmp_path / "whole.json").read_text()


@pytest.mark.parametrize("text", ["no json", "[]", '{"question": "q", "runs": {"a": {"b": 1}}}'])
def test_a_garbled_journal_is_refused(text, tmp_path):
    (tmp_path / "runs.json").write_text(text)
    with pytest.raises(Snn2ChipError) as e:
        Journal(tmp_path / "runs.json", "q")
    assert e.value.finding.code == "file-garbled"


def test_only_what_hears_of_a_change_is_run_again():
    circuit, _ = network()
    assert downstream(circuit, {"b"}) == {"b", "c", "out"}
    assert downstream(circuit, {"input"}) == {"input", "a", "b", "c", "out"}


def test_the_measure_is_the_first_that_fell():
    def counts(right: int | None, same: int, differing: int) -> Counts:
        return Counts(samples=9, same=same, right=right, compared=99, differing=differing)

    original = counts(8, 9, 0)
    assert measure(original, counts(7, 8, 5)) is Measure.TOP1
    assert measure(original, counts(8, 8, 5)) is Measure.DECISIONS
    assert measure(original, counts(9, 9, 5)) is Measure.OUTPUTS
    assert measure(counts(None, 9, 0), counts(None, 8, 5)) is Measure.DECISIONS


def test_finer_neurons_are_nowhere_coarser():
    fine = fine_neurons(TARGET.widths)
    assert fine_neurons(fine) == fine
    assert fine.membrane_bits == TARGET.widths.membrane_bits
    assert np.all([fine.fraction_bits >= 6, fine.bias_bits >= 24, fine.threshold_step == 1])
