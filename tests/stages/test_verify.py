"""`verify`: an executor that cannot express the network is left out of `all`, and an error where it is named."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from snn2chip.build import open_build
from snn2chip.cli.main import main
from snn2chip.onnx_export import widths
from snn2chip.progress import Silent
from snn2chip.stages.data import own_input

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


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The digits network, compiled with one image, whose layout the command says."""
    folder, data = tmp_path_factory.mktemp("digits"), ROOT / "examples" / "data"
    np.save(folder / "x.npy", np.load(data / "digits_test.npy")[:1])
    words = ["compile", str(data / "digits.pth"), "--input", str(folder / "x.npy")]
    assert main([*words, "--layout", "NCHW", "--out", str(folder / "build")]) == 0
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


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize("words", [["onnx, lava-fast"], ["onnx", "lava-fast,onnx"]], ids=" ".join)
def test_several_executors_in_one_verdict(digits, words, capsys):
    """And Lava says how long it may take before it starts."""
    named = [w for name in words for w in ("--engine", name)]
    assert main(["verify", str(digits / "build"), *named]) == 0
    said = capsys.readouterr()
    assert "\n          layer, dense, core, onnx, lava-fast against spec\n" in said.out
    assert said.err.index("lava-fast: some seconds on two idle cores") < said.err.index(
        "verify 1/1"
    )
    assert set(rungs(digits)["3"]["executors"]) == {"layer", "dense", "core", "onnx", "lava-fast"}


def test_a_wrong_name_among_several_is_told_with_all_that_there_are(digits, capsys):
    assert main(["verify", str(digits / "build"), "--engine", "onnx,lvaa"]) == 2
    said = "no engine 'lvaa' here (need spec | layer | dense | core | onnx | lava | lava-fast | norse | all)"
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("lava")
def test_simulate_says_how_long_lava_may_take(digits, capsys):
    words = ["simulate", str(digits / "build"), "--input", str(digits / "x.npy")]
    assert main([*words, "--engine", "lava"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("lava: some seconds with Lava's own models, on two idle cores\n")


def test_without_an_input_the_build_has_its_own(digits, capsys):
    x, verdict = digits / "x.npy", digits / "build" / "verdict.json"
    words = ["verify", str(digits / "build")]
    assert main([*words, "--input", str(x), "--layout", "NCHW"]) == 0
    named = verdict.read_text()
    verdict.unlink()
    capsys.readouterr()
    assert main(words) == 0
    assert f"input: {x}, which the build was made with\n" in capsys.readouterr().err
    assert verdict.read_text() == named

    whole = x.read_bytes()
    for state in ("changed", "gone"):
        np.save(x, np.zeros((2, 1, 8, 8), np.float32)) if state == "changed" else x.unlink()
        assert main(words) == 2
        said = capsys.readouterr().err
        assert f"the build was made with, {x}, is {state} - give --input X.npy, or --recor" in said
    x.write_bytes(whole)


@pytest.mark.parametrize(("said", "taken"), [(None, "NCHW"), ("NTCHW", "NTCHW")])
def test_its_own_input_is_in_the_layout_that_compile_was_told(digits, said, taken):
    found = own_input(open_build(digits / "build"), said, Silent())
    assert found == (str(digits / "x.npy"), taken)


def test_a_build_without_an_input_has_none_to_verify_with(tmp_path, capsys):
    words = ["compile", str(ROOT / "examples" / "data" / "digits.pth"), "--shape", "1,8,8"]
    assert main([*words, "--out", str(tmp_path / "build")]) == 0
    assert main(["verify", str(tmp_path / "build")]) == 2
    said = "error[usage] verify: needs an input, and build.toml names none - give --input X.npy, or"
    assert said in capsys.readouterr().err


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
