"""A reader that misreads one thing of a system does not fire as the authors' code did: a recorded case sees it.

Exact cases (dyadic weights, hundreds of ties) see strictness and order; natural ones see roundings such as epsilon.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import FloatArray
from snn2chip.network.engine import run
from snn2chip.network.types import Add, AndNot, BatchNorm, Layer, Network, Neuron, Scale
from snn2chip.neuron import Compare, NeuronModel, Reset
from tests.readers.recorded import differing, load_case

Change = Callable[[Layer], Layer]


def of_neurons(change: Callable[[NeuronModel], NeuronModel]) -> Change:
    def changed(layer: Layer) -> Layer:
        if not isinstance(layer.op, Neuron):
            return layer
        return replace(layer, op=replace(layer.op, model=change(layer.op.model)))

    return changed


def of_norms(**fields: object) -> Change:
    def changed(layer: Layer) -> Layer:
        return (
            replace(layer, op=replace(layer.op, **fields))
            if isinstance(layer.op, BatchNorm)
            else layer
        )

    return changed


def swapped(layer: Layer) -> Layer:
    return replace(layer, inputs=layer.inputs[::-1]) if isinstance(layer.op, AndNot) else layer


def summed(layer: Layer) -> Layer:
    return replace(layer, op=Add()) if isinstance(layer.op, AndNot) else layer


def unsigned(layer: Layer) -> Layer:
    return (
        replace(layer, op=Scale(scale=np.abs(layer.op.scale)))
        if isinstance(layer.op, Scale)
        else layer
    )


def of_norms_of_steps(**fields: Callable[[FloatArray], FloatArray]) -> Change:
    """Change fields of the norms of one gain per step, [T, C]."""

    def changed(layer: Layer) -> Layer:
        if not isinstance(layer.op, BatchNorm) or layer.op.weight.ndim == 1:
            return layer
        new = {name: change(getattr(layer.op, name)) for name, change in fields.items()}
        return replace(layer, op=replace(layer.op, **new))

    return changed


def first(rows: FloatArray) -> FloatArray:
    """The norm of the first step at every step."""
    return np.repeat(rows[:1], len(rows), 0)


def late(rows: FloatArray) -> FloatArray:
    """The norm of the step before."""
    return rows[[0, *range(len(rows) - 1)]]


def of_layers(prefix: str, change: Change) -> Change:
    return lambda layer: change(layer) if layer.name.startswith(prefix) else layer


def one_membrane(model: NeuronModel) -> NeuronModel:
    """All levels fire from thresholds that are equal: three times the first."""
    return replace(model, levels=(model.levels[0],) * len(model.levels))


STRICT = of_neurons(lambda m: replace(m, compare=Compare.GREATER))
NOT_STRICT = of_neurons(lambda m: replace(m, compare=Compare.GREATER_EQUAL))
SOFT = of_neurons(lambda m: replace(m, reset=Reset.SUBTRACT))
HARD = of_neurons(lambda m: replace(m, reset=Reset.ZERO))
NO_LEAK = of_neurons(lambda m: replace(m, decay=np.ones_like(m.decay)))
MORE_LEAK = of_neurons(lambda m: replace(m, decay=m.decay * 0.5))
WHOLE_INPUT = of_neurons(lambda m: replace(m, input_gain=np.ones_like(m.input_gain)))

STEPS = ("weight", "bias", "mean", "var")
FIRST_NORM = of_norms_of_steps(**dict.fromkeys(STEPS, first))
LATE_NORM = of_norms_of_steps(**dict.fromkeys(STEPS, late))
NO_BIAS = of_norms_of_steps(bias=np.zeros_like)

MUTATIONS = {
    "s_resnet_n1_exact": (
        NOT_STRICT, HARD, NO_LEAK, MORE_LEAK, FIRST_NORM, LATE_NORM, NO_BIAS,
        of_layers("bn_conv1x1", NO_BIAS), of_layers("bn_conv1x1", FIRST_NORM),
    ),
    "s_resnet_n1_boost_exact": (NOT_STRICT, HARD, NO_LEAK),
    "s_resnet_nm_n1_exact": (NOT_STRICT, HARD, NO_LEAK, LATE_NORM, NO_BIAS),
    "s_resnet_n2_natural": (HARD, NO_LEAK, LATE_NORM, NO_BIAS, of_norms(eps=1e-5)),
    "sew_resnet18_add_32": (STRICT, SOFT, MORE_LEAK),
    "sew_resnet18_add_natural": (of_norms(eps=1e-4),),
    "sew_resnet34_iand_48": (swapped, summed),
    "spiking_resnet18_32": (STRICT, SOFT, MORE_LEAK),
    "sj014_sew_resnet18_and_lif": (STRICT, SOFT, NO_LEAK, WHOLE_INPUT),
    "sj014_sew_resnet50_iand": (swapped,),
    "dvsgesture_7b_natural": (SOFT, NO_LEAK, WHOLE_INPUT, of_norms(eps=1e-3)),
    "mlf_resnet14_exact": (NOT_STRICT, SOFT, NO_LEAK, of_neurons(one_membrane)),
    "mlf_resnet14_dvscifar10_natural": (of_norms(factor=1.0), of_norms(eps_outside=False)),
    "guo_lif_res20m_exact": (NOT_STRICT, SOFT, NO_LEAK),
    "guo_mpbn_res20m_exact": (NOT_STRICT, SOFT, NO_LEAK, unsigned),
    "guo_mpbn_res20m_natural": (of_norms(eps=1e-4),),
}  # fmt: skip


def mutated(network: Network, change: Change) -> Network:
    return replace(network, layers=tuple(change(layer) for layer in network.layers))


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_misread_network_does_not_fire_as_recorded(tmp_path, name):
    model = load_case(name, tmp_path)
    assert model.inputs is not None
    assert differing(name, run(model.network, model.inputs).outputs) == []
    for number, change in enumerate(MUTATIONS[name]):
        wrong = run(mutated(model.network, change), model.inputs)
        assert differing(name, wrong.outputs) != [], f"mutation {number} went unseen"
