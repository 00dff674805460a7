"""The trained digits network on Loihi 1, through the command line: every rung holds."""

import json
from pathlib import Path

import numpy as np
import pytest

from snn2chip.chip.formats import loihi1
from snn2chip.chip.target import load_target
from snn2chip.cli.main import main

DATA = Path(__file__).parent.parent / "examples" / "data"


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loihi1")
    np.save(folder / "x.npy", np.load(DATA / "digits_test.npy")[:6])
    words = ["deploy", str(DATA / "digits.pth"), "--target", "loihi1", "--layout", "NCHW"]
    words += ["--input", str(folder / "x.npy"), "--out", str(folder / "build")]
    assert main(words) == 0
    return folder / "build"


def test_every_rung_holds(build):
    verdict = json.loads((build / "verdict.json").read_text())
    rungs = {r["rung"]: r for r in verdict["rungs"]}
    assert verdict["passed"]
    assert {"0", "1", "2", "2b", "3", "4"} <= set(rungs)
    assert all(r["passed"] and r["compared"] > 0 for r in rungs.values())
    assert all(rungs[r]["differing"] == 0 for r in ("0", "1", "2", "3", "4"))


def test_the_program_is_in_words_of_loihi1(build):
    from snn2chip.build import open_build

    program, target = open_build(build).program(), load_target("loihi1")
    assert (program.target, program.format) == ("loihi1", "loihi1")
    counts = [loihi1.count(core).counts for core in program.cores]
    assert all(n <= target.limit(k) for c in counts for k, n in c.items())
    assert sum(c["synapse_words"] for c in counts) > 0


def test_how_joins_wait_is_kept_with_the_build(build):
    text = (build / "build.toml").read_text()
    assert 'code = "map-join"' in text


def test_rims_of_tiles_are_priced(build):
    from snn2chip.build import open_build

    program, target = open_build(build).program(), load_target("loihi1")
    rim = 0
    for core in program.cores:
        (tile,) = loihi1.unpack_core(core, target).tiles
        rim += len(core.neurons) - tile.bias.size
    assert rim > 0
    energy = json.loads((build / "energy.json").read_text())
    lines = {i["name"]: i for i in energy["items"] if "rims of tiles" in i["name"]}
    idle, active = (
        lines[f"updates in rims of tiles, {how} arrived"] for how in ("nothing", "something")
    )
    assert idle["count"] + active["count"] == rim * program.steps
    assert active["count"] > 0
    assert lines["synaptic operations into rims of tiles"]["pj"] > 0
    assert energy["counts"]["cores"]["rims"] == rim
