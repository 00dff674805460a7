"""`debug` from the command line, on a `.nir` file of a network with a layer that hurts."""

import json
from pathlib import Path

import numpy as np
import pytest

from snn2chip.circuit.nir import write
from snn2chip.cli.main import main
from tests.debug.build import network, samples
from tests.quantize.build import PLAIN, random_circuit


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Words of the command up to --out: a network whose layer b hurts, its input, and labels."""
    circuit, inputs = network("b")
    return _written(tmp_path_factory.mktemp("hurt"), circuit, inputs)


def _written(folder: Path, circuit, inputs) -> list[str]:
    from snn2chip.circuit.engine import run

    write(circuit, folder / "net.nir")
    layout = "NCHW" if inputs.kind.value == "static" else "TNCHW"
    np.save(folder / "x.npy", inputs.values)
    np.save(folder / "y.npy", run(circuit, inputs).decision.argmax(1))
    words = ["debug", str(folder / "net.nir"), "--input", str(folder / "x.npy"), "--layout", layout]
    return [*words, "--labels", str(folder / "y.npy")]


def test_the_command_names_the_layer_and_goes_on(files, tmp_path, capsys):
    out = str(tmp_path / "found")
    assert main([*files, "--out", out, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["by"], found["worst"], found["culprits"]) == ("top1", "b", ["b"])
    assert found["best"] is None
    page = Path(found["page"]).read_text()
    assert "b in floats" in page
    assert 'class="hurts"' in page
    assert main([*files, "--out", out]) == 0
    told = capsys.readouterr()
    assert "runs are there from before" in told.err
    assert "bisection: with b in floats" in told.out
    assert "finetune" in told.out


def test_fewer_bits_are_mended_by_more(tmp_path, capsys):
    circuit, inputs = network()
    words = _written(tmp_path, circuit, inputs)
    assert main([*words, "--weight-bits", "3", "--out", str(tmp_path / "d"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    mending = {s["words"] for s in found["settings"] if s["mends"] and s["reachable"]}
    assert found["best"] in mending
    assert any(words.startswith("--weight-bits") for words in mending)


def test_a_network_that_loses_nothing_says_so(tmp_path, capsys):
    circuit, _ = random_circuit(3, PLAIN, grid=True)
    assert main([*_written(tmp_path, circuit, samples(circuit)), "--out", str(tmp_path / "d")]) == 0
    out = capsys.readouterr().out
    assert "rounding loses nothing: every output and every decision is the original's" in out
    assert "settings" not in out
    assert "Rounding loses nothing" in (tmp_path / "d" / "debug.html").read_text()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--share", "0"], "option-value"),
        (["--share", "1.5"], "option-value"),
        (["--by", "luck"], "option-value"),
    ],
)
def test_misuse_is_one_line(files, words, code, tmp_path, capsys):
    assert main([*files, *words, "--out", str(tmp_path / "d")]) == 2
    told = capsys.readouterr().err.strip()
    assert told.startswith(f"error[{code}]")
    assert "\n" not in told
    assert not (tmp_path / "d").exists()


def test_top1_needs_labels(files, tmp_path, capsys):
    assert main([*files[:-2], "--by", "top1", "--out", str(tmp_path / "d")]) == 2
    assert "give --labels" in capsys.readouterr().err


def test_a_folder_that_holds_something_else_is_left_alone(files, tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert main([*files, "--out", str(tmp_path)]) == 2
    assert "error[out-taken]" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_coarse_input_is_named_and_finer_pixels_mend_it(tmp_path, capsys):
    """On Loihi 1, which is coarser than Loihi 2: that target is tried, and the one that does not exist is not."""
    data = Path(__file__).parents[2] / "examples" / "data"
    for name in ("digits_test", "digits_test_labels"):
        np.save(tmp_path / f"{name}.npy", np.load(data / f"{name}.npy")[:20])
    words = ["debug", str(data / "digits.pth"), "--input", str(tmp_path / "digits_test.npy")]
    words += ["--layout", "NCHW", "--labels", str(tmp_path / "digits_test_labels.npy")]
    words += ["--target", "loihi1", "--input-bits", "1", "--out", str(tmp_path / "d"), "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["worst"], found["culprits"]) == ("input", ["input"])
    assert found["best"] == "--input-bits 16"
    tried = {s["words"] for s in found["settings"] if s["words"].startswith("--target")}
    assert tried == {"--target loihi2"}
