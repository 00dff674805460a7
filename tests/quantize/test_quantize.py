"""Small circuits whose integers can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from snn2chip.arrays import floats
from snn2chip.circuit.types import INPUT, Dense, Identity, InputKind
from snn2chip.errors import Severity, Snn2ChipError, errors_of
from snn2chip.inputs import InputData
from snn2chip.neuron import Compare, Emits, NeuronModel, Reset
from snn2chip.quantize.quantize import quantize
from snn2chip.quantize.types import QuantizedInput
from tests.circuit.build import circuit, population, projection
from tests.quantize.build import STRICT_WIDTHS, WIDTHS, one

BITS = QuantizedInput(shape=(2, 1, 1), kind=InputKind.FRAMES, scale=1.0, bits=1, signed=False)
READOUT = NeuronModel(emits=Emits.NOTHING, reset=Reset.NONE)


def layer(weight, neuron=None, bias=None, steps=4):
    """Input (2 binary lines) -> dense -> "n" -> identity -> "out"."""
    weight = np.asarray(weight, np.float64)
    c = len(weight)
    bias = np.zeros(c) if bias is None else np.asarray(bias, np.float64)
    return circuit(
        (2, 1, 1),
        (
            population("n", (c, 1, 1), neuron, floats(bias.reshape(-1, 1, 1))),
            population("out", (c, 1, 1), READOUT),
        ),
        (
            projection(INPUT, "n", Dense(), weight),
            projection("n", "out", Identity(), np.ones(c), name="copy"),
        ),
        steps=steps,
    )


def quantized(source, widths=WIDTHS, grid=BITS, **options):
    return quantize(source, widths, target="test", input=grid, **options)


def codes(findings):
    return sorted(f.code for f in findings)


def test_on_the_grid_the_coarsest_scale_of_each_channel():
    qc, findings = quantized(layer([[0.75, -0.5], [3.0, 5.0], [-0.0625, 1.0]]))
    n = qc.population("n")
    assert n.scale.tolist() == [0.25, 1.0, 0.0625]
    assert qc.projections[0].weight.tolist() == [[3, -2], [3, 5], [-1, 16]]
    assert qc.projections[0].bits == 6
    assert n.neuron.levels[0].ravel().tolist() == [3, 0, 15]  # v >= 1 is v > 3, 0, 15 units
    assert n.fraction_bits == 0 and not n.neuron.delta.any() and n.unit == 1.0
    assert not findings and not qc.loss


def test_thresholds_off_the_grid_of_the_membrane_lose_nothing():
    for theta, compare, expected in (
        (0.8, Compare.GREATER_EQUAL, 3),
        (0.8, Compare.GREATER, 3),
        (0.75, Compare.GREATER_EQUAL, 2),
        (0.75, Compare.GREATER, 3),
    ):
        model = NeuronModel(levels=(one(theta),), compare=compare)
        qc, findings = quantized(layer([[0.25, 0.5]], model))
        assert qc.population("n").neuron.levels[0].item() == expected
        assert not qc.loss and not findings


def test_rounded_thresholds_name_their_level():
    model = NeuronModel(levels=(one(0.81), one(1.61)))
    qc, _ = quantized(layer([[0.3, -0.1]], model))
    kinds = [line.partition(":")[0] for line in qc.loss["n"]]
    assert kinds == ["weights of to n", "thresholds of level 1", "thresholds of level 2"]


def test_input_scale_is_part_of_the_weight():
    grid = replace(BITS, scale=2.0**-8, bits=8)
    qc, _ = quantized(layer([[0.75, -0.5]]), grid=grid)
    assert qc.population("n").scale.tolist() == [2.0**-10]
    assert qc.projections[0].weight.tolist() == [[3, -2]]
    assert qc.population("n").neuron.levels[0].item() == 1023


def test_off_the_grid_the_finest_scale_that_holds_the_weights():
    qc, findings = quantized(layer([[0.3, -0.1], [0.3, -0.503]]))
    # 127.5 / 0.3 = 425 > 256, and 128.5 / 0.503 = 255.5: 2^-8 would give -129
    assert qc.population("n").scale.tolist() == [2.0**-8, 2.0**-7]
    assert qc.projections[0].weight.tolist() == [[77, -26], [38, -64]]
    assert not findings
    (line,) = qc.loss["n"]
    assert "weights of to n: 4 of 4 rounded, largest error 0.00312, largest magnitude 0.503" in line


def test_weights_use_the_most_negative_number():
    qc, _ = quantized(layer([[-0.5001, 0.3001]]))
    assert qc.population("n").scale.tolist() == [2.0**-8]
    assert qc.projections[0].weight.tolist() == [[-128, 77]]


def test_halves_round_to_even():
    # max 127.9 fits only at 2^1: everything is halved
    qc, _ = quantized(layer([[127.9, 1.0], [-128.9, 3.0], [127.8, 5.0]]))
    assert qc.projections[0].weight.tolist() == [[64, 0], [-64, 2], [64, 2]]


def test_fraction_bits_only_where_they_are_needed():
    grid = [[0.75, -0.5]]
    natural = [[0.3, -0.1]]
    lif = NeuronModel(decay=one(0.9))
    assert quantized(layer(grid, bias=[0.25]))[0].population("n").fraction_bits == 0
    assert quantized(layer(natural))[0].population("n").fraction_bits == 0
    assert quantized(layer(natural, bias=[0.1]))[0].population("n").fraction_bits == 6
    assert quantized(layer(natural, lif))[0].population("n").fraction_bits == 6
    late = NeuronModel(reset=Reset.SUBTRACT, levels=(one(0.7),))
    assert quantized(layer(natural, late))[0].population("n").fraction_bits == 6
    assert quantized(layer(grid), STRICT_WIDTHS)[0].population("n").fraction_bits == 6


def test_biases_are_in_membrane_units_and_finer_ones_take_fraction_bits():
    qc, _ = quantized(layer([[0.75, -0.5]], bias=[0.015625]))
    n = qc.population("n")
    assert (n.fraction_bits, n.scale.tolist()) == (4, [0.25])
    assert n.bias.tolist() == [[[1]]]  # 0.015625 / (0.25 / 16)
    assert n.neuron.levels[0].item() == 63
    assert not qc.loss


def test_fraction_bits_give_way_to_a_proof():
    # v can reach 4 · (127 · 50000 + ...) < 2^23 only without fraction bits
    grid = replace(BITS, bits=13)
    qc, findings = quantized(layer([[0.3, -0.3]], NeuronModel(decay=one(0.9))), grid=grid)
    assert 0 < qc.population("n").fraction_bits < 6 and not findings


def test_an_identity_shortcut_gets_an_exponent():
    source = circuit(
        (2, 1, 1),
        (population("n", (2, 1, 1)), population("out", (2, 1, 1), READOUT)),
        (
            projection(INPUT, "n", Dense(), [[0.03, -0.01], [0.1, 0.011]]),
            projection(INPUT, "n", Identity(), [1.0, 1.0], name="shortcut"),
            projection("n", "out", Identity(), [1.0, 1.0], name="copy"),
        ),
    )
    qc, findings = quantized(source)
    scale = qc.population("n").scale
    dense, shortcut, _ = qc.projections
    assert scale.tolist() == [2.0**-12, 2.0**-10] and dense.exponent == 0
    assert (shortcut.weight << shortcut.exponent).tolist() == (1 / scale).tolist()
    assert shortcut.exponent == 6 and shortcut.weight.tolist() == [64, 16]
    assert not findings


def test_a_spread_of_scales_beyond_the_bits_coarsens_the_finest_channels():
    weights = [[2.0**-20 * 1.1, 2.0**-21 * 1.3], [0.5 / 3, 0.7 / 3]]
    source = circuit(
        (2, 1, 1),
        (population("n", (2, 1, 1)), population("out", (2, 1, 1), READOUT)),
        (
            projection(INPUT, "n", Dense(), weights),
            projection(INPUT, "n", Identity(), [1.0, 1.0], name="shortcut"),
            projection("n", "out", Identity(), [1.0, 1.0], name="copy"),
        ),
    )
    qc, findings = quantized(source)
    shortcut = qc.projections[1]
    n = qc.population("n")
    assert (n.scale * (shortcut.weight << shortcut.exponent)).tolist() == [1.0, 1.0]
    assert n.scale[1] == 2.0**-9, "the coarse channel keeps its bits"
    (finding,) = [f for f in findings if f.code == "range"]
    assert finding.severity is Severity.WARNING and "weights of channel 0 lose" in finding.why
    assert finding.where == "n"


def test_thresholds_limit_the_scale_of_tiny_weights():
    qc, findings = quantized(layer([[2.0**-24 / 3, 2.0**-25], [0.3, 0.7]]))
    n = qc.population("n")
    assert n.scale[0] == 2.0**-22 and n.neuron.levels[0][0].item() == 2**22 - 1
    assert codes(findings) == ["dead-channel", "range"]


def test_dead_layers_and_channels():
    (finding,) = quantized(layer([[0.25, -0.5], [0.125, 0.0]], steps=3))[1]
    assert (finding.code, finding.severity) == ("dead-layer", Severity.ERROR)
    assert finding.where == "n"
    (finding,) = quantized(layer([[0.25, 0.5], [0.125, 0.0]], steps=3))[1]
    assert (finding.code, finding.severity) == ("dead-channel", Severity.WARNING)
    assert "channel 1" in finding.why
    assert not quantized(layer([[0.25, 0.5], [0.125, 0.0]], steps=8))[1]
    (finding,) = quantized(layer([[0.25, -0.5]], steps=3), allow=("dead-layer",))[1]
    assert finding.severity is Severity.WARNING and "--allow dead-layer" in finding.help


def test_decays_that_leave_the_grid_are_a_loss():
    exact = layer([[0.75, -0.5]], NeuronModel(decay=one(0.5)))
    assert not quantized(exact)[0].loss
    longer = replace(exact, steps=20)
    assert quantized(longer)[0].loss == {
        "n": ("membranes: cut to whole units, of up to 0.000122, at every decay",)
    }
    assert (
        "decays: 1 of 1 rounded"
        in quantized(layer([[0.75, -0.5]], NeuronModel(decay=one(0.9))))[0].loss["n"][0]
    )


@pytest.mark.parametrize(("decay", "have"), [(-0.5, "-0.5..-0.5"), (1.25, "1.25..1.25")])
def test_decays_that_no_chip_has_are_errors(decay, have):
    found = errors_of(quantized(layer([[0.75, -0.5]], NeuronModel(decay=one(decay))))[1])
    (error,) = (f for f in found if f.code == "decay")
    assert str(error) == (
        f"error[decay] n: n has decays that a chip cannot do (have {have}; need 0..1)"
    )


def test_a_channel_of_zeros_does_not_disturb_the_others():
    qc, findings = quantized(layer([[0.0, 0.0], [0.3, -0.1]], bias=[0.0, 0.0]))
    assert qc.population("n").scale[1] == 2.0**-8
    assert codes(findings) == ["dead-channel"]
    qc, findings = quantized(layer([[0.0, 0.0], [0.3, -0.1]], bias=[0.3, 0.0]))
    assert not findings
    assert (
        abs(qc.population("n").bias[0].item() / qc.population("n").neuron.levels[0][0].item() - 0.3)
        < 1e-6
    )


def test_a_read_out_has_one_scale():
    source = circuit(
        (2, 1, 1),
        (population("out", (2, 1, 1), READOUT, floats([[[0.1]], [[0.7]]])),),
        (projection(INPUT, "out", Dense(), [[0.3, 0.001], [5.1, -3.0]]),),
    )
    qc, findings = quantized(source)
    assert qc.population("out").scale.tolist() == [2.0**-4] * 2
    assert not findings


@pytest.mark.parametrize(
    ("model", "bias", "code"),
    [
        (NeuronModel(reset=Reset.SUBTRACT), None, "feature-subtract"),
        (NeuronModel(emits=Emits.MULTISPIKE, reset=Reset.ZERO), None, "feature-graded"),
        (NeuronModel(emits=Emits.GRADED), None, "feature-graded"),
        (NeuronModel(levels=(one(1.0), one(2.0))), None, "feature-levels"),
        (
            NeuronModel(gain=floats([[[[1.0]]], [[[2.0]]], [[[1.0]]], [[[1.0]]]])),
            None,
            "feature-per-step",
        ),
        (NeuronModel(gain=floats([[[1.5]]])), None, "feature-gain"),
        (NeuronModel(), floats(np.arange(4.0).reshape(4, 1, 1, 1)), "feature-per-step"),
    ],
)
def test_missing_features_are_errors_that_name_the_layer(model, bias, code):
    source = layer([[0.75, 0.5]], model)
    if bias is not None:
        source = replace(
            source, populations=(replace(source.populations[0], bias=bias), *source.populations[1:])
        )
    found = [f for f in quantized(source, STRICT_WIDTHS)[1] if f.code.startswith("feature")]
    assert code in codes(found) and all(
        f.severity is Severity.ERROR and f.where == "n" for f in found
    )
    assert not [f for f in quantized(source)[1] if f.code.startswith("feature")]


def test_a_bias_map_needs_a_bias_for_every_neuron():
    bias = floats(np.arange(4.0).reshape(1, 2, 2))
    source = circuit(
        (1, 2, 2),
        (population("n", (1, 2, 2), bias=bias), population("out", (1, 2, 2), READOUT)),
        (
            projection(INPUT, "n", Identity(), [1.0]),
            projection("n", "out", Identity(), [1.0], name="c"),
        ),
    )
    grid = replace(BITS, shape=(1, 2, 2))
    qc, findings = quantized(source, grid=grid)
    assert qc.population("n").bias.tolist() == [[[0, 1], [2, 3]]] and not findings
    findings = quantized(source, replace(WIDTHS, per_neuron_bias=False), grid=grid)[1]
    assert codes(findings) == ["feature-bias-map"]


def test_a_bias_that_is_the_same_everywhere_is_kept_once():
    bias = floats(np.broadcast_to(np.array([1.0, -2.0]).reshape(2, 1, 1), (4, 2, 3, 3)))
    source = circuit(
        (2, 3, 3),
        (population("n", (2, 3, 3), bias=bias), population("out", (2, 3, 3), READOUT)),
        (
            projection(INPUT, "n", Identity(), [1.0, 1.0]),
            projection("n", "out", Identity(), [1.0, 1.0], name="c"),
        ),
    )
    qc, findings = quantized(source, STRICT_WIDTHS, grid=replace(BITS, shape=(2, 3, 3)))
    assert qc.population("n").bias.shape == (2, 1, 1)
    assert not [f for f in findings if f.code.startswith("feature")]


def test_multispike_thresholds_are_a_power_of_two():
    model = NeuronModel(emits=Emits.MULTISPIKE, reset=Reset.SUBTRACT, levels=(one(0.5),))
    qc, findings = quantized(layer([[0.3, 0.7]], model))
    n = qc.population("n")
    unit = n.scale[0] / 2**n.fraction_bits
    assert unit * 2**n.neuron.multispike_shift == 0.5 and n.neuron.multispike_ge
    assert n.neuron.amounts[0].item() == 2**n.neuron.multispike_shift and not findings
    odd = replace(model, levels=(one(0.6),))
    assert "multispike-threshold" in codes(errors_of(quantized(layer([[0.3, 0.7]], odd))[1]))
    qc, findings = quantized(layer([[0.3, 0.7]], odd), free_scales=True)
    n = qc.population("n")
    assert n.scale[0] / 2**n.fraction_bits * 2**n.neuron.multispike_shift == pytest.approx(0.6)
    assert not errors_of(findings)


def test_outputs_beyond_the_payload_are_errors():
    model = NeuronModel(emits=Emits.MULTISPIKE, reset=Reset.SUBTRACT, levels=(one(0.5),))
    findings = quantized(layer([[3.0, 7.0]], model), replace(WIDTHS, payload_bits=4))[1]
    assert codes(errors_of(findings)) == ["payload"]


def test_currents_that_cannot_fit_are_errors():
    small = replace(WIDTHS, membrane_bits=8, threshold_bits=8, fraction_bits=0)
    findings = quantized(layer([[0.75, 0.5]]), small, grid=replace(BITS, bits=9))[1]
    assert "current-overflow" in codes(errors_of(findings))


def test_summands_must_have_one_unit():
    relay = NeuronModel(emits=Emits.GRADED)
    source = circuit(
        (2, 1, 1),
        (
            population("r", (2, 1, 1), relay),
            population("s", (2, 1, 1)),
            population("out", (2, 1, 1), READOUT),
        ),
        (
            projection(INPUT, "r", Identity(), [0.25, 0.75]),
            projection(INPUT, "s", Identity(), [1.0, 1.0], name="s"),
            projection(("r", "s"), "out", Identity(), [1.0, 1.0], name="join"),
        ),
    )
    qc, findings = quantized(source)
    assert qc.population("r").unit == 0.25
    assert codes(errors_of(findings)) == ["join-units"]


def test_free_scales_use_all_bits():
    qc, _ = quantized(layer([[0.3, -0.1], [0.11, 0.7]]), free_scales=True)
    assert np.abs(qc.projections[0].weight).max(1).tolist() == [127, 127]
    assert qc.population("n").scale == pytest.approx([0.3 / 127, 0.7 / 127])


def test_least_squares_may_clip():
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.05, (1, 4000))
    weight[0, 0] = 0.6
    grid = replace(BITS, shape=(4000, 1, 1))
    source = circuit(
        (4000, 1, 1),
        (population("n", (1, 1, 1)), population("out", (1, 1, 1), READOUT)),
        (
            projection(INPUT, "n", Dense(), weight),
            projection("n", "out", Identity(), [1.0], name="c"),
        ),
    )
    low = replace(WIDTHS, weight_bits=4)
    errors = {}
    for method in ("max", "mse"):
        qc, _ = quantized(source, low, grid=grid, method=method)
        real = qc.projections[0].weight * qc.population("n").scale[0]
        errors[method] = float(((real - weight) ** 2).sum())
    assert errors["mse"] < errors["max"]
    assert qc.projections[0].weight[0, 0] == 7, "clipped"


def test_agree_takes_what_fires_most_like_the_source():
    rng = np.random.default_rng(1)
    weight = rng.normal(0, 0.05, (3, 400))
    weight[:, 0] = 0.6
    frames = floats(rng.integers(0, 2, (4, 6, 400, 1, 1)))
    source = circuit(
        (400, 1, 1),
        (
            population("n", (3, 1, 1), NeuronModel(levels=(one(0.7),))),
            population("out", (3, 1, 1), READOUT),
        ),
        (
            projection(INPUT, "n", Dense(), weight),
            projection("n", "out", Identity(), [1.0] * 3, name="c"),
        ),
    )
    data = InputData(kind=InputKind.FRAMES, values=frames)
    low = replace(WIDTHS, weight_bits=4)
    grid = replace(BITS, shape=(400, 1, 1))
    found = {
        m: quantized(source, low, grid=grid, method=m, calibration=data)[0]
        for m in ("max", "mse", "agree")
    }
    wrong = {m: _differing(source, qc, data) for m, qc in found.items()}
    assert wrong["agree"] == min(wrong.values()) and wrong["max"] != wrong["mse"]


def _differing(source, qc, data):
    from snn2chip.circuit.engine import run as run_circuit
    from snn2chip.engines.spec import run as run_spec
    from snn2chip.quantize.input import quantize_input

    spec = run_spec(qc, quantize_input(qc.input, data)[0]).outputs["n"]
    original = run_circuit(source, data).outputs["n"]
    assert 0.02 <= original.mean() <= 0.6
    return int((spec != original).sum())


def test_methods_by_name():
    with pytest.raises(Snn2ChipError, match=r"unknown value 'maxx'.*did you mean 'max'"):
        quantized(layer([[0.3, 0.1]]), method="maxx")
    with pytest.raises(Snn2ChipError, match="calibration"):
        quantized(layer([[0.3, 0.1]]), method="agree")


def test_without_a_grid_the_input_is_taken_from_the_circuit_or_the_calibration():
    source = layer([[0.75, 0.5]])
    assert quantize(source, WIDTHS, target="test")[0].input.bits == 8
    data = InputData(kind=InputKind.FRAMES, values=floats(np.full((4, 1, 2, 1, 1), 3.0)))
    assert quantize(source, WIDTHS, target="test", calibration=data)[0].input.scale == 1.0
    known = replace(source, input=replace(source.input, scale=0.5, bits=3, signed=True))
    grid = quantize(known, WIDTHS, target="test")[0].input
    assert (grid.scale, grid.bits, grid.signed) == (0.5, 3, True)
