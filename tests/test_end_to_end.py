"""The main job through the command line, on the trained digits network and images that it has not seen."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2chip import recordings
from snn2chip.cli.main import main
from snn2chip.engines.lava import environment
from snn2chip.inputs import InputData
from snn2chip.recordings import load

DATA = Path(__file__).parent.parent / "examples" / "data"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployed build of the digits network on 24 held-back images."""
    folder = tmp_path_factory.mktemp("end")
    np.save(folder / "x.npy", np.load(DATA / "digits_test.npy")[:24])
    np.save(folder / "y.npy", np.load(DATA / "digits_test_labels.npy")[:24])
    words = [
        "deploy",
        str(DATA / "digits.pth"),
        "--target",
        "loihi2",
        "--input",
        str(folder / "x.npy"),
    ]
    words += ["--layout", "NCHW", "--labels", str(folder / "y.npy"), "--out", str(folder / "build")]
    assert main(words) == 0
    return folder / "build"


def answer(words: list[str], capsys: pytest.CaptureFixture[str], status: int = 0) -> dict[str, Any]:
    """The JSON that a command prints."""
    capsys.readouterr()
    assert main([*words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_every_artefact_is_there(build: Path) -> None:
    names = {
        "build.toml",
        "network.nir",
        "quantized.npz",
        "program.npz",
        "verdict.json",
        "energy.json",
        "report.html",
    }
    assert names <= {p.name for p in build.iterdir()}
    assert list((build / "recordings").glob("*.npz"))


def test_every_rung_compared_something_and_holds(build: Path) -> None:
    verdict = json.loads((build / "verdict.json").read_text())
    rungs = {r["rung"]: r for r in verdict["rungs"]}
    assert set(rungs) == {"0", "1", "2", "2b", "2c", "3", "4"}
    assert verdict["passed"]
    assert all(r["passed"] and r["compared"] > 0 for r in rungs.values())
    assert all(rungs[r]["differing"] == 0 for r in ("2", "2c", "3", "4"))
    assert rungs["2b"]["measures"]["agreement"] == 1.0
    assert verdict["not_exercised"] == []


def test_stages_run_alone_on_the_folder(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = str(build.parent / "x.npy")
    assert answer(["audit", str(build)], capsys)["passed"] is True
    simulated = answer(["simulate", str(build), "--input", x, "--engine", "core"], capsys)
    assert simulated["samples"] == 24
    assert answer(["verify", str(build), "--input", x], capsys)["passed"] is True
    counts = answer(["energy", str(build), "--prices", "none"], capsys)
    assert counts["table"] is None
    assert all(item["pj"] is None and item["count"] >= 0 for item in counts["items"])
    assert answer(["energy", str(build)], capsys)["low_pj"] > 0
    assert answer(["rerun", str(build)], capsys)["same"] is True


def test_without_alignment_nothing_runs(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, bound = str(build.parent / "x.npy"), str(build.parent / "bound")
    words = ["compile", str(DATA / "digits.pth"), "--input", x, "--layout", "NCHW"]
    found = answer([*words, "--align", "none", "--out", bound], capsys)
    assert (found["compared"], found["differing"]) == (None, None)
    assert "map-unaligned" in [f["code"] for f in found["findings"]]
    for command in ("simulate", "verify"):
        assert main([command, bound, "--input", x]) == 1
        assert capsys.readouterr().err.startswith("error[map-unaligned]")
    assert answer(["rerun", bound], capsys)["same"] is True


def test_traces_of_all_engines_below_float_are_the_same(
    build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = str(build.parent / "x.npy")
    traces: dict[str, dict[str, np.ndarray]] = {}
    for engine in ("spec", "layer", "dense", "core"):
        out = build.parent / f"{engine}.npz"
        answer(["trace", str(build), "--input", x, "--engine", engine, "-o", str(out)], capsys)
        with np.load(out, allow_pickle=False) as z:
            traces[engine] = {k: z[k] for k in z.files}
    assert {"sn1", "layer1.0.sn1", "layer1.0#out"} <= set(traces["spec"])
    for engine, trace in traces.items():
        assert set(trace) == set(traces["spec"]), engine
        assert all(np.array_equal(trace[k], traces["spec"][k]) for k in trace), engine
    assert max(int(v.max()) for v in traces["spec"].values()) >= 2


@pytest.mark.usefixtures("lava")
def test_every_executor_fires_the_same(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = str(build.parent / "x.npy")
    capsys.readouterr()
    assert main(["verify", str(build), "--input", x, "--engine", "all"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"compared +layer +dense +core +onnx +lava +norse\n", shown)
    assert re.search(r"fc \(potential\) +240 +0 +0 +0 +0 +0 +0\n", shown)
    rung = json.loads((build / "verdict.json").read_text())["rungs"][-2]
    assert set(rung["executors"]) == {"layer", "dense", "core", "onnx", "lava", "norse"}
    for counts in rung["executors"].values():
        assert all(c["compared"] > 0 and c["differing"] == 0 for c in counts)
        assert sum(c["compared"] for c in counts) == rung["compared"] // 6
    assert main(["report", str(build)]) == 0
    page = (build / "report.html").read_text()
    assert "executor by executor" in page
    assert re.search(
        "core: the packed tables.*lava: the integer circuit and its schedule", page, re.DOTALL
    )


@pytest.mark.usefixtures("lava")
def test_the_exported_lava_script_fires_the_same(
    build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(build), "--input", str(build.parent / "x.npy")]) == 0
    folder = build.parent / "script"
    told = answer(["lava", "export", str(build), "-o", str(folder)], capsys)
    assert told["kinds"]["LIFReset"] == 10 and told["ours"] == ["Neurons"]
    words = [str(environment.python()), str(folder / "program.py")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "all equal"), done.stderr
    chip = subprocess.run([*words, "--chip"], capture_output=True, text=True, timeout=300)
    assert chip.returncode == 1 and "not installed here" in chip.stderr
    assert main(["lava", "export", str(build), "-o", str(build)]) == 2
    assert "out-taken" in capsys.readouterr().err


def test_a_recording_made_elsewhere(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "two.npy", np.load(build.parent / "x.npy")[:2])
    answer(["simulate", str(build), "--input", str(tmp_path / "two.npy")], capsys)
    theirs = build / "recordings" / "layer.npz"
    assert answer(["verify", str(build), "--recording", str(theirs)], capsys)["passed"]
    rung = json.loads((build / "verdict.json").read_text())["rungs"][-2]
    assert rung["sides"][-1] == "layer (recorded)"

    recording, inputs = load(theirs)
    wrong = {n: v.copy() for n, v in recording.outputs.items()}
    wrong["layer1.1.sn1"][3, 1, 0, 0, 0] ^= 1
    recordings.save(replace(recording, outputs=wrong), inputs, tmp_path / "wrong.npz")
    assert main(["verify", str(build), "--recording", str(tmp_path / "wrong.npz")]) == 1
    shown = capsys.readouterr().out
    assert re.search(r"layer1.1.sn1 +8,192 +0 +0 +0 +1\n", shown)
    assert "layer1.1.sn1, step 3, sample 1" in shown

    small = InputData(kind=inputs.kind, values=inputs.values[..., 1:])
    recordings.save(recording, small, tmp_path / "small.npz")
    assert main(["verify", str(build), "--recording", str(tmp_path / "small.npz")]) == 2
    assert "recording-input" in capsys.readouterr().err
    x = str(tmp_path / "two.npy")
    assert main(["verify", str(build), "--recording", str(theirs), "--input", x]) == 2


def test_executors_that_are_not_installed_are_named(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "snn2chip.engines.onnx", raising=False)
    monkeypatch.setitem(sys.modules, "norse.torch", None)
    monkeypatch.delitem(sys.modules, "snn2chip.engines.norse", raising=False)
    np.save(tmp_path / "one.npy", np.load(build.parent / "x.npy")[:1])
    words = ["verify", str(build), "--input", str(tmp_path / "one.npy"), "--engine", "all"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "left out: executor lava: Lava's environment is not there" in shown
    assert "left out: executor onnx: needs the package onnxruntime" in shown
    assert "left out: executor norse: needs the package norse.torch" in shown
    assert main(["verify", str(build), "--input", "x.npy", "--engine", "lava"]) == 2
    assert "lava-missing" in capsys.readouterr().err


def test_a_changed_file_is_refused(
    build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(build, copy)
    data = bytearray((copy / "program.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "program.npz").write_bytes(bytes(data))
    assert main(["verify", str(copy), "--input", str(build.parent / "x.npy")]) == 2
    assert "program.npz" in capsys.readouterr().err
