"""Every lowered network fires as the network does: every output of every layer, with ==."""

import numpy as np
import pytest

from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.lowering import PASSES, lower
from snn2chip.network.engine import run
from snn2chip.network.types import (
    INPUT,
    Add,
    And,
    AndNot,
    AvgPool2d,
    Bias,
    Flatten,
    InputKind,
    Linear,
    MaxPool2d,
    Neuron,
    Or,
    Scale,
    SumPool2d,
)
from snn2chip.neuron import Compare, Emits, NeuronModel, Reset
from tests.lowering.random_networks import Builder
from tests.network.build import dyadic, per_map

LIF = {"decay": per_map(0.5), "input_gain": per_map(0.5)}
SOFT = {"reset": Reset.SUBTRACT, "compare": Compare.GREATER}


def head(b, source, classes=5):
    b.add("flatten", Flatten(), source)
    c, h, w = b.shape_of(source)
    weight = dyadic(b.rng, classes, c * h * w)
    b.add("fc", Linear(weight=weight, bias=dyadic(b.rng, classes)), "flatten")
    return "fc"


def plain(b):
    """Strides, groups, dilation, biases; hard and soft reset; a leak."""
    a = b.neurons("a", b.norm("n1", b.conv("c1", INPUT, 4, padding=(1, 2), stride=(2, 1))))
    c = b.conv("c2", a, 8, bias=True, groups=2, padding=(2, 2), dilation=(2, 2))
    s = b.neurons("b", c, **SOFT)
    d = b.conv("c3", s, 8, groups=8, size=2, padding=(1, 0))
    return head(b, b.neurons("c", b.norm("n3", d), **LIF))


def reset_values(b):
    a = b.block("one", INPUT, 4, v_reset=-1.0, v_init=-1.0, leak=-1.0, **LIF)
    return head(b, b.block("two", a, 6, v_reset=0.5, v_init=0.5, leak=0.25, decay=per_map(0.5)))


def nested_joins(b):
    """Joins of joins, three deep, and one summand twice."""
    x = b.block("stem", INPUT, 4)
    for i in range(3):
        y = b.block(f"b{i}.2", b.block(f"b{i}.1", x, 4), 4)
        x = b.add(f"b{i}#out", Add(), y, x)
    x = b.add("twice#out", Add(), x, "b0#out")
    y = b.block("after", x, 4)
    return head(b, b.add("last#out", Add(), y, x))


def logic(b):
    x = b.block("stem", INPUT, 4)
    y = b.block("other", x, 4)
    both = b.add("and#out", And(), x, y)
    but = b.add("iand#out", AndNot(), x, y)
    swapped = b.add("swapped#out", AndNot(), y, x)
    any_ = b.add("or#out", Or(), both, swapped)
    total = b.add("add#out", Add(), but, any_, both)
    return head(b, b.block("after", total, 4))


def spike_pool(b):
    x = b.add(
        "pool#out",
        MaxPool2d(kernel=(3, 3), stride=(2, 2), padding=(1, 1)),
        b.block("stem", INPUT, 4),
    )
    y = b.block("a", x, 4)
    return head(b, b.add("a#out", Add(), y, x))


def integer_pools(b):
    """Max pools of integers, of joins of pools."""
    x = b.block("stem", INPUT, 4)
    for i in range(2):
        x = b.add(f"b{i}#out", Add(), b.block(f"b{i}", x, 4), x)
        x = b.add(f"p{i}#out", MaxPool2d(kernel=(2, 2), stride=(1 + i, 1 + i)), x)
    return head(b, b.block("after", x, 4))


def current_shortcuts(b):
    """The plain spiking block: identity or convolution added to the current before the neurons."""
    x = b.block("stem", INPUT, 4)
    c = b.norm("n1", b.conv("c1", x, 4, padding=(1, 1)))
    x = b.neurons("one", b.add("sum1", Add(), c, x), **LIF)
    c = b.norm("n2", b.conv("c2", x, 6, padding=(1, 1), stride=(2, 2)))
    d = b.norm("n3", b.conv("c3", x, 6, size=1, stride=(2, 2)))
    return head(b, b.neurons("two", b.add("sum2", Add(), c, d)))


def pools_between(b):
    """Average pools before a padded convolution, before a shortcut, before neurons; a pooled read-out."""
    x = b.block("stem", INPUT, 4)
    p = b.add("pool", AvgPool2d(kernel=(2, 2), stride=(2, 2)), x)
    c = b.norm("n1", b.conv("c1", p, 4, padding=(1, 1)))
    x = b.neurons("one", b.add("sum", Add(), c, p))
    s = b.add("spool", SumPool2d(kernel=(3, 3), stride=(1, 1), padding=(1, 1)), x)
    x = b.neurons("two", s, decay=per_map(0.5))
    join = b.add("two#out", Add(), x, x)
    _, h, w = b.shape_of(join)
    b.add("whole", AvgPool2d(kernel=(h, w), stride=(1, 1)), join)
    b.add("flatten", Flatten(), "whole")
    b.add("fc", Linear(weight=dyadic(b.rng, 5, 4)), "flatten")
    return "fc"


def padded_pools(b):
    """Overlapping, padded averages and sums before convolutions, a shortcut, a sum and neurons."""
    x = b.block("stem", INPUT, 4)
    p = b.add("pool", AvgPool2d(kernel=(4, 2), stride=(2, 1), padding=(1, 1)), x)
    c = b.norm("n1", b.conv("c1", p, 4, padding=(1, 1)))
    x = b.neurons("one", b.add("sum", Add(), c, p), **LIF)
    q = b.add("pool2", SumPool2d(kernel=(3, 3), stride=(2, 2), padding=(1, 1)), x)
    r = b.add("pool3", AvgPool2d(kernel=(4, 4), stride=(2, 2), padding=(2, 2)), b.neurons("r", q))
    return head(b, b.neurons("two", b.conv("c2", b.add("both", Add(), r, r), 6, padding=(1, 1))))


def stepwise(b, name, source, out, stride=1):
    """conv, a norm for every step, neurons that lose a half and keep what is above the threshold."""
    c = b.conv(f"{name}.conv", source, out, padding=(1, 1), stride=(stride, stride))
    n = b.norm(f"{name}.bn", c, per_step=True)
    return b.neurons(f"{name}.sn", n, decay=per_map(0.5), **SOFT)


def norms_per_step(b):
    """S-ResNet: joins of spikes, then real ones, one on top of the other, read by convolutions and by the head."""
    x = stepwise(b, "stem", INPUT, 4)
    x = b.add("b0#out", Add(), stepwise(b, "b0.2", stepwise(b, "b0.1", x, 4), 4), x)
    y = stepwise(b, "b1.2", stepwise(b, "b1.1", x, 6, 2), 6)
    c = b.norm("down", b.conv("down.conv", x, 6, size=1, stride=(2, 2)), per_step=True)
    x = b.add("real1", Add(), y, c)
    y = stepwise(b, "b2.2", stepwise(b, "b2.1", x, 6), 6)
    x = b.add("real2", Add(), y, x)
    y = stepwise(b, "b3", x, 6)
    _, h, w = b.shape_of(x)
    b.add("whole", AvgPool2d(kernel=(h, w), stride=(1, 1)), b.add("real3", Add(), y, x))
    b.add("flatten", Flatten(), "whole")
    return b.add("fc", Linear(weight=dyadic(b.rng, 5, 6)), "flatten")


def norms_everywhere(b):
    """Norms per step of the input, of spikes, of joins, before pools, and read twice."""
    x = b.block("stem", b.norm("n0", INPUT, per_step=True), 4)
    n = b.norm("n1", x, per_step=True)
    x = b.neurons("one", b.add("sum", Add(), b.conv("c1", n, 4, padding=(1, 1)), n, x))
    p = b.add("pool", AvgPool2d(kernel=(2, 2), stride=(2, 2)), b.norm("n2", x, per_step=True))
    return head(b, b.neurons("two", b.conv("c2", p, 6, padding=(1, 1), bias=True)))


def linear_chains(b):
    """Kernels without neurons between them, up to the classifier."""
    x = b.block("stem", INPUT, 4)
    c = b.conv("c1", x, 4, bias=True, padding=(1, 1), stride=(2, 2))
    c = b.conv("c2", c, 6, size=2, bias=True, groups=2)
    x = b.neurons("one", b.conv("c3", c, 6, size=1, bias=True, padding=(0, 0)))
    c = b.conv("c4", x, 3, size=2, bias=True, padding=(1, 1))
    b.add("pool", AvgPool2d(kernel=(2, 2), stride=(2, 2)), c)
    b.add("flatten", Flatten(), "pool")
    size = int(np.prod(b.shape_of("flatten")))
    b.add("hidden", Linear(weight=dyadic(b.rng, 8, size), bias=dyadic(b.rng, 8)), "flatten")
    v = b.neurons("vector", "hidden")
    b.add("l1", Linear(weight=dyadic(b.rng, 6, 8), bias=dyadic(b.rng, 6)), v)
    b.add("l2", Linear(weight=dyadic(b.rng, 5, 6), bias=dyadic(b.rng, 5)), "l1")
    return "l2"


def normed_input(b):
    x = b.norm("n0", INPUT)
    c = b.norm("n1", b.conv("c1", x, 4, padding=(1, 1), stride=(2, 2)))
    d = b.conv("c2", x, 4, size=1, stride=(2, 2), bias=True)
    return head(b, b.neurons("one", b.add("sum", Add(), c, d)))


def distributed(b):
    """A convolution of a sum of currents and spikes."""
    x = b.block("stem", INPUT, 4)
    c = b.norm("n", b.conv("c1", x, 4, size=1))
    total = b.norm("n2", b.add("real", Add(), c, x))
    return head(b, b.neurons("one", b.conv("c2", total, 4, padding=(1, 1), bias=True)))


def turned_membranes(b):
    """Signs before neurons, as norms of membranes leave them, over kernels, pools and shortcuts."""
    x = b.block("stem", INPUT, 4)
    p = b.add("pool", AvgPool2d(kernel=(2, 2), stride=(2, 2)), x)
    c = b.norm("n1", b.conv("c1", p, 4, padding=(1, 1)))
    sign = Scale(scale=per_map(-1.0, 1.0, 1.0, -1.0))
    x = b.neurons("one", b.add("sign", sign, b.add("sum", Add(), c, p)))
    c = b.norm("n2", b.conv("c2", x, 4, padding=(1, 1)))
    turned = b.add("sign2", sign, b.add("sum2", Add(), c, x))
    return head(b, b.neurons("two", b.add("bias", Bias(bias=dyadic(b.rng, 4, 4, 4)), turned)))


def multilevels(b):
    """Several membranes on one current (MLF), in joins, and a max pool of what they send."""
    levels = (per_map(0.5), per_map(1.5), per_map(2.5))
    model = NeuronModel(levels=levels, compare=Compare.GREATER, decay=per_map(0.25))
    x = b.block("stem", INPUT, 4)
    c = b.norm("n1", b.conv("c1", x, 4, padding=(1, 1)))
    quarter = b.add("quarter", Scale(scale=per_map(0.25)), c)
    y = b.add("mlf", Neuron(model=model), quarter)
    x = b.add("j#out", Add(), y, x)
    x = b.add("p#out", MaxPool2d(kernel=(3, 3), stride=(2, 2), padding=(1, 1)), x)
    return head(b, b.block("after", x, 4))


def multispikes(b):
    x = b.block("stem", INPUT, 4, emits=Emits.MULTISPIKE, reset=Reset.SUBTRACT)
    return b.block("answer", x, 3)


FAMILIES = (
    plain, reset_values, nested_joins, logic, spike_pool, integer_pools, current_shortcuts,
    pools_between, padded_pools, linear_chains, normed_input, distributed, turned_membranes, multilevels,
    multispikes, norms_per_step, norms_everywhere,
)  # fmt: skip


def grown(family, seed):
    kind = InputKind.STATIC if seed % 2 else InputKind.FRAMES
    b = Builder(seed=seed, shape=(3, 8, 8), kind=kind)
    return b.network(family(b)), b.input()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_the_circuit_fires_as_the_network(family, seed):
    net, inputs = grown(family, seed)
    lowest = {}

    def watch(firing):
        low = float(firing.membranes[0].min()) - firing.model.v_reset
        lowest[firing.name] = min(low, lowest.get(firing.name, 0.0))

    expected = run(net, inputs, judge=watch)
    circuit = lower(net).circuit
    got = run_circuit(circuit, inputs)
    layers = layer_outputs(circuit, got.outputs)
    for name, values in expected.outputs.items():
        assert np.array_equal(layers[name], values), name
        assert layers[name].shape == values.shape
        if isinstance(net.layer(name).op, Neuron):
            assert 0.02 <= (values > 0).mean() <= 0.6, name
        if name.endswith("#out") and isinstance(net.layer(name).op, Add):
            assert values.max() >= 2, name
    assert np.array_equal(got.decision, expected.decision)
    assert min(lowest.values()) < 0


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_every_pass_keeps_every_spike(family):
    net, inputs = grown(family, 0)
    expected = run(net, inputs)
    for name, rewrite in PASSES:
        done = rewrite(net)
        assert not done.findings, name
        net = done.network
        got = run(net, inputs)
        for layer, values in expected.outputs.items():
            assert np.array_equal(got.outputs[layer], values), (name, layer)
        assert np.array_equal(got.decision, expected.decision), name
