"""The certificate of placed programs, against counts of the packed words and against what would then fit."""

import json
import re
from dataclasses import replace
from pathlib import Path

from snn2chip.chip.certificate import certificate
from snn2chip.chip.formats import loihi2
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding
from snn2chip.chip.target import load_target
from tests.chip.circuits import small_sew
from tests.chip.place.test_program import BOARD

LOIHI2 = load_target("loihi2")


def mapped(target):
    return map_circuit(small_sew(0), target, coding=Coding.GRADED).program


def test_every_core_with_every_limit():
    program = mapped(BOARD)
    found = certificate(program, BOARD)
    assert [c.number for c in found.cores] == list(range(len(program.cores)))
    for core, held in zip(program.cores, found.cores, strict=True):
        counts = loihi2.count(core, "core").counts
        assert held.uses == counts
        shares = {limit: n / BOARD.limit(limit) for limit, n in counts.items()}
        assert held.share == max(shares.values()) == shares[held.binds] <= 1
        assert held.layer == " + ".join(core.populations)
        assert held.chip == core.chip


def test_the_whole():
    program = mapped(BOARD)
    found = certificate(program, BOARD)
    cores = len(program.cores)
    assert found.chips == -(-cores // 7)
    assert found.boards["pair"] == -(-cores // 13)
    assert found.boards["ten"] == -(-cores // 70)
    assert 0 < found.bound <= cores
    spare = cores - (found.chips - 1) * 7
    assert found.fewer[0] == f"one chip fewer: {spare} cores must go, to {cores - spare}"
    tree = json.loads(json.dumps(found.to_dict()))
    assert (tree["cores"], tree["chips"], len(tree["each"])) == (cores, found.chips, cores)
    assert "certificate: " in found.lines()[0]


def test_the_docs_describe_every_key():
    tree = certificate(mapped(BOARD), BOARD).to_dict()
    page = (Path(__file__).parents[2] / "docs" / "placement.md").read_text()
    _, _, table = page.partition("\n## certificate.json\n")
    described = [
        key
        for row in re.findall(r"^\| (`.+?`) \| ", table, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", row)
    ]
    assert isinstance(tree["each"], list)
    assert sorted(described) == sorted([*tree, *tree["each"][0]])


def test_one_chip_is_the_fewest():
    found = certificate(mapped(LOIHI2), LOIHI2)
    assert found.fewer == ("one chip is the fewest",)
    assert found.boards["oheo-gulch"] == 1


def test_what_it_says_would_do_does():
    """With as many neurons in a core as the certificate asks for, the program takes a chip less."""
    found = certificate(mapped(BOARD), BOARD)
    (text,) = [s for s in found.fewer if s.startswith("neurons bind")]
    asked = int(text.split("with ")[1].split(" ")[0].replace(",", ""))
    larger = replace(BOARD.quantities["core.neurons"], value=asked + 20)
    roomy = replace(BOARD, quantities={**BOARD.quantities, "core.neurons": larger})
    assert asked > BOARD.limit("neurons")
    assert certificate(mapped(roomy), roomy).chips < found.chips


def test_a_program_without_cores():
    found = certificate(replace(mapped(BOARD), cores=()), BOARD)
    assert (len(found.cores), found.chips, found.bound) == (0, 0, 0)
