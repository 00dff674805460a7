"""Files and spikes of norse, snnTorch, SpikingJelly and sinabs: the float engine repeats them exactly.

Each case has a `.nir` file from the library's own exporter, an input and the spikes of the library itself.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from snn2chip.readers.nir import read_nir
from tests.readers.nir_files import neuron, spikes

CASES = sorted(f.parent for f in (Path(__file__).parents[1] / "cases" / "nir").glob("*/case.json"))

# The recorded name of each wrong guess -> the keys that make it. Guesses for a gain are worded per library.
GUESSES = {
    "compare >=": "compare=>=",
    "compare >": "compare=>,spike=binary",  # of one spike a step, in the recordings of sinabs too
    "subtract": "reset=subtract",
    "subtract same step": "reset=subtract,reset_timing=same_step",
    "hard": "reset=hard",
    "gain 1": "gain=1",
    "gain r*dt/tau": "gain=r*dt/tau",
    "gain r missing": "gain=dt/tau",
    "exp decay": "decay=exp",
    "euler": "decay=euler",
    "binary >=": "spike=binary",
}


def text(case, more=""):
    keys = [f"{k}={'none' if v is None else v}" for k, v in case["convention"].items()]
    return ",".join([case["library"], *keys, *([more] if more else [])])


def opened(folder):
    case = json.loads((folder / "case.json").read_text())
    with np.load(folder / "input.npz") as z:
        x = z["x"]
    return case, x


def recorded(folder, case):
    """Spikes of the library, by layer: packed bits, or whole numbers."""
    with np.load(folder / "spikes.npz") as z:
        return {
            layer["name"]: np.unpackbits(
                z[layer["name"]], count=int(np.prod(layer["shape"]))
            ).reshape(layer["shape"])
            if layer["dtype"] == "bit"
            else z[layer["name"]]
            for layer in case["layers"]
        }


def run_as(folder, case, x, convention):
    return spikes(read_nir(folder / "model.nir", convention, case["T"]), x)


@pytest.mark.parametrize("folder", CASES, ids=lambda f: f.name)
def test_spikes_are_those_of_the_library(folder):
    case, x = opened(folder)
    have = run_as(folder, case, x, text(case))
    need = recorded(folder, case)
    for name, array in need.items():
        assert have[name].shape == array.shape
        assert np.array_equal(have[name], array), name


@pytest.mark.parametrize("folder", CASES, ids=lambda f: f.name)
def test_neurons_have_the_recorded_numbers(folder):
    case, _ = opened(folder)
    network = read_nir(folder / "model.nir", text(case), case["T"])
    for name, need in case["resolved"].items():
        model = neuron(network, name)
        assert model.decay.item() == need["decay"]
        assert model.input_gain.item() == need["gain"]
        assert model.threshold.item() == need["threshold"]


@pytest.mark.parametrize("folder", CASES, ids=lambda f: f.name)
def test_wrong_guesses_differ_as_recorded(folder):
    case, x = opened(folder)
    need = recorded(folder, case)
    wrong = case["wrong_conventions_mismatching_spikes"]
    guesses = {name: keys for name, keys in GUESSES.items() if name in wrong}
    assert guesses
    for guess, keys in guesses.items():
        have = run_as(folder, case, x, text(case, keys))
        assert {n: int((have[n] != need[n]).sum()) for n in need} == wrong[guess], guess


def test_a_residual_sum_is_a_layer_of_its_own():
    folder = next(f for f in CASES if f.name == "spikingjelly_sew_if")
    network = read_nir(folder / "model.nir", "spikingjelly", 8)
    assert network.layer("pool#in").inputs == ("b1_sn2", "sn")
    assert network.layer("pool").inputs == ("pool#in",)
