"""`targets`: what is shown of a target, and everything that is wrong with a file."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from snn2chip.chip.target import available, describe, load_target
from snn2chip.cli.main import main
from snn2chip.errors import Snn2ChipError
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.stages.check import check
from snn2chip.stages.targets import targets

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "targets" / "tiny.toml").read_text()


@pytest.mark.parametrize("name", available())
def test_show_prints_every_number_with_its_meaning(name):
    target = load_target(name)
    title, top, _, *lines = targets("show", name).lines()
    assert title == f"{name}: {target.description}"
    assert top == f"packed format {target.format}, default prices {target.default_prices}"
    rows = describe(target)
    assert lines[1::2] == [f"    {r.doc}" for r in rows]
    assert all(
        line.startswith(f"{r.key} ") and line.endswith(f"  {r.source}")
        for line, r in zip(lines[::2], rows, strict=True)
    )
    # One column of values, however long a key of a price is.
    at = max(len(r.key) for r in rows) + 2
    assert all(
        line[at - 1] == " " and line[at:].startswith(str(r.value).lower())
        for line, r in zip(lines[::2], rows, strict=True)
    )


def test_json_has_numbers_and_booleans(capsys):
    assert main(["targets", "show", "loihi2", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    values = {r["key"]: r["value"] for r in out["rows"]}
    assert values["core.neurons"] == 4095
    assert values["widths.graded"] is True
    assert values["prices.loihi1-davies2018.synapse_pj"] == 23.6
    assert values["prices.loihi1-davies2018.crossing_pj"] == "unknown"
    assert values["mesh.dead_cores"] == "120-127"
    assert (out["targets"][0]["format"], out["findings"]) == ("loihi2", [])


def test_check_lists_everything_that_is_wrong(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text(
        TEXT.replace("\nneurons =", "\nnerons =").replace('at = { value = "', 'at = { value = "x')
    )
    assert main(["targets", "check", str(path)]) == 2
    *found, last = capsys.readouterr().out.splitlines()
    assert [line.partition(" - ")[0].partition(": ")[2].partition(":")[0] for line in found] == [
        "core.nerons",
        "core.neurons",
        "delay.at",
    ]
    assert last == f"{path}: not a target, 3 defect(s)"
    assert main(["targets", "check", str(path), "--json"]) == 2
    out = json.loads(capsys.readouterr().out)
    assert [f["code"] for f in out["findings"]] == ["target-key", "target-key", "target-value"]
    # To show it is not possible: one line, as of any command.
    assert main(["targets", "show", str(path)]) == 2
    assert "and 2 more, see `snn2chip targets check" in capsys.readouterr().err


def test_check_of_a_whole_file():
    assert targets("check", "tiny").lines()[0].startswith("tiny: a complete target, ")


def test_prices_in_another_unit_are_warned_of(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace("static_w = { value = 0.001", "static_w = { value = 100"))
    assert main(["targets", "check", str(path)]) == 0
    warning, last = capsys.readouterr().out.splitlines()
    assert warning.startswith(f"warning[target-unlikely] {path}: prices.one.static_w: ")
    assert "have 100 W; need 0.0001 to 50 W" in warning
    assert last.endswith("numbers, 1 warning(s)")
    assert main(["targets", "check", str(path), "--json"]) == 0
    assert [f["code"] for f in json.loads(capsys.readouterr().out)["findings"]] == [
        "target-unlikely"
    ]
    # Whoever maps a network onto it is told, too.
    model = ModelRequest(path=str(ROOT / "examples/data/digits.pth"), shape=(1, 8, 8))
    found = check(BuildOptions(model=model, target=str(path)))
    assert [f.where for f in found.findings if f.code == "target-unlikely"] == [
        "tiny: prices.one.static_w"
    ]


def test_deploy_says_so_at_once(tmp_path, capsys):
    path, data = tmp_path / "mine.toml", ROOT / "examples" / "data"
    path.write_text(TEXT.replace("synapse_pj = { value = 1.0", "synapse_pj = { value = 1e-12"))
    np.save(tmp_path / "x.npy", np.load(data / "digits_test.npy")[:2])
    given = [str(data / "digits.pth"), "--input", str(tmp_path / "x.npy"), "--target", str(path)]
    assert main(["deploy", *given, "--out", str(tmp_path / "build")]) == 0
    first, *_ = capsys.readouterr().err.splitlines()
    assert "warning[target-unlikely] tiny: prices.one.synapse_pj: " in first


@pytest.mark.parametrize("name", available())
def test_a_copy_is_a_target_of_its_own(name, tmp_path, capsys):
    """The shipped file, comments and all, but for its name."""
    path = tmp_path / "my chip-2.toml"
    assert main(["targets", "copy", name, str(path)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{path}: a copy of {name}, as a target named my chip-2; ")
    assert line.endswith(f"`snn2chip targets check {path}`")
    shipped, own = (ROOT / "targets" / f"{name}.toml").read_text(), path.read_text()
    assert own == shipped.replace(f'\nname = "{name}"\n', '\nname = "my chip-2"\n')
    assert tomllib.loads(own)["name"] == load_target(path).name == "my chip-2"
    assert main(["targets", "check", str(path)]) == 0


def test_a_copy_overwrites_nothing(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    with pytest.raises(Snn2ChipError, match="is there already") as e:
        targets("copy", "tiny", str(path))
    assert e.value.finding.code == "out-taken"
    assert path.read_text() == "mine"
    with pytest.raises(Snn2ChipError, match="is not a folder"):
        targets("copy", "tiny", str(tmp_path / "nowhere" / "mine.toml"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("copy",), "needs a name"),
        (("copy", "tiny"), "needs a file to write"),
        (("copy", "tinny", "mine.toml"), "did you mean 'tiny'"),
        (("copy", "tiny", "mine"), "must end with .toml"),
        (("copy", "tiny", "loihi2.toml"), "not have the name of a target"),
        (("show", "tiny", "mine.toml"), "takes no second name"),
    ],
)
def test_a_copy_needs_a_target_and_a_new_name(given, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Snn2ChipError, match=words) as e:
        targets(*given)
    assert e.value.exit_status == 2
    assert list(tmp_path.iterdir()) == []
