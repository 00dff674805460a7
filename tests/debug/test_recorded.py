"""On networks of other people, one end of a mix is the source and the other the chip: no output differs."""

import pytest

from snn2chip.debug.journal import Journal
from snn2chip.debug.trials import Trials
from snn2chip.lowering import lower
from snn2chip.progress import Silent
from tests.debug.build import rounded
from tests.readers.recorded import load_case


@pytest.mark.parametrize("name", ["mlf_resnet14_dvscifar10_natural", "sew_resnet18_add_natural"])
def test_the_ends_of_a_recorded_network(name, tmp_path):
    model = load_case(name, tmp_path)
    assert model.inputs is not None
    circuit = lower(model.network).circuit
    qc = rounded(circuit, model.inputs)
    trials = Trials(circuit, qc, model.inputs, None, Journal(tmp_path / "runs.json", "q"))
    source, chip = trials.mixes([frozenset(trials.places), frozenset()], lambda _: None)
    assert source.differing == 0
    assert chip.differing > 0
    assert trials.rounding("the chip", qc, Silent()) == chip
