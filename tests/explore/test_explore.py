"""Points of the digits network: the same numbers as the stages, kept once, and what cannot be is a row."""

import json
from pathlib import Path

import numpy as np
import pytest

from snn2chip.chip.place import exact
from snn2chip.cli.main import main
from snn2chip.explore import row as rows
from tests.report import axe

DATA = Path(__file__).parents[2] / "examples" / "data"
GRID = ["--weight-bits", "8,3", "--coding", "auto,graded,events"]


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Six images, and the arguments that name them."""
    folder = tmp_path_factory.mktemp("few")
    np.save(folder / "x.npy", np.load(DATA / "digits_demo.npy")[:6])
    np.save(folder / "y.npy", np.load(DATA / "digits_demo_labels.npy")[:6])
    return folder


def words(few, out, *more):
    named = [str(DATA / "digits.pth"), "--input", str(few / "x.npy"), "--layout", "NCHW"]
    labels = ["--labels", str(few / "y.npy")]
    return ["explore", *named, *labels, "--workers", "1", "--out", str(out), *more]


@pytest.fixture(scope="module")
def explored(few, tmp_path_factory):
    out = tmp_path_factory.mktemp("explored")
    assert main(words(few, out, *GRID)) == 0
    return out


def points(few, out, capsys, *more):
    assert main(words(few, out, *more, "--json")) == 0
    return json.loads(capsys.readouterr().out)["points"]


def test_points_are_what_the_stages_say(few, explored, tmp_path, capsys):
    found = points(few, explored, capsys, *GRID)
    assert [(p["point"]["weight_bits"], p["point"]["coding"]) for p in found] == [
        (bits, coding) for bits in (8, 3) for coding in ("auto", "graded", "events")
    ]
    point = found[4]
    build = ["--input", str(few / "x.npy"), "--layout", "NCHW", "--labels", str(few / "y.npy")]
    chosen = ["--weight-bits", "3", "--coding", "graded", "--out", str(tmp_path / "b"), "--json"]
    assert main(["deploy", str(DATA / "digits.pth"), *build, *chosen]) == 0
    deployed = json.loads(capsys.readouterr().out)
    loss = next(r for r in deployed["verdict"]["rungs"] if r["rung"] == "2b")
    assert point["spikes"] == 1 - loss["differing"] / loss["compared"]
    assert point["decisions"] == loss["measures"]["agreement"]
    assert point["top1"] == loss["measures"]["top1_twin"]
    assert point["original"] == loss["measures"]["top1_original"]
    energy = deployed["energy"]
    assert (point["low_pj"], point["high_pj"]) == (energy["low_pj"], energy["high_pj"])
    assert point["latency_us"] == energy["time"]["latency_us"]
    compiled = deployed["compiled"]
    assert (point["cores"], point["chips"]) == (compiled["cores"], compiled["chips"])
    assert point["spike_hops"] == compiled["placement"]["spike_hops"]


def test_a_point_that_cannot_be_is_a_row(few, explored, capsys):
    found = points(few, explored, capsys, *GRID)
    codes = [[f["code"] for f in p["findings"]] for p in found]
    assert codes == [[], [], ["map-coding"]] * 2
    page = (explored / "explore.html").read_text()
    assert page.count("error[map-coding]") == 2
    assert "snn2chip deploy" in page and "--weight-bits 8" in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(explored, chromium, tmp_path, theme):
    page = (explored / "explore.html").read_text()
    found = axe.check(chromium, tmp_path, page, dark=theme == "dark")
    assert found["dark"] == (theme == "dark")
    assert found["violations"] == []
    assert {"color-contrast", "svg-img-alt", "th-has-data-cells"} <= set(found["passes"])


def test_finished_points_are_not_done_again(few, explored, monkeypatch, capsys):
    before = {p.name: p.read_bytes() for p in explored.iterdir()}
    assert len(before) == 7

    def never(*_):
        raise AssertionError("done again")

    monkeypatch.setattr(rows, "ran", never)
    assert main(words(few, explored, *GRID)) == 0
    assert "6 of 6 points" in capsys.readouterr().err
    assert {p.name: p.read_bytes() for p in explored.iterdir()} == before


def test_a_stopped_run_goes_on(few, explored, tmp_path, monkeypatch, capsys):
    run, done = rows.ran, []

    def killed(*given):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(given)
        return run(*given)

    monkeypatch.setattr(rows, "ran", killed)
    assert main(words(few, tmp_path, *GRID)) == 130
    assert len(list(tmp_path.iterdir())) == 2
    done[:] = [None]
    assert main(words(few, tmp_path, "--weight-bits", "8", "--coding", "auto,graded,events")) == 0
    assert len(done) == 2, "one point was missing"
    monkeypatch.setattr(rows, "ran", run)
    assert main(words(few, tmp_path, *GRID)) == 0
    assert "3 of 6 points" in capsys.readouterr().err
    assert (tmp_path / "explore.html").read_bytes() == (explored / "explore.html").read_bytes()


def test_another_input_is_another_row(few, explored, tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.load(few / "x.npy"))
    same = [tmp_path / "x.npy" if w == str(few / "x.npy") else w for w in words(few, explored)]
    assert main([*map(str, same), "--weight-bits", "8"]) == 0
    assert "1 of 1 points" in capsys.readouterr().err, "the same content under another name"
    np.save(tmp_path / "x.npy", 1 - np.load(few / "x.npy"))
    assert main([*map(str, same), "--weight-bits", "8"]) == 0
    assert "points are in" not in capsys.readouterr().err


def test_other_t_and_one_chip_too_few(few, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(exact, "MOST_CORES", 3)
    axes = ["--steps", "2,8", "--place", "columns,exact", "--share-cores", "none"]
    found = points(few, tmp_path, capsys, *axes)
    assert [p["point"]["steps"] for p in found] == [2, 2, 8, 8]
    assert found[0]["energy_pj"] < found[2]["energy_pj"]
    assert [[f["code"] for f in p["findings"]] for p in found] == [[], ["place-exact"]] * 2


def test_where_no_point_can_be_the_status_says_so(few, tmp_path, capsys):
    assert main(words(few, tmp_path, "--coding", "events")) == 1
    assert "error[map-coding]" in capsys.readouterr().out
    assert "No point can be" in (tmp_path / "explore.html").read_text()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--split", "few"], "option-value"),
        (["--weight-bits", "8,x"], "option-value"),
        (["--steps", "0"], "option-value"),
        (["--samples", "7"], "option-value"),
        (["--target", "loihi3"], "target-unknown"),
        (["--prices", "dear"], "prices-unknown"),
        (["--scheduler", "tcp://127.0.0.1:1"], "usage"),
    ],
)
def test_misuse(few, tmp_path, more, code, capsys):
    assert main(words(few, tmp_path, *more)) == 2
    assert f"error[{code}]" in capsys.readouterr().err


def test_a_damaged_row(few, explored, capsys):
    kept = next(p for p in explored.glob("point-*"))
    whole = kept.read_text()
    for text in ("", "{}", "[]", whole[:-20], whole.replace("weight_bits", "bits")):
        kept.write_text(text)
        assert main(words(few, explored, *GRID)) == 2
        assert "error[explore-row]" in capsys.readouterr().err
    kept.write_text(whole)
