"""Files for norse, snnTorch, SpikingJelly and sinabs: imported there they fire the circuit's spikes, with ==."""

import re
from typing import Any

import numpy as np
import pytest

from snn2chip.arrays import floats
from snn2chip.circuit.engine import run
from snn2chip.circuit.nir_library import library_called, library_notes, write_for
from snn2chip.circuit.nir_library_neurons import LIBRARIES
from snn2chip.circuit.types import INPUT, Conv, Dense, InputKind, Join, Role
from snn2chip.cli.main import main
from snn2chip.errors import Snn2ChipError, StatementError
from snn2chip.inputs import InputData
from snn2chip.lowering import lower
from snn2chip.neuron import Compare, Emits, Reset
from snn2chip.readers.nir import read_nir
from tests.circuit.nir_circuits import (
    STEPS,
    circuit,
    everything,
    plain_circuit,
    population,
    projection,
    residual,
    weights,
)
from tests.readers.foreign import outputs_of
from tests.readers.test_nir_cases import CASES, opened, text

HARD = ("norse", "snntorch", "spikingjelly")
SAME = Conv(padding=(1, 1))


def block(compare=Compare.GREATER_EQUAL, branch=False, pooled=False, **more):
    """stem -> a, pool and read-out of both; `branch`: the shortcut has neurons of its own; `pooled`: the answer
    reads it too."""
    half: dict[str, Any] = {"decay": floats([[[0.5]]]), "compare": compare, **more}
    pops = [
        population("stem", (4, 6, 6), bias=weights(1, 4, 1, 1), compare=compare, **more),
        population("lay.er/a", (4, 6, 6), **half),
        population("b", (4, 6, 6), levels=(floats([[[1.5]]]),), **half),
    ]
    joined = ("stem", "b")
    links = [
        projection(INPUT, "stem", SAME, weights(4, 4, 2, 3, 3)),
        projection("stem", "lay.er/a", SAME, weights(5, 4, 4, 3, 3)),
        projection("lay.er/a", "b", Conv(padding=(1, 1), groups=2), weights(6, 4, 2, 3, 3)),
    ]
    if branch:
        pops.append(population("side", (4, 6, 6), **half))
        links.append(projection("stem", "side", Conv(), weights(9, 4, 4, 1, 1)))
        joined = ("side", "b")
    pops.append(population("c", (4, 3, 3), compare=compare, **more))
    links.append(
        projection(joined, "c", Conv(stride=(2, 2), groups=4), floats(np.ones((4, 1, 2, 2))))
    )
    fires: dict[str, Any] = {"role": Role.READOUT, "emits": Emits.NOTHING, "reset": Reset.NONE}
    pops.append(population("fc", (5, 1, 1), bias=weights(3, 5, 1, 1), **fires))
    links.append(projection("c", "fc", Dense(), weights(7, 5, 36)))
    if pooled:
        links.append(projection(joined, "fc", Dense(pooled=True), weights(8, 5, 4)))
    return circuit(pops, links, (Join(name="block#out", summands=joined),))


def frames(seed=1):
    return np.random.default_rng(seed).integers(0, 5, (STEPS, 2, 2, 6, 6)) / 2


def called(name):
    """A population's name in the file: what Python may call an attribute."""
    plain = re.sub(r"\W", "_", name)
    return "and_" if plain == "and" else plain


def fires(net, library, path, x):
    """The library fires what the circuit engine fires, in every population and in the answer."""
    write_for(net, LIBRARIES[library], path)
    need = run(net, InputData(kind=InputKind.FRAMES, values=x))
    got = outputs_of(library, path, x, 1.0)
    for name, array in need.outputs.items():
        if name not in need.potentials:
            there = got[called(name)].reshape(np.shape(array))
            assert np.any(array), name
            assert np.array_equal(there, array), name
    return need, got


@pytest.mark.parametrize("library", HARD)
@pytest.mark.parametrize("compare", [Compare.GREATER, Compare.GREATER_EQUAL])
def test_a_residual_block_fires_alike_in_the_library(tmp_path, library, compare):
    net = block(compare)
    need, got = fires(net, library, tmp_path / "net.nir", frames())
    answer = got["fc_from_c"].sum(0).reshape(2, 5)
    assert np.array_equal(answer, need.potentials["fc"].reshape(2, 5))


def test_both_sides_of_the_threshold_are_met():
    """Else `>` and `>=` would be the same here, and the files' thresholds would not be tried."""
    x = InputData(kind=InputKind.FRAMES, values=frames())
    some, more = (run(block(c), x).outputs["b"] for c in (Compare.GREATER, Compare.GREATER_EQUAL))
    assert not np.array_equal(some, more)


@pytest.mark.parametrize("library", ["snntorch", "norse"])
def test_gates_fire_alike_in_the_library(tmp_path, library):
    """AND, a pool of spikes, two thresholds in one network."""
    net = plain_circuit()
    if library == "norse":  # it runs sums depth first
        with pytest.raises(StatementError, match=r"nir-library.*before its summand"):
            write_for(net, LIBRARIES[library], tmp_path / "net.nir")
        return
    fires(net, library, tmp_path / "net.nir", frames())


@pytest.mark.parametrize("library", ["snntorch", "spikingjelly"])
def test_a_shortcut_with_neurons_fires_alike_where_sums_wait(tmp_path, library):
    net = block(branch=True, pooled=True)
    need, got = fires(net, library, tmp_path / "net.nir", frames())
    assert np.array_equal(
        got["output_sum"].sum(0).reshape(2, 5), need.potentials["fc"].reshape(2, 5)
    )


@pytest.mark.parametrize(
    ("case", "library"),
    [
        ("norse_lifbox", "norse"),
        ("spikingjelly_sew_if", "norse"),
        ("snntorch_leaky_zero", "snntorch"),
        ("spikingjelly_lif", "spikingjelly"),
        ("sinabs_iaf_multispike", "sinabs"),
        ("sinabs_lif_exp", "sinabs"),
    ],
)
def test_recorded_networks_go_back_into_libraries(tmp_path, case, library):
    folder = next(f for f in CASES if f.name == case)
    told, x = opened(folder)
    net = lower(read_nir(folder / "model.nir", text(told), told["T"])).circuit
    fires(net, library, tmp_path / "net.nir", x.astype(np.float64))


@pytest.mark.parametrize("library", HARD)
def test_we_read_the_file_with_the_convention_of_its_note(tmp_path, library):
    net, wanted = block(), LIBRARIES[library]
    write_for(net, wanted, tmp_path / "net.nir")
    assert f"--convention {wanted.convention}" in " ".join(library_notes(net, wanted))
    x = InputData(kind=InputKind.FRAMES, values=frames())
    back = run(lower(read_nir(tmp_path / "net.nir", wanted.convention, STEPS)).circuit, x)
    need = run(net, x)
    for name in ("stem", "b", "c"):
        assert np.array_equal(back.outputs[name], need.outputs[name]), name


@pytest.mark.parametrize(
    ("net", "library", "words"),
    [
        (residual(), "norse", ["subtracts the threshold", "(b)"]),
        (plain_circuit(), "spikingjelly", ["without memory", "(and, pool)"]),
        (block(), "sinabs", ["one spike in a step", "stem, lay.er/a, b and 1 more"]),
        (everything(), "snntorch", ["several thresholds", "rounded", "a floor", "per step"]),
        (block(branch=True), "norse", ["before its summand", "a shortcut with layers"]),
    ],
)
def test_what_a_library_cannot_represent_is_named(tmp_path, net, library, words):
    with pytest.raises(StatementError) as e:
        write_for(net, LIBRARIES[library], tmp_path / "net.nir")
    assert e.value.finding.code == "nir-library"
    for word in words:
        assert word in str(e.value).replace("from step to step", "per step")
    assert not (tmp_path / "net.nir").exists()


def test_an_unknown_library_is_refused():
    with pytest.raises(Snn2ChipError, match=r"--for.*did you mean 'norse'"):
        library_called("nors")


def test_the_command_writes_it(tmp_path, capsys):
    source = next(f for f in CASES if f.name == "spikingjelly_lif") / "model.nir"
    told = ["--convention", "spikingjelly", "--steps", "4"]
    out = tmp_path / "net.nir"
    assert main(["convert", str(source), *told, "--for", "snntorch", "-o", str(out)]) == 0
    assert "snntorch.import_nir.import_from_nir(graph)" in capsys.readouterr().out
    assert out.exists()
    assert main(["convert", str(source), *told, "--for", "sinabs", "-o", str(out)]) == 1
