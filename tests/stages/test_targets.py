"""`targets`: what is shown of a target, and everything that is wrong with a file."""

import json
from pathlib import Path

import pytest

from snn2chip.chip.target import available, describe, load_target
from snn2chip.cli.main import main
from snn2chip.stages.targets import targets

TEXT = (Path(__file__).parents[2] / "targets" / "tiny.toml").read_text()


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
