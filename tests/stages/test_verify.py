"""`verify`: an executor that cannot express the network is left out of `all`, and an error where it is named."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from snn2chip.cli.main import main
from snn2chip.onnx_export import widths

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """The digits network on a chip with membranes of 32 bits, which Lava's messages do not carry."""
    folder, data = tmp_path_factory.mktemp("wide"), ROOT / "examples" / "data"
    narrow = (ROOT / "targets" / "loihi2.toml").read_text()
    text = narrow.replace("membrane_bits = { value = 24", "membrane_bits = { value = 32")
    assert text != narrow
    (folder / "wide.toml").write_text(text)
    np.save(folder / "x.npy", np.load(data / "digits_test.npy")[:1])
    words = ["compile", str(data / "digits.pth"), "--target", str(folder / "wide.toml")]
    words += ["--input", str(folder / "x.npy"), "--layout", "NCHW", "--out", str(folder / "build")]
    assert main(words) == 0
    return folder


def verify(folder, *more):
    return main(["verify", str(folder / "build"), "--input", str(folder / "x.npy"), *more])


@pytest.mark.usefixtures("lava")
def test_who_cannot_express_the_network_is_left_out_of_all(wide, monkeypatch, capsys):
    assert verify(wide, "--engine", "all") == 0
    shown = capsys.readouterr().out
    said = "fc: its current or output can leave the 32-bit messages of Lava"
    assert f"left out: executor lava: {said} (lava-width: have 2147483647; need below" in shown
    assert re.search(r"compared +layer +dense +core +onnx +norse\n", shown)

    monkeypatch.setattr(widths, "INT64", 1 << 30)
    assert verify(wide, "--engine", "all") == 0
    verdict = json.loads((wide / "build" / "verdict.json").read_text())
    rung = next(r for r in verdict["rungs"] if r["rung"] == "3")
    assert set(rung["executors"]) == {"layer", "dense", "core", "norse"} and rung["compared"] > 0
    assert [re.findall(r"executor \w+|\w+-width", text) for text in verdict["left_out"]] == [
        ["executor onnx", "onnx-width"],
        ["executor lava", "lava-width"],
    ]


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("words", [["lava"], ["onnx"], ["all", "--engine", "onnx"]], ids=" ".join)
def test_asked_for_by_name_it_is_an_error(wide, words, monkeypatch, capsys):
    monkeypatch.setattr(widths, "INT64", 1 << 30)
    assert verify(wide, "--engine", *words) == 1
    assert f"error[{words[-1]}-width]" in capsys.readouterr().err


def of_nir(folder, case, *convention):
    """A build of a recorded `.nir` file, and the words of its verification."""
    source, x = ROOT / "tests" / "cases" / "nir" / case, folder / "x.npy"
    with np.load(source / "input.npz") as z:
        np.save(x, z["x"])
    given = ["--input", str(x), "--layout", "TNCHW"]
    words = [str(source / "model.nir"), "--target", "loihi2", "--convention", *convention]
    assert main(["compile", *words, *given, "--steps", "8", "--out", str(folder / "build")]) == 0
    return ["verify", str(folder / "build"), *given, "--engine"]


def rungs(folder):
    verdict = json.loads((folder / "build" / "verdict.json").read_text())
    return {r["rung"]: r for r in verdict["rungs"]}


def test_norse_runs_the_float_circuit_where_its_twin_would_round(tmp_path, capsys):
    """Seven halvings lose bits of six: rung 1b holds, rung 3 goes on without it."""
    words = of_nir(tmp_path, "norse_lifbox", "norse,dt=1,v_init=0")
    assert main([*words, "norse"]) == 0
    assert "executor norse: 1: float32 may not fire the chip's" in capsys.readouterr().out
    found = rungs(tmp_path)
    float32 = found["1b"]
    assert float32["passed"] and float32["sides"][0] == "network.nir in norse, float32"
    assert (float32["compared"], float32["differing"]) == (5200, 0)
    assert "norse" not in found["3"]["executors"]


def test_norse_against_another_circuit(tmp_path, monkeypatch, capsys):
    """Rung 1b can fail: norse gets thresholds a tenth higher."""
    words = of_nir(tmp_path, "norse_lifbox", "norse,dt=1,v_init=0")
    from snn2chip.circuit import nir_library_neurons as neurons

    strict = neurons._strict
    monkeypatch.setattr(neurons, "_strict", lambda x, compare: strict(1.1 * x, compare))
    assert main([*words, "norse"]) == 1
    said = "NOT VERIFIED: rung 1b \\(float circuit in norse\\): .* of 5,200 differ; first: 1, step"
    assert re.search(said, capsys.readouterr().out)


def test_a_reset_that_norse_has_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # without Lava, which is not asked here
    words = of_nir(tmp_path, "snntorch_leaky_subtract", "snntorch")
    assert main([*words, "norse"]) == 1
    why = "cannot represent this network: the reset is subtracted in the step after the spike"
    assert f"error[nir-library] norse: {why}" in capsys.readouterr().err
    assert main([*words, "all"]) == 0
    assert f"left out: executor norse: {why}" in capsys.readouterr().out
    assert "1b" not in rungs(tmp_path) and "norse" not in rungs(tmp_path)["3"]["executors"]
