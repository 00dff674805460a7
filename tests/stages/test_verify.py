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
    assert re.search(r"compared +layer +dense +core +onnx\n", shown)

    monkeypatch.setattr(widths, "INT64", 1 << 30)
    assert verify(wide, "--engine", "all") == 0
    verdict = json.loads((wide / "build" / "verdict.json").read_text())
    rung = next(r for r in verdict["rungs"] if r["rung"] == "3")
    assert set(rung["executors"]) == {"layer", "dense", "core"} and rung["compared"] > 0
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
