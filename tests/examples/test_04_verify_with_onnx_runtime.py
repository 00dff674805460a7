"""`onnx export`, the script that runs the file without snn2chip, and the onnx engine in every command."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from snn2chip.cli.main import main
from snn2chip.engines.onnx import execute, session
from snn2chip.recordings import load
from tests.engines.same import same

ROOT = Path(__file__).parents[2]
DATA = ROOT / "examples" / "data"
SAMPLES = 40


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """A compiled build of the digits network, and its input."""
    folder = tmp_path_factory.mktemp("onnx")
    np.save(folder / "x.npy", np.load(DATA / "digits_test.npy")[:SAMPLES])
    words = ["compile", str(DATA / "digits.pth"), "--input", str(folder / "x.npy")]
    assert main([*words, "--layout", "NCHW", "--out", str(folder / "build")]) == 0
    return folder / "build"


def answer(words, capsys, status=0):
    capsys.readouterr()
    assert main([*words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def decisions(build, capsys):
    words = ["simulate", str(build), "--input", str(build.parent / "x.npy"), "--engine", "spec"]
    return answer(words, capsys)["decisions"]


def test_the_script_decides_as_the_spec_without_snn2chip(build, capsys, tmp_path):
    told = answer(["onnx", "export", str(build), "-o", str(tmp_path / "program.onnx")], capsys)
    assert told["window"] == str(tmp_path / "program.onnx")
    assert told["step"] == str(tmp_path / "program.step.onnx")
    assert told["operators"]["Scan"] == 11  # ten layers and the read-out
    assert (told["opset"], told["ir_version"]) == (17, 8)
    for name in ("program.onnx", "program.step.onnx"):
        onnx.checker.check_model(onnx.load(tmp_path / name), full_check=True)
    script = shutil.copy(ROOT / "examples" / "04_verify_with_onnx_runtime.py", tmp_path)
    assert "snn2chip" not in Path(script).read_text().split('"""')[2]
    done = subprocess.run(
        [sys.executable, "-I", script, tmp_path / "program.onnx", build.parent / "x.npy"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert [int(d) for d in done.stdout.split()] == decisions(build, capsys)


def test_integers_only_has_no_float_convolution(build, capsys, tmp_path):
    words = ["onnx", "export", str(build), "-o", str(tmp_path / "p.onnx"), "--integer"]
    operators = answer(words, capsys)["operators"]
    assert "Conv" not in operators
    assert operators["ConvInteger"] > 5
    model = onnx.load(tmp_path / "p.onnx")
    told = {p.key: p.value for p in model.metadata_props}
    x = np.load(build.parent / "x.npy") / float(told["input.scale"])
    loaded = session((tmp_path / "p.onnx").read_bytes())
    got = execute(loaded, ["decision"], {"input": x.astype(told["input.type"])})
    assert got["decision"].argmax(1).tolist() == decisions(build, capsys)


def test_traces_equal_the_specs(build, capsys):
    traces = []
    for name in ("spec", "onnx"):
        out = build.parent / f"{name}.npz"
        words = ["trace", str(build), "--input", str(build.parent / "x.npy"), "--engine", name]
        answer([*words, "-o", str(out)], capsys)
        with np.load(out) as z:
            traces.append({k: z[k] for k in z.files})
    assert traces[0].keys() == traces[1].keys()
    for key, values in traces[0].items():
        np.testing.assert_array_equal(values, traces[1][key], err_msg=key)
        assert values.any(), key


def test_simulate_keeps_a_recording_with_the_potentials(build, capsys):
    for name in ("spec", "onnx"):
        words = ["simulate", str(build), "--input", str(build.parent / "x.npy"), "--engine", name]
        assert answer(words, capsys)["samples"] == SAMPLES
    ours, theirs = (load(build / "recordings" / f"{n}.npz")[0] for n in ("spec", "onnx"))
    same(ours, theirs)
    assert theirs.potentials


@pytest.mark.parametrize(("asked", "there"), [([], False), (["--engine", "onnx"], True)])
def test_verify_compares_it_only_where_it_is_asked_for(build, capsys, asked, there):
    verdict = answer(["verify", str(build), "--input", str(build.parent / "x.npy"), *asked], capsys)
    rung = next(r for r in verdict["rungs"] if r["rung"] == "3")
    assert rung["passed"]
    assert ("onnx" in rung["sides"]) is there
    assert any(n.startswith("onnx: ") and n.endswith(" 0 differ") for n in rung["notes"]) is there
    assert {"spec", "layer", "dense", "core"} <= set(rung["sides"])


def test_without_onnx_the_extra_is_named(build, capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["onnx", "export", str(build), "-o", str(tmp_path / "p.onnx")]) == 2
    assert "pip install 'snn2chip[onnx]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_misuse_is_told(build, capsys, tmp_path):
    assert main(["onnx", "exprt", str(build), "-o", str(tmp_path / "p.onnx")]) == 2
    assert "export" in capsys.readouterr().err
    x = str(build.parent / "x.npy")
    assert main(["verify", str(build), "--input", x, "--engine", "onx"]) == 2
    assert "did you mean 'onnx'" in capsys.readouterr().err
