"""`check` of a `.nir` file lists every defect of the file at once, and what nir itself would refuse."""

from pathlib import Path

import numpy as np
import pytest

from snn2chip.chip.rule import Facts, rule, worst
from snn2chip.cli.main import main
from snn2chip.model import ModelRequest
from snn2chip.options import BuildOptions
from snn2chip.stages.check import check
from tests.readers.nir_files import (
    conv,
    dyadic,
    edges,
    edit,
    field,
    integrate,
    nir,
    replace,
    small,
    write,
)

NORSE = "norse,dt=1.0"
CASES = Path(__file__).parents[1] / "cases" / "nir"


def checked(path, convention: str | None = NORSE, steps: int | None = 4):
    request = ModelRequest(path=str(path), convention=convention, steps=steps)
    return check(BuildOptions(model=request))


def places(found):
    return [(f.code, f.where.partition(".nir: ")[2]) for f in found.findings]


def test_all_defects_are_listed_with_their_nodes(tmp_path):
    path = small(tmp_path / "bad.nir")
    for change in (
        field("conv1", "stride", np.array([0, 1])),
        field("if1", "v_threshold", np.full((4, 6, 6), np.nan)),
        lambda h: h.pop("node/nodes/conv2/weight"),
        field("if2", "v_reset", np.arange(144).reshape(4, 6, 6)),
        field("fc", "bias", np.ones(4, np.float32)),
        field("if3", "type", "CubaLIF"),
    ):
        edit(path, change)
    found = checked(path)
    assert places(found) == [
        ("nir-node", f"node {name}")
        for name in (
            "conv1 (Conv2d)",
            "if1 (IF)",
            "conv2 (Conv2d)",
            "if2 (IF)",
            "fc (Affine)",
            "if3 (CubaLIF)",
        )
    ]
    assert found.lines()[-1] == "cannot be read: 6 defect(s)"
    assert not found.fits


def test_a_defect_does_not_make_defects_of_its_followers(tmp_path):
    path = edit(small(tmp_path / "bad.nir"), field("conv1", "type", "HyperConv"))
    assert places(checked(path)) == [("nir-node", "node conv1 (HyperConv)")]


def test_what_nobody_says_the_shape_of_is_checked_by_its_type(tmp_path):
    nodes = {"a": integrate(2, 6, 6), "b": conv(2, 4), "c": nir.SumPool2d(2, 2, 0)}
    path = write(tmp_path / "bad.nir", {**nodes, "d": nir.Threshold(np.ones(1))}, outputs=(4, 3, 3))
    edit(path, field("b", "stride", 0))
    edit(path, field("d", "type", "Delay"))
    assert places(checked(path)) == [
        ("nir-node", "node b (Conv2d)"),
        ("nir-node", "node d (Delay)"),
    ]


def test_defects_of_edges_and_of_nodes_stand_together(tmp_path):
    path = edit(small(tmp_path / "bad.nir"), field("fc", "bias", np.ones(4, np.float32)))
    edit(path, edges(lambda e: [*e, ["if1", "ghost"], ["if1", "conv2"], ["if2", "conv2"]]))
    found = checked(path)
    whys = " | ".join(f.why for f in found.findings)
    for words in ("'ghost'", "if1 -> conv2 is there twice", "conv2 -> if2 -> conv2", "bias"):
        assert words in whys
    assert len(found.findings) == 4


def test_without_a_convention_it_asks_and_lists_all_the_same(tmp_path):
    path = edit(small(tmp_path / "bad.nir"), field("fc", "bias", np.ones(4, np.float32)))
    found = checked(path, None, None)
    assert [f.code for f in found.findings] == ["nir-convention", "nir-steps", "nir-node"]


def loose(path):
    """Everything that nir's type check refuses, on one path."""
    nodes = {
        "conv": conv(2, 4, groups=2, weight=dyadic(1, 4, 1, 3, 5), padding=np.array([1, 2])),
        "sn": nir.IF(r=np.ones(1), v_threshold=np.ones(1), v_reset=np.zeros(1)),
        "flat": nir.Flatten({"input": np.array((4, 6, 6))}, 0, -1),
        "fc": nir.Affine(weight=dyadic(5, 5, 144), bias=dyadic(6, 5)),
        "out": integrate(5),
    }
    write(path, nodes, outputs=(5,))
    edit(path, lambda h: h.pop("node/nodes/conv/input_shape"))
    return edit(path, lambda h: h.pop("node/nodes/flat/input_type"))


def test_what_only_nir_refuses_is_noted_and_read(tmp_path):
    found = checked(loose(tmp_path / "loose.nir"))
    notes = [f for f in found.findings if f.code == "nir-loose"]
    assert [f.why.split(" ")[:5] for f in notes] == [
        w.split()
        for w in (
            "does not say its input_shape;",
            "has groups, of which nir",
            "its kernel is not square,",
            "r has not the full",
            "v_threshold has not the full",
            "v_reset has not the full",
            "does not say its input_type;",
        )
    ]
    assert all(f.severity.value == "note" and "loose.nir: node " in f.where for f in notes)
    assert found.read
    assert "fits loihi2" in found.lines()[-1]


def test_a_file_as_nir_wants_it_has_no_notes(tmp_path):
    assert not [f for f in checked(small(tmp_path / "ok.nir")).findings if f.code == "nir-loose"]


@pytest.mark.parametrize(("broken", "status"), [(True, 2), (False, 0)])
def test_the_command_prints_them_all(tmp_path, capsys, broken, status):
    path = small(tmp_path / "net.nir")
    if broken:
        edit(path, field("fc", "bias", np.ones(4, np.float32)))
        edit(path, field("if1", "type", "Delay"))
    assert main(["check", str(path), "--convention", NORSE, "--steps", "4"]) == status
    out = capsys.readouterr().out
    assert ("node fc" in out and "node if1" in out) == broken


def test_a_limit_that_the_mapper_does_not_know_is_found(tmp_path, monkeypatch):
    """The rules of the audit have the last word, as they have when a program is compiled."""

    def limit(facts: Facts):
        """Three neurons on a core are too many."""
        have = [(c, c.counts["neurons"]) for c in facts.cores]
        yield from worst("map-three", facts, have, 3, "too many neurons", "none of this is real")

    monkeypatch.setattr("snn2chip.chip.audit.RULES", (rule("map-three")(limit),))
    found = checked(small(tmp_path / "net.nir"))
    assert not found.fits
    assert "map-three" in {f.code for f in found.findings}


@pytest.mark.parametrize(
    ("version", "convention", "warned"),
    [
        ("1.0.4", NORSE, True),
        ("1.0.5", NORSE, True),
        ("1.0.6", NORSE, False),
        ("1.0.4", f"{NORSE},reset=subtract", False),
    ],
)
def test_an_old_file_that_is_reset_to_a_value_warns(tmp_path, version, convention, warned):
    path = edit(small(tmp_path / "old.nir"), lambda h: replace(h, "version", version))
    found = checked(path, convention)
    assert (
        any(f.code == "nir-version" and "reset=subtract" in f.help for f in found.findings)
        == warned
    )


@pytest.mark.parametrize(
    ("case", "library"),
    [
        ("snntorch_leaky_zero", "as snnTorch writes"),
        ("spikingjelly_sew_if", "as SpikingJelly writes"),
        ("sinabs_lif_exp", "as sinabs writes"),
        ("spikingjelly_lif", "name the library"),  # r = 1 says nothing
    ],
)
def test_the_question_for_a_convention_says_what_the_file_lets_guess(case, library):
    found = checked(CASES / case / "model.nir", None)
    asked = next(f for f in found.findings if f.code == "nir-convention")
    assert library in asked.help
    assert ("as " in asked.help) == ("as " in library)
