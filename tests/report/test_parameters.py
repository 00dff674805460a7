"""Parameters of every kind of neuron: a circuit whose floats are the integers' worth loses nothing."""

import pytest

from snn2chip.neuron import Emits
from snn2chip.quantize.grid import is_power_of_two
from snn2chip.quantize.twin import twin
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.report.parameters import parameters
from tests.engines.random_circuits import added_currents, added_spikes, every_neuron


def exact_units(qc: QuantizedCircuit) -> set[str]:
    """Populations whose twin counts in the units of the source, and so do all that they read."""
    graded = {p.name for p in qc.populations if p.neuron.emits is Emits.GRADED}
    return {
        p.name
        for p in qc.populations
        if is_power_of_two(p.scale)
        and p.name not in graded
        and not any(s in graded for q in qc.into(p.name) for s in q.sources)
    }


@pytest.mark.parametrize("family", [added_spikes, added_currents, every_neuron])
def test_the_twin_is_exact(family):
    qc, _ = family(0)
    exact = exact_units(qc)
    shown = parameters(twin(qc), qc)
    assert len(shown) == len(qc.populations)
    rows = [r for layer in shown if layer.layer in exact for r in layer.rows]
    assert rows
    # What a neuron subtracts is its threshold in every source; random circuits take anything.
    lossy = [r for r in rows if r.error != "exact" and not r.kind.startswith("reset amount")]
    assert lossy == []


def test_every_kind_is_shown():
    qc, _ = every_neuron(0)
    kinds = {r.kind.split(" ")[0] for layer in parameters(twin(qc), qc) for r in layer.rows}
    assert kinds == {"weights", "threshold", "reset", "bias", "decay", "gain", "floor"}
