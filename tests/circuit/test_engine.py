"""The circuit engine on circuits small enough to follow by hand."""

import numpy as np
import pytest

from snn2chip.arrays import floats
from snn2chip.circuit.engine import run
from snn2chip.circuit.types import INPUT, Conv, Dense, Identity, InputKind
from snn2chip.errors import Snn2ChipError
from snn2chip.network.judge import FLOAT32, FLOAT64
from snn2chip.neuron import ChipRounding, Compare, Emits, NeuronModel, Reset
from tests.circuit.build import circuit, population, projection
from tests.network.build import frames, per_map, static

READOUT = NeuronModel(emits=Emits.NOTHING, reset=Reset.NONE)
UNIT = floats([[[1.0]]])


def one(neuron, values, bias=None, weight=1.0):
    """Outputs of one neuron over the steps."""
    net = circuit(
        (1, 1, 1),
        (population("n", (1, 1, 1), neuron, bias),),
        (projection(INPUT, "n", Identity(), [weight]),),
        steps=len(values),
    )
    return run(net, frames(np.reshape(values, (-1, 1, 1, 1, 1)))).outputs["n"].reshape(-1).tolist()


def test_hard_and_soft_reset():
    assert one(NeuronModel(), [1.75, 0.5, 0.5]) == [1, 0, 1]
    assert one(NeuronModel(reset=Reset.SUBTRACT), [1.75, 0.5, 0.5]) == [1, 1, 0]


def test_a_late_reset_is_taken_after_the_decay():
    at_once = NeuronModel(decay=per_map(0.5), reset=Reset.SUBTRACT)
    late = NeuronModel(decay=per_map(0.5), reset=Reset.SUBTRACT, late_reset=True)
    # late: 2.5 fires; 1.25 - 1 + 1 = 1.25 fires; .625 - 1 + 1 = .625
    assert one(late, [2.5, 1.0, 1.0]) == [1, 1, 0]
    # at once: 2.5 - 1; .75 + 1 = 1.75 - 1; .375 + 1 = 1.375
    assert one(at_once, [2.5, 1.0, 1.0]) == [1, 1, 1]


def test_the_floor_holds_after_the_reset():
    model = NeuronModel(v_min=-1.0)
    assert one(model, [-5.0, 2.0]) == [0, 1]
    assert one(NeuronModel(), [-5.0, 2.0]) == [0, 0]


def test_bias_and_gain_per_step():
    model = NeuronModel(
        gain=floats(np.array([1.0, 0.0, -1.0]).reshape(3, 1, 1, 1)), reset=Reset.NONE
    )
    bias = floats(np.array([0.0, 0.5, 1.0]).reshape(3, 1, 1, 1))
    # v: .5; .5 + 0 + .5 = 1 fires; 1 - 1 + 1 = 1 fires
    assert one(model, [0.5, 7.0, 1.0], bias) == [0, 1, 1]


def test_levels_multispikes_and_graded_outputs():
    levels = NeuronModel(levels=(per_map(0.5), per_map(1.5)), compare=Compare.GREATER)
    assert one(levels, [2.0, 0.5]) == [2, 0]
    assert one(NeuronModel(emits=Emits.MULTISPIKE, reset=Reset.SUBTRACT), [2.5, 0.5]) == [2, 1]
    assert one(NeuronModel(emits=Emits.GRADED), [-2.5, 0.25]) == [-2.5, 0.25]


def test_summands_and_projections_add_up():
    a, b = (
        population("a", (1, 1, 1)),
        population("b", (1, 1, 1), NeuronModel(levels=(per_map(2.0),))),
    )
    net = circuit(
        (1, 1, 1),
        (a, b, population("c", (1, 1, 1), READOUT, floats([[[0.5]]]))),
        (
            projection(INPUT, "a", Identity(), [1.0]),
            projection(INPUT, "b", Identity(), [1.0]),
            projection(("a", "b"), "c", Identity(), [3.0]),
            projection(INPUT, "c", Conv(), [[[[0.25]]]], name="again"),
        ),
        steps=2,
    )
    recording = run(net, frames(np.array([1.0, 2.0]).reshape(2, 1, 1, 1, 1)))
    # a fires twice, b fires in step 1 (1 + 2 >= 2); 3·3 + (1 + 2)/4 + 2·0.5
    assert recording.potentials["c"].item() == 9 + 0.75 + 1
    assert recording.decision.tolist() == [[10.75]]
    assert not recording.outputs["c"].any()


def test_dense_kernels():
    x = np.arange(8.0).reshape(1, 1, 2, 2, 2)
    full = np.arange(16.0).reshape(2, 8)
    for kernel, weight, expected in (
        (Dense(), full, full @ np.arange(8.0)),
        (Dense(pooled=True), [[1.0, 10.0]], [0 + 1 + 2 + 3 + 10 * (4 + 5 + 6 + 7)]),
    ):
        shape = (len(weight), 1, 1)
        net = circuit(
            (2, 2, 2),
            (population("fc", shape, READOUT),),
            (projection(INPUT, "fc", kernel, weight),),
            steps=1,
            mean=True,
        )
        assert run(net, frames(x)).decision.tolist() == [list(expected)]


def test_a_static_image_is_projected_once_and_counts_in_every_step():
    net = circuit(
        (1, 1, 1),
        (population("fc", (1, 1, 1), READOUT),),
        (projection(INPUT, "fc", Dense(), [[2.0]]),),
        steps=3,
        kind=InputKind.STATIC,
    )
    assert run(net, static([[[[1.5]]]])).decision.tolist() == [[9.0]]


def test_spikes_can_be_the_answer():
    net = circuit(
        (1, 1, 2),
        (population("a", (1, 1, 2)),),
        (projection(INPUT, "a", Identity(), [1.0]),),
        mean=True,
    )
    recording = run(net, frames(np.tile([0.5, 1.0], (4, 1)).reshape(4, 1, 1, 1, 2)), record=False)
    assert recording.decision.tolist() == [[0.5, 1.0]]
    assert not recording.outputs


def test_rounding_of_a_twin():
    rounding = ChipRounding(unit=UNIT, decay_4096=floats([[[2048.0]]]), v_limit=10)
    model = NeuronModel(
        levels=(per_map(4.0),),
        compare=Compare.GREATER,
        decay=per_map(0.5),
        rounding=rounding,
        reset=Reset.NONE,
    )
    # decay(v) = trunc(v / 2): 5 fires; 2 + 2 = 4; 2 - 9 = -7; -3 + 8 = 5 fires; 20 is clipped to 10, then 5 fires
    assert one(model, [5.0, 2.0, -9.0, 8.0, 20.0, 0.0, 0.0]) == [1, 0, 0, 1, 1, 1, 0]


def test_rounding_of_gains_and_graded_outputs():
    rounding = ChipRounding(
        unit=UNIT, decay_4096=floats([[[4096.0]]]), v_limit=1000, graded_divisor=4
    )
    graded = NeuronModel(emits=Emits.GRADED, rounding=rounding)
    # halves go to the even multiple of 4
    assert one(graded, [2.0, 6.0, -6.0, 7.0]) == [0.0, 8.0, -8.0, 8.0]
    gained = NeuronModel(
        gain=floats([[[0.75]]]), reset=Reset.NONE, levels=(per_map(-3.0),), rounding=rounding
    )
    # .75·-5 = -3.75 goes toward zero: -3 reaches the threshold of -3
    assert one(gained, [-5.0]) == [1]


def test_wrong_input_says_what_is_needed():
    net = circuit(
        (1, 1, 2), (population("a", (1, 1, 2)),), (projection(INPUT, "a", Identity(), [1.0]),)
    )
    with pytest.raises(Snn2ChipError, match="input-shape"):
        run(net, static(np.ones((1, 1, 1, 2))))


def test_the_judge_forces_and_gets_a_bound():
    net = circuit(
        (2, 1, 1),
        (population("a", (1, 1, 1), bias=floats([[[-0.5]]])), population("b", (1, 1, 1))),
        (
            projection(INPUT, "a", Dense(), [[2.0, -3.0]]),
            projection("a", "b", Identity(), [1.0], name="second"),
        ),
        steps=2,
    )
    seen = []

    def judge(firing):
        seen.append((firing.name, firing.step, firing.membranes[0].item(), firing.margin().item()))
        if firing.name == "a":
            bound = firing.error_bound(1.0).item()
            magnitude = 2 + 3 + 0.5
            assert bound == (2 + 8) * magnitude + 4 * magnitude
            assert firing.error_bound(FLOAT64) < firing.error_bound(FLOAT32)
            return 1.0 - firing.outputs if firing.step == 0 else None
        return None

    recording = run(net, frames(np.ones((2, 1, 2, 1, 1))), judge=judge)
    assert recording.outputs["b"].reshape(-1).tolist() == [1, 0]
    assert seen[:2] == [("a", 0, -1.5, 2.5), ("a", 1, -1.5, 2.5)]
