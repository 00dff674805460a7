"""What single passes write, by hand, and what they refuse."""

import numpy as np
import pytest

from snn2chip.arrays import floats
from snn2chip.circuit.types import Conv, Dense, Identity, Join, Origin, Role
from snn2chip.errors import StatementError
from snn2chip.lowering import lower
from snn2chip.lowering.fold_batch_norm import fold_batch_norm
from snn2chip.lowering.input_norm import input_norm
from snn2chip.lowering.substitute_variables import substitute_variables
from snn2chip.network.types import (
    Add,
    And,
    AvgPool2d,
    BatchNorm,
    Bias,
    Conv2d,
    Flatten,
    InputKind,
    Linear,
    MaxPool2d,
    Neuron,
    Scale,
)
from snn2chip.neuron import Emits, NeuronModel, Reset
from tests.network.build import layer, network, neuron, per_map

ONE = Conv2d(weight=floats([[[[1.0]]]]))


def norm(gain=1.0, bias=0.0, mean=0.0, var=1.0, **fields):
    arrays = {"weight": gain, "bias": bias, "mean": mean, "var": var}
    return BatchNorm(**{k: floats(np.atleast_1d(v)) for k, v in arrays.items()}, eps=0.0, **fields)


def same(size):
    """A convolution of ones that keeps the size."""
    return Conv2d(weight=floats(np.ones((1, 1, size, size))), padding=(size // 2, size // 2))


def refused(net):
    lowered = lower(net)
    with pytest.raises(StatementError):
        _ = lowered.circuit
    return [(f.code, f.where) for f in lowered.findings]


def test_batch_norm_by_hand():
    net = network(
        (1, 1, 1),
        layer("conv", Conv2d(weight=floats([[[[3.0]]]]), bias=floats([1.0]))),
        layer("bn", norm(gain=-2.0, bias=5.0, mean=2.0, var=16.0), "conv"),
        layer("sn", neuron(), "bn"),
    )
    folded = fold_batch_norm(net).network
    assert [x.name for x in folded.layers] == ["conv", "sn"]
    op = folded.layer("conv").op
    assert isinstance(op, Conv2d)
    # g = -2/4: -0.5·(3x + 1 - 2) + 5
    assert op.weight.item() == -1.5
    assert op.bias is not None
    assert op.bias.item() == 5.5


def test_td_batch_norm_has_eps_outside_and_a_factor():
    bn = BatchNorm(
        weight=floats([2.0]),
        bias=floats([1.0]),
        mean=floats([1.0]),
        var=floats([9.0]),
        eps=1.0,
        eps_outside=True,
        factor=0.5,
    )
    net = network(
        (1, 1, 1), layer("conv", ONE), layer("bn", bn, "conv"), layer("sn", neuron(), "bn")
    )
    op = fold_batch_norm(net).network.layer("conv").op
    assert isinstance(op, Conv2d)
    assert op.bias is not None
    assert (op.weight.item(), op.bias.item()) == (0.25, 0.75)


def test_a_convolution_with_another_reader_is_kept():
    net = network(
        (1, 1, 1),
        layer("conv", ONE),
        layer("bn", norm(gain=2.0), "conv"),
        layer("sum", Add(), "conv", "bn"),
        layer("sn", neuron(), "sum"),
    )
    circuit = lower(net).circuit
    assert {p.name: p.weight.item() for p in circuit.projections} == {"conv": 1.0, "bn": 2.0}


def test_norms_per_step_go_into_the_neuron():
    gain = floats([[2.0], [0.0], [-1.0]])
    bn = BatchNorm(
        weight=gain, bias=floats([[0.0], [1.0], [0.5]]), mean=0 * gain, var=0 * gain + 1, eps=0.0
    )
    net = network(
        (1, 1, 1), layer("conv", ONE), layer("bn", bn, "conv"), layer("sn", neuron(), "bn"), steps=3
    )
    population = lower(net).circuit.population("sn")
    assert population.neuron.gain is not None
    assert population.neuron.gain.reshape(-1).tolist() == [2.0, 0.0, -1.0]
    assert population.bias.reshape(-1).tolist() == [0.0, 1.0, 0.5]


def per_step(*gains):
    gain = floats(np.array(gains)[:, None])
    return BatchNorm(weight=gain, bias=gain + 0.5, mean=0 * gain, var=0 * gain + 1, eps=0.0)


def test_norms_per_step_elsewhere_become_graded_neurons():
    net = network(
        (1, 1, 1),
        layer("bn", per_step(2.0, -1.0)),
        layer("conv", ONE, "bn"),
        layer("sn", neuron(), "conv"),
        steps=2,
    )
    circuit = lower(net).circuit
    relay = circuit.population("bn")
    assert relay.neuron.emits is Emits.GRADED and relay.neuron.gain is not None
    assert relay.neuron.gain.reshape(-1).tolist() == [2.0, -1.0]
    assert relay.bias.reshape(-1).tolist() == [2.5, -0.5]
    assert relay.origin == Origin(layer="bn", role=Role.RELAY)
    assert [p.sources for p in circuit.projections] == [("input",), ("bn",)]


def test_a_relay_receives_every_summand_of_its_join():
    net = network(
        (1, 1, 1),
        layer("a", neuron()),
        layer("b", neuron(), "a"),
        layer("spikes#out", Add(), "a", "b"),
        layer("norm", per_step(2.0, -1.0), "a"),
        layer("one#out", Add(), "spikes#out", "norm"),
        layer("c", neuron(), "one#out"),
        layer("two#out", Add(), "c", "one#out"),
        layer("d", neuron(), "two#out"),
        steps=2,
    )
    circuit = lower(net).circuit
    assert [p.sources for p in circuit.into("one#out")] == [("a", "b"), ("norm",)]
    assert [p.sources for p in circuit.into("two#out")] == [("c", "a", "b"), ("norm",)]
    assert [p.sources for p in circuit.into("d")] == [("two#out",)]
    assert circuit.joins == (Join(name="spikes#out", summands=("a", "b")),)


def test_the_bias_of_an_input_norm_is_a_map():
    net = network(
        (1, 3, 3),
        layer("bn", norm(gain=2.0, bias=1.0)),
        layer("conv", same(3), "bn"),
        layer("sn", neuron(), "conv"),
    )
    moved = input_norm(fold_batch_norm(net).network).network
    bias = moved.layer("conv#bias").op
    assert isinstance(bias, Bias)
    assert bias.bias[0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
    population = lower(net).circuit.population("sn")
    assert np.array_equal(population.bias, bias.bias)
    assert lower(net).circuit.projections[0].name == "conv"
    assert (lower(net).circuit.projections[0].weight == 2.0).all()


def test_a_factor_inside_a_channel_is_refused_before_a_convolution():
    scale = Scale(scale=floats(np.arange(9.0).reshape(1, 3, 3)))
    net = network(
        (1, 3, 3), layer("s", scale), layer("conv", same(3), "s"), layer("sn", neuron(), "conv")
    )
    assert ("lower-scale", "s") in refused(net)


def test_substitution_by_hand():
    model = NeuronModel(
        levels=(per_map(2.0),),
        decay=per_map(0.5),
        input_gain=per_map(0.25),
        leak=1.0,
        v_reset=-1.0,
        v_init=-1.0,
    )
    net = network((1, 1, 1), layer("sn", Neuron(model=model)))
    op = substitute_variables(net).network.layer("sn").op
    assert isinstance(op, Neuron)
    assert op.bias is not None
    assert op.model.threshold.item() == (2 + 1) / 0.25
    assert op.bias.item() == (1 - 0.5) * (1 + 1) / 0.25
    assert (op.model.leak, op.model.v_reset, op.model.v_init, op.model.input_gain.item()) == (
        0,
        0,
        0,
        1,
    )


@pytest.mark.parametrize(
    ("code", "model"),
    [
        ("lower-init", NeuronModel(v_init=0.5)),
        ("lower-init", NeuronModel(v_init=1.0, v_reset=1.0, reset=Reset.SUBTRACT)),
        ("lower-gain", NeuronModel(input_gain=per_map(-1.0))),
        ("lower-gain", NeuronModel(input_gain=per_map(2.0), emits=Emits.GRADED)),
        ("lower-reset", NeuronModel(v_init=1.0, v_reset=1.0, emits=Emits.MULTISPIKE)),
    ],
)
def test_substitutions_that_change_spikes_are_refused(code, model):
    assert refused(network((1, 1, 1), layer("sn", Neuron(model=model)))) == [(code, "sn")]


def test_gates_by_hand():
    net = network(
        (1, 1, 1),
        layer("a", neuron()),
        layer("b", neuron(2.0)),
        layer("x#out", And(), "a", "b"),
        layer("sn", neuron(), "x#out"),
    )
    circuit = lower(net).circuit
    gate = circuit.population("x#out")
    assert gate.origin == Origin(layer="x#out", role=Role.GATE)
    assert (gate.neuron.threshold.item(), gate.neuron.decay.item()) == (2.0, 0.0)
    assert [(p.sources, p.kernel, p.weight.item()) for p in circuit.into("x#out")] == [
        (("a",), Identity(), 1.0),
        (("b",), Identity(), 1.0),
    ]


def test_logic_on_integers_is_refused():
    net = network(
        (1, 1, 1),
        layer("a", neuron()),
        layer("j", Add(), "a", "a"),
        layer("x", And(), "j", "a"),
        layer("sn", neuron(), "x"),
    )
    assert refused(net) == [("lower-gate", "x")]


def test_max_pool_of_integers_has_a_gate_for_each_level():
    pool = MaxPool2d(kernel=(2, 2), stride=(2, 2))
    net = network(
        (1, 2, 2),
        layer("a", neuron()),
        layer("j#out", Add(), "a", "a"),
        layer("p#out", pool, "j#out"),
        layer("conv", ONE, "p#out"),
        layer("sn", neuron(), "conv"),
    )
    circuit = lower(net).circuit
    levels = {
        p.name: (p.neuron.threshold.item(), p.origin)
        for p in circuit.populations
        if "p#out" in p.name
    }
    assert levels == {
        "p#out#level1": (1.0, Origin(layer="p#out", role=Role.RELAY, level=1)),
        "p#out#max1": (1.0, Origin(layer="p#out", role=Role.GATE, level=1)),
        "p#out#level2": (2.0, Origin(layer="p#out", role=Role.RELAY, level=2)),
        "p#out#max2": (1.0, Origin(layer="p#out", role=Role.GATE, level=2)),
    }
    assert circuit.into("sn")[0].sources == ("p#out#max1", "p#out#max2")
    assert Join(name="p#out", summands=("p#out#max1", "p#out#max2")) in circuit.joins


@pytest.mark.parametrize("source", ["input", "many"])
def test_max_pools_without_a_bound_are_refused(source):
    net = network(
        (1, 2, 2),
        layer("many", neuron(emits=Emits.MULTISPIKE)),
        layer("p", MaxPool2d(kernel=(2, 2), stride=(2, 2)), source),
        layer("sn", neuron(), "p"),
        layer("also", Conv2d(weight=floats(np.ones((1, 1, 2, 2)))), "many"),
        layer("sum", Add(), "also", "sn"),
        layer("out", neuron(), "sum"),
    )
    assert refused(net) == [("lower-pool", "p")]


def pooled(size, padding=1):
    return network(
        (1, size, size),
        layer("a", neuron()),
        layer("pool", AvgPool2d(kernel=(2, 2), stride=(2, 2)), "a"),
        layer(
            "conv", Conv2d(weight=floats(np.ones((1, 1, 3, 3))), padding=(padding, padding)), "pool"
        ),
        layer("sn", neuron(), "conv"),
    )


def test_a_pool_before_a_padded_convolution_by_hand():
    circuit = lower(pooled(8)).circuit
    (projection,) = circuit.into("sn")
    assert (projection.name, projection.sources) == ("conv", ("a",))
    assert projection.kernel == Conv(stride=(2, 2), padding=(2, 2))
    assert np.array_equal(projection.weight, np.full((1, 1, 6, 6), 0.25))


def test_a_pool_that_leaves_a_row_has_a_relay_before_padding_only():
    circuit = lower(pooled(7)).circuit
    assert circuit.into("sn")[0].sources == ("pool#relay",)
    assert circuit.population("pool#relay").neuron.emits is Emits.GRADED
    assert lower(pooled(7, padding=0)).circuit.into("sn")[0].kernel == Conv(stride=(2, 2))


def test_a_pool_of_the_input_that_leaves_a_row_is_refused():
    net = network(
        (1, 7, 7),
        layer("pool", AvgPool2d(kernel=(2, 2), stride=(2, 2))),
        layer("conv", same(3), "pool"),
        layer("sn", neuron(), "conv"),
    )
    assert refused(net) == [("lower-pool", "pool")]


def test_a_padded_convolution_of_a_convolution_is_refused():
    net = network(
        (1, 4, 4),
        layer("a", neuron()),
        layer("c1", same(3), "a"),
        layer("c2", same(3), "c1"),
        layer("sn", neuron(), "c2"),
    )
    assert refused(net) == [("lower-linear", "c1")]


def test_a_pool_over_the_whole_map_before_the_classifier():
    net = network(
        (2, 4, 2),
        layer("a", neuron()),
        layer("pool", AvgPool2d(kernel=(4, 2), stride=(1, 1)), "a"),
        layer("flatten", Flatten(), "pool"),
        layer("fc", Linear(weight=floats([[8.0, 16.0]]), bias=floats([1.0])), "flatten"),
    )
    circuit = lower(net).circuit
    (projection,) = circuit.into("fc")
    assert projection.kernel == Dense(pooled=True)
    assert projection.weight.tolist() == [[1.0, 2.0]]
    readout = circuit.population("fc")
    assert (readout.origin.role, readout.neuron.emits) == (Role.READOUT, Emits.NOTHING)
    assert readout.bias.item() == 1.0
    assert circuit.readout.population == "fc"


def test_summands_that_count_twice_have_their_own_weights():
    net = network(
        (1, 1, 1),
        layer("a", neuron()),
        layer("b", neuron(2.0)),
        layer("j1#out", Add(), "a", "b"),
        layer("j2#out", Add(), "j1#out", "a"),
        layer("conv", Conv2d(weight=floats([[[[0.5]]]])), "j2#out"),
        layer("sn", neuron(), "conv"),
    )
    circuit = lower(net).circuit
    assert {(p.name, p.sources, p.weight.item()) for p in circuit.into("sn")} == {
        ("conv", ("a",), 1.0),
        ("conv#2", ("b",), 0.5),
    }
    assert circuit.joins[1] == Join(name="j2#out", summands=("a", "a", "b"))


def test_graded_neurons_and_spikes_meet_in_a_relay():
    net = network(
        (1, 1, 1),
        layer("a", neuron()),
        layer("g", neuron(emits=Emits.GRADED)),
        layer("sum", Add(), "a", "g"),
        layer("conv", ONE, "sum"),
        layer("sn", neuron(), "conv"),
    )
    circuit = lower(net).circuit
    assert [p.sources for p in circuit.into("sum")] == [("a",), ("g",)]
    assert [p.sources for p in circuit.into("sn")] == [("sum",)]


def test_an_identity_shortcut_on_currents_has_weight_one():
    net = network(
        (2, 1, 1),
        layer("a", neuron()),
        layer("conv", Conv2d(weight=floats(np.eye(2)[:, :, None, None])), "a"),
        layer("sum", Add(), "conv", "a"),
        layer("sn", neuron(), "sum"),
    )
    projections = {p.name: p for p in lower(net).circuit.into("sn")}
    assert projections["sn#in"].kernel == Identity()
    assert projections["sn#in"].weight.tolist() == [1.0, 1.0]


def test_modules_called_twice_keep_their_path():
    net = network((1, 1, 1), layer("act@1", neuron()), layer("act@2", neuron(), "act@1"))
    origins = [p.origin for p in lower(net).circuit.populations]
    assert origins == [Origin(layer="act", role=Role.NEURON, call=i) for i in (1, 2)]
    assert lower(net).circuit.readout.population == "act@2"


def test_training_branches_are_dropped_by_name_only():
    branch = Linear(weight=floats([[1.0]]))
    named = network(
        (1, 1, 1), layer("a", neuron()), layer("shortcut.0", branch, "a"), layer("fc", branch, "a")
    )
    lowered = lower(named)
    assert lowered.passes[0].did == "dropped: shortcut.0"
    assert [p.name for p in lowered.circuit.projections] == ["a#in", "fc"]
    other = network(
        (1, 1, 1), layer("a", neuron()), layer("aux", branch, "a"), layer("fc", branch, "a")
    )
    assert refused(other) == [("lower-unused", "aux")]


def test_the_notes_of_the_passes_count_layers():
    net = network(
        (1, 1, 1),
        layer("conv", ONE),
        layer("bn", norm(), "conv"),
        layer("sn", neuron(), "bn"),
        kind=InputKind.STATIC,
    )
    notes = {note.name: note for note in lower(net).passes}
    assert (notes["fold batch norm"].before, notes["fold batch norm"].after) == (3, 2)
    assert notes["fold batch norm"].did == "folded: bn"
    assert notes["to circuit"].after == 1
