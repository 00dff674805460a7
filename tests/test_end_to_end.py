"""The main job through the command line, on the trained digits network and images that it has not seen."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2chip.cli.main import main

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
