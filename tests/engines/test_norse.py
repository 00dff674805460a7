"""The norse engine: norse's neurons fire what the circuit engine and, on twins, what the spec fires; or say why not."""

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2chip.arrays import floats, ints
from snn2chip.circuit.engine import run as run_circuit
from snn2chip.circuit.layers import layer_outputs
from snn2chip.circuit.nir_library_neurons import neuron
from snn2chip.circuit.types import INPUT, Conv, Dense
from snn2chip.cli.main import main
from snn2chip.engines import norse as engine
from snn2chip.engines import registry, spec
from snn2chip.engines.registry import Level
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.inputs import InputData
from snn2chip.lowering import lower
from snn2chip.network.judge import FLOAT32
from snn2chip.network.types import InputKind
from snn2chip.neuron import Compare, Emits
from snn2chip.quantize.types import QuantizedCircuit
from snn2chip.readers.nir import read_nir
from snn2chip.recordings import load
from snn2chip.verify.ties import TieJudge
from tests.circuit.nir_circuits import circuit as float_circuit
from tests.circuit.nir_circuits import plain_circuit, population, projection
from tests.circuit.test_nir_library import block, frames
from tests.engines.random_circuits import Builder, events, real_shortcuts
from tests.engines.same import same
from tests.readers.on_grid import with_population
from tests.readers.recorded import differing, load_case
from tests.readers.test_nir_cases import CASES as NIR_CASES
from tests.readers.test_nir_cases import opened, recorded, text

STEPS = 3
DATA = Path(__file__).parents[2] / "examples" / "data"


@cache
def hard(seed: int, halvings: int = 1) -> tuple[QuantizedCircuit, InputData]:
    """A residual block with a shortcut of its own, an AND, hard resets, decays of 0, 1 and 2^-halvings."""
    rng = np.random.default_rng(seed)
    kept = halvings * (STEPS - 1)
    data, taken = events(rng, STEPS, 3, (4, 7, 6))
    b = Builder(rng=rng, steps=STEPS, inputs=data, input=taken, v_limit=(1 << 23) - 1)
    leaks: dict[str, Any] = {"delta": ints([[[4096 - (4096 >> halvings)]]]), "f": kept}
    around, halved = Conv(padding=(1, 1)), Conv(stride=(2, 2))
    b.neurons("stem", b.project((INPUT,), "stem", around, 8), **leaks)
    b.neurons("a", b.project(("stem",), "a", around, 8, e=1), whole=True)
    b.neurons("b", b.project(("a", "stem"), "b", Conv(stride=(2, 2), padding=(1, 1)), 12), **leaks)
    b.neurons("side", b.project(("stem", "stem"), "side", halved, 12, (1, 1)))
    gate = b.project(("b", "side"), "gate", Conv(groups=12), 12, (1, 1), bits=3)
    b.neurons("gate", gate, delta=ints([[[4095]]]))
    b.project(("gate",), "answer", Dense(pooled=True), 5)
    b.neurons("answer", b.project(("b", "side"), "answer", Dense(), 5), emits=Emits.NOTHING)
    qc = b.circuit("answer")
    for p in qc.populations:
        bias = p.bias if p.bias.shape[1:] == (1, 1) else ints(np.zeros((1, 1, 1)))
        qc = with_population(qc, p.name, bias=ints(bias >> p.fraction_bits << p.fraction_bits))
    return qc, b.inputs


@pytest.mark.parametrize("halvings", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_twins_fire_as_the_spec(seed, halvings):
    qc, inputs = hard(seed, halvings)
    need = spec.run(qc, inputs)
    assert all(np.any(need.outputs[p.name]) for p in qc.populations[:-1])
    same(engine.run_twin(qc, inputs), need)


def test_nothing_is_recorded_that_was_not_asked_for():
    qc, inputs = hard(1)
    seen: list[float] = []
    got = engine.run_twin(qc, inputs, record=False, progress=seen.append)
    need = spec.run(qc, inputs)
    assert not got.outputs
    assert np.array_equal(got.potentials["answer"], need.potentials["answer"])
    assert np.array_equal(got.decision, need.decision)
    assert seen == [1 / 3, 2 / 3, 1.0]


def test_a_spike_more_is_seen():
    """The comparison can fail: one weight unit more on the twin's side."""
    qc, inputs = hard(1)
    first = qc.projections[0]
    changed = replace(
        qc, projections=(replace(first, weight=first.weight + 1), *qc.projections[1:])
    )
    with pytest.raises(AssertionError, match="stem"):
        same(engine.run_twin(changed, inputs), spec.run(qc, inputs))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda qc: with_population(qc, "b", fraction_bits=1), "b: .*its decay rounds"),
        (
            lambda qc: with_population(qc, "a", scale=qc.population("a").scale * 3),
            "a: .*no powers of two",
        ),
        (
            lambda qc: with_population(qc, "a", bias=ints(qc.population("a").bias + (1 << 24))),
            r"a: .*2\^24",
        ),
        (lambda qc: replace(qc, input=replace(qc.input, scale=1 / 255)), "input: .*no power"),
        (lambda qc: replace(qc, v_limit=1000), "clipped"),
    ],
)
def test_what_is_not_proved_does_not_run(change, why):
    qc, inputs = hard(1)
    with pytest.raises(StatementError, match=f"float32-twin.*{why}"):
        engine.run_twin(change(qc), inputs)


def test_scaled_membranes_need_bits():
    """With d = 1/4 norse's numbers are three times as long: 2^23 units fit without the leak, and not with it."""
    qc, inputs = hard(1, 2)
    stem = qc.population("stem")
    high = with_population(qc, "stem", bias=ints(stem.bias + (3 << 20)))
    with pytest.raises(StatementError, match=r"float32-twin.*stem: .*units that float32 needs"):
        engine.run_twin(high, inputs)
    half = hard(1, 1)[0]
    stem = half.population("stem")
    half = with_population(half, "stem", bias=ints(stem.bias + (3 << 20)))
    same(engine.run_twin(half, inputs), spec.run(half, inputs))


def test_a_decay_that_norse_does_not_have():
    """1/tau in float32 is 1 - 1/8 for no tau."""
    qc, inputs = hard(1, 3)
    with pytest.raises(StatementError, match=r"float32-twin.*stem: norse makes another decay"):
        engine.run_twin(qc, inputs)


@pytest.mark.parametrize("compare", [Compare.GREATER, Compare.GREATER_EQUAL])
def test_a_membrane_at_its_threshold(compare):
    """v = 4 = θ with d = 1/4: norse keeps u = 3, and its file says where that fires."""
    leaky = population("n", (2, 6, 6), decay=floats([[[0.25]]]), levels=(floats([[[4.0]]]),))
    leaky = replace(leaky, neuron=replace(leaky.neuron, compare=compare))
    net = float_circuit(
        [leaky], [projection(INPUT, "n", Conv(), floats(np.eye(2)[:, :, None, None]))]
    )
    x = InputData(kind=InputKind.FRAMES, values=np.full((3, 1, 2, 6, 6), 4.0))
    need = run_circuit(net, x)
    assert np.all(need.outputs["n"][0] == (compare is Compare.GREATER_EQUAL))
    assert np.array_equal(engine.run(net, x).outputs["n"], need.outputs["n"])
    written = neuron(leaky, "n", engine.NORSE).fields["v_threshold"]
    at = np.nextafter(np.float32(3), np.float32(0)) if np.any(need.outputs["n"][0]) else 3
    assert np.all(np.asarray(written) == at)


@pytest.mark.parametrize(
    "net",
    [block(), block(Compare.GREATER), block(branch=True, pooled=True), plain_circuit()],
    ids=["residual", "strict", "shortcut with neurons", "gates"],
)
def test_circuits_fire_as_the_circuit_engine(net):
    x = InputData(kind=InputKind.FRAMES, values=frames())
    need, got = run_circuit(net, x), engine.run(net, x)
    for name, values in need.outputs.items():
        assert np.array_equal(got.outputs[name], values), name
    assert got.potentials.keys() == need.potentials.keys()
    for name, v in need.potentials.items():
        assert np.array_equal(got.potentials[name], v), name
    assert np.array_equal(got.decision, need.decision)


@pytest.mark.parametrize("case", ["norse_lifbox", "snntorch_leaky_zero", "spikingjelly_sew_if"])
def test_recorded_nir_files_fire_as_recorded(case):
    folder = next(f for f in NIR_CASES if f.name == case)
    told, x = opened(folder)
    net = lower(read_nir(folder / "model.nir", text(told), told["T"])).circuit
    data = InputData(kind=InputKind.FRAMES, values=x.astype(np.float64))
    got = layer_outputs(net, engine.run(net, data).outputs)
    need = {n: a for n, a in recorded(folder, told).items() if "#" not in n}
    assert len(need) > 2
    for name, array in need.items():
        assert np.array_equal(got[name].reshape(array.shape), array), name


@pytest.mark.parametrize("case", ["sew_resnet18_add_natural", "dvsgesture_7b_natural"])
def test_recorded_checkpoints_fire_as_recorded(case, tmp_path):
    model = load_case(case, tmp_path)
    assert model.inputs is not None
    net = lower(model.network).circuit
    got = engine.run(net, model.inputs)
    assert differing(case, layer_outputs(net, got.outputs)) == []
    judge = TieJudge(unit=FLOAT32)
    judge.expect(got.outputs, 0)
    run_circuit(net, model.inputs, judge=judge)
    assert judge.rung("1b", "norse", ()).passed


def test_what_norse_has_no_neurons_for(tmp_path):
    net = lower(load_case("mlf_resnet14_exact", tmp_path).network).circuit
    with pytest.raises(StatementError, match=r"nir-library.*neurons have several thresholds"):
        engine.run(net, InputData(kind=net.input.kind, values=np.zeros((1, *net.input.shape))))
    qc, inputs = real_shortcuts(0)
    with pytest.raises(StatementError, match=r"nir-library.*change from step to step.*relays emit"):
        engine.run_twin(qc, inputs)


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "norse", None)
    monkeypatch.setitem(sys.modules, "norse.torch", None)
    monkeypatch.delitem(sys.modules, "snn2chip.engines.norse")
    with pytest.raises(Snn2ChipError, match=r"package-missing.*norse.*snn2chip\[norse\]"):
        registry.engine("norse", (Level.QUANTIZED,)).load()


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    np.save(folder / "x.npy", np.load(DATA / "digits_test.npy")[:3])
    words = [str(DATA / "digits.pth"), "--target", "loihi2", "--input", str(folder / "x.npy")]
    assert main(["compile", *words, "--layout", "NCHW", "--out", str(folder / "build")]) == 0
    return folder


def test_simulate_runs_the_chips_numbers(build, capsys):
    words = ["simulate", str(build / "build"), "--input", str(build / "x.npy"), "--engine"]
    assert main([*words, "norse"]) == 0
    assert "through the norse engine" in capsys.readouterr().out
    assert main([*words, "spec"]) == 0
    (got, x), (need, y) = (
        load(build / "build" / "recordings" / f"{name}.npz") for name in ("norse", "spec")
    )
    assert np.array_equal(x.values, y.values)
    same(got, need)


@pytest.mark.parametrize("source", ["checkpoint", "build"])
def test_trace_runs_the_float_circuit(build, source, tmp_path):
    model = str(DATA / "digits.pth" if source == "checkpoint" else build / "build")
    words = ["trace", model, "--input", str(build / "x.npy"), "--layout", "NCHW", "--engine"]
    traces: dict[str, Any] = {}
    for name in ("norse", "circuit"):
        assert main([*words, name, "-o", str(tmp_path / f"{name}.npz")]) == 0
        with np.load(tmp_path / f"{name}.npz") as z:
            traces[name] = dict(z)
    assert traces["norse"].keys() == traces["circuit"].keys() != set()
    for name, values in traces["circuit"].items():
        assert np.array_equal(traces["norse"][name], values), name
