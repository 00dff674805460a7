"""Judges see membranes, force ties, and get bounds that hold."""

import numpy as np

from snn2chip.arrays import floats
from snn2chip.network.engine import run
from snn2chip.network.judge import FLOAT32, Magnitudes, error_bound, forced_levels
from snn2chip.network.types import Add, BatchNorm, Conv2d, Neuron
from snn2chip.neuron import Compare, NeuronModel, Reset
from tests.network.build import frames, layer, network, neuron, per_map

NO_BIAS = floats([[[0.0]]])


def judged(net, inputs, reference):
    """Run with the reference's spikes forced at ties; (outputs, what was not a tie)."""
    reported = []

    def judge(firing):
        want = reference[firing.name][firing.step].reshape(firing.outputs.shape)
        differs = want != firing.outputs
        if not differs.any():
            return None
        tie = firing.margin() <= 2 * firing.error_bound(FLOAT32)
        reported.extend((firing.name, firing.step, int(i)) for i in np.flatnonzero(differs & ~tie))
        return np.where(differs & tie, want, firing.outputs)

    return run(net, inputs, judge=judge).outputs, reported


def chain(threshold):
    return network(
        (1, 1, 1),
        layer("conv", Conv2d(weight=floats([[[[0.1]]]]))),
        layer("a", neuron(threshold), "conv"),
        layer("b", neuron(2.0), "a"),
        steps=8,
    )


def test_a_tie_is_forced_and_the_run_goes_on():
    # Three times 0.1 reaches float32(0.3) in float32, and misses it by 1e-8 in float64.
    net = chain(float(np.float32(0.3)))
    inputs = frames(np.ones((8, 1, 1, 1, 1)))
    reference = run(net, inputs, dtype="float32").outputs
    assert not np.array_equal(reference["a"], run(net, inputs).outputs["a"])
    out, reported = judged(net, inputs, reference)
    assert not reported
    assert all(np.array_equal(out[name], reference[name]) for name in ("a", "b"))
    assert reference["b"].sum() == 1


def test_a_difference_that_is_not_a_tie_is_reported():
    inputs = frames(np.ones((8, 1, 1, 1, 1)))
    net = chain(0.35)
    reference = {k: v.copy() for k, v in run(net, inputs).outputs.items()}
    reference["a"][1] = 1 - reference["a"][1]
    _, reported = judged(net, inputs, reference)
    assert reported == [("a", 1, 0)]


def test_the_bound_holds_what_float32_does():
    rng = np.random.default_rng(5)
    weight = floats(rng.normal(0, 0.1, (16, 8, 3, 3)))
    bn = BatchNorm(
        weight=floats(rng.normal(0.5, 1, 16)),
        bias=floats(rng.normal(0, 0.2, 16)),
        mean=floats(rng.normal(0, 0.2, 16)),
        var=floats(rng.uniform(0.1, 1, 16)),
    )
    model = NeuronModel(decay=floats([[[0.9]]]), reset=Reset.SUBTRACT)
    net = network(
        (8, 6, 6),
        layer("conv", Conv2d(weight=weight, padding=(1, 1))),
        layer("bn", bn, "conv"),
        layer("sum", Add(), "bn", "bn"),
        layer("sn", Neuron(model=model), "sum"),
    )
    inputs = frames(rng.random((4, 2, 8, 6, 6)).astype(np.float32))
    single = network(net.input.shape, *(x for x in net.layers))
    seen = {}
    bounds = {}

    def exact(firing):
        seen[firing.step] = firing
        bounds[firing.step] = firing.error_bound(FLOAT32)

    outputs = run(net, inputs, judge=exact).outputs["sn"]
    ratios = []

    def rounded(firing):
        error = np.abs(firing.membranes[0].astype(np.float64) - seen[firing.step].membranes[0])
        ratios.append((error / (2 * bounds[firing.step])).max())
        return outputs[firing.step].astype(np.float64)

    run(single, inputs, dtype="float32", judge=rounded)
    assert 0 < max(ratios) <= 1
    assert max(b.max() for b in bounds.values()) < 1e-3


def test_the_error_starts_again_after_a_reset():
    model = NeuronModel()
    values = Magnitudes(values=np.full((1, 1, 1, 1, 2), 10.0), terms=92)
    sent = np.array([[0.0, 0.0], [0.0, 1.0]]).reshape(2, 1, 1, 1, 2)
    bound = error_bound(model, values, NO_BIAS, sent, 1.0).reshape(-1)
    assert bound[1] == 100 * 10 + 4 * 10
    assert bound[0] == 3 * 100 * 10 + 4 * (10 + 20 + 30)


def test_levels_nearest_to_their_threshold_are_forced():
    model = NeuronModel(levels=(per_map(0.6), per_map(1.6), per_map(2.6)), compare=Compare.GREATER)
    v = [np.array([[[[x]]]]) for x in (0.9, 1.6, 2.0)]
    more = forced_levels(model, (v[0], v[1], v[2]), np.array([[[[2.0]]]]))
    fewer = forced_levels(model, (v[0], v[1], v[2]), np.array([[[[0.0]]]]))
    same = forced_levels(model, (v[0], v[1], v[2]), np.array([[[[1.0]]]]))
    assert [x.item() for x in more] == [1, 1, 0]
    assert [x.item() for x in fewer] == [0, 0, 0]
    assert [x.item() for x in same] == [1, 0, 0]
