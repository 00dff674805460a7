"""Our own `.nir` files enter as networks whose lowering fires the circuit's spikes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.circuit.nir import read, write
from snn2chip.circuit.nir_requires import requires
from snn2chip.codec import encode
from snn2chip.errors import Snn2ChipError
from snn2chip.inputs import InputData
from snn2chip.lowering import lower
from snn2chip.network.engine import run as run_network
from snn2chip.network.types import InputKind
from snn2chip.readers.nir import read_nir
from snn2chip.readers.nir_circuit import network_of
from tests.circuit.nir_circuits import STEPS, circuits, everything, plain_circuit, residual
from tests.readers.nir_files import edges, edit, small


def frames(net, seed=1):
    shape = (2, *net.input.shape)
    steps = () if net.input.kind is InputKind.STATIC else (STEPS,)
    values = np.random.default_rng(seed).integers(0, 5, (*steps, *shape)) / 2
    return InputData(kind=net.input.kind, values=values)


def assert_fires_alike(net):
    """Network, circuit and the network's own lowering agree in every population and in the answer."""
    x = frames(net)
    need = run_circuit(net, x)
    floats = run_network(network_of(net), x)
    again = lower(network_of(net)).circuit
    lowered = run_circuit(again, x)
    assert {p.name for p in again.populations} == {p.name for p in net.populations}
    for name, array in need.outputs.items():
        assert np.array_equal(lowered.outputs[name], array), name
        if name in floats.outputs:
            assert np.array_equal(floats.outputs[name].reshape(array.shape), array), name
    assert np.array_equal(lowered.decision, need.decision)
    assert np.array_equal(floats.decision, need.decision)
    return again, need, lowered


def test_a_residual_block_fires_alike():
    net = residual()
    again, need, lowered = assert_fires_alike(net)
    assert need.outputs["pool"].any()
    assert [p.origin for p in again.populations] == [p.origin for p in net.populations]
    assert again.joins == net.joins
    shown, expected = layer_outputs(again, lowered.outputs), layer_outputs(net, need.outputs)
    assert shown.keys() == expected.keys()
    assert all(np.array_equal(shown[k], expected[k]) for k in expected)


def test_everything_that_nir_cannot_say_fires_alike():
    assert_fires_alike(everything())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(circuits(scales=(1,)))
def test_random_circuits_fire_alike(net):
    assert_fires_alike(net)


@pytest.mark.parametrize("answer", ["if3", "fc"])
def test_a_lowered_network_comes_back_as_it_was(tmp_path, answer):
    """.nir of another tool -> circuit -> our .nir -> network -> the same circuit, read-out included."""
    foreign = small(tmp_path / "foreign.nir")
    if answer == "fc":
        edit(foreign, lambda h: h.pop("node/nodes/if3"))
        edit(foreign, edges(lambda e: [*e[:-2], ["fc", "output"]]))
    first = lower(read_nir(foreign, "norse,dt=1.0", STEPS)).circuit
    assert first.readout.population == answer
    write(first, tmp_path / "ours.nir")
    second = lower(read_nir(tmp_path / "ours.nir", None, None)).circuit
    assert second.provenance == first.provenance
    (a, arrays), (b, others) = encode(first), encode(second)
    assert a == b
    assert all(np.array_equal(arrays[name], array) for name, array in others.items())


def test_the_plain_nodes_say_the_same_where_nir_has_words(tmp_path):
    """Without our metadata, and read as norse reads: dt 1, `>`, hard reset."""
    plain = plain_circuit()
    write(plain, tmp_path / "net.nir")
    assert requires(plain) == ()
    edit(tmp_path / "net.nir", lambda h: h.pop("node/metadata"))
    x = frames(plain)
    need = run_circuit(plain, x)
    have = run_network(read_nir(tmp_path / "net.nir", "norse,dt=1.0,if_gain=r", STEPS), x)
    for name, array in need.outputs.items():
        assert array.any(), name
        assert np.array_equal(have.outputs[name].reshape(array.shape), array), name
    assert np.array_equal(have.decision, need.decision)


def test_another_number_of_steps(tmp_path):
    write(residual(), tmp_path / "net.nir")
    assert read_nir(tmp_path / "net.nir", None, None).steps == STEPS
    assert read_nir(tmp_path / "net.nir", None, 9).steps == 9
    write(everything(), tmp_path / "net.nir")
    with pytest.raises(Snn2ChipError, match=r"late: .*step by step.*have 9 steps; need 3"):
        read_nir(tmp_path / "net.nir", None, 9)


def test_our_own_file_takes_no_convention(tmp_path):
    write(residual(), tmp_path / "net.nir")
    with pytest.raises(Snn2ChipError, match=r"net\.nir.*leave --convention away"):
        read_nir(tmp_path / "net.nir", "norse", 3)


def test_the_file_gives_the_network_of_its_circuit(tmp_path):
    write(residual(), tmp_path / "net.nir")
    have, need = read_nir(tmp_path / "net.nir", None, None), network_of(read(tmp_path / "net.nir"))
    assert [layer.name for layer in have.layers] == [layer.name for layer in need.layers]
    assert have.readout == need.readout
