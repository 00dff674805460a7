"""The cost model against published tables, but for the two networks on Loihi 1 that take half a minute."""

import pytest

from snn2chip.bench import mapping
from snn2chip.bench.mapping import CoreRow, MappingRow, MappingTable
from snn2chip.bench.shapes import mobilenet, sew_resnet18, yolo_kp
from snn2chip.chip.target import load_target
from snn2chip.cli.main import main

LOIHI2 = load_target("loihi2")


def sections():
    return mapping._nengo(), mapping._yolo(LOIHI2), mapping._pilotnet(LOIHI2)


def test_tables_of_others_are_reproduced():
    nengo, yolo, pilotnet = sections()
    assert [len(s.rows) for s in (nengo, yolo, pilotnet)] == [9, 40, 9]
    assert all(r.difference == 0 for s in (nengo, pilotnet) for r in s.rows)
    assert all(abs(r.difference) <= 0.02 for r in yolo.rows)
    assert all(r.holds for s in (nengo, yolo, pilotnet) for r in s.rows)


def test_networks_have_the_published_sizes():
    def neurons(qc):
        return sum(c * h * w for c, h, w in (p.shape for p in qc.populations))

    assert neurons(mobilenet()) == 1_646_592
    assert neurons(sew_resnet18()) == 2_685_416
    maps = [p.shape[1] for p in yolo_kp().populations]
    assert maps == [224, 112, 56, 28, 28, 14, 14, 14, 14, 14]


@pytest.mark.parametrize(
    ("make", "aligned", "most"),
    [(sew_resnet18, False, 831), (sew_resnet18, True, 1015), (yolo_kp, True, 574)],
)
def test_cores_on_loihi2(make, aligned, most):
    row = mapping._core_row("x", mapping._planned(make(), LOIHI2, aligned=aligned), most, "")
    assert row.neurons <= row.cores <= row.apart <= most
    assert row.alone <= row.apart


def test_a_table_says_what_does_not_hold():
    fine = MappingRow(what="a", published=2, ours=2)
    wrong = MappingRow(what="b", published=2, ours=3)
    below = MappingRow(what="c", published=2, ours=1, at_most=True)
    assert [r.holds for r in (fine, wrong, below)] == [True, False, True]
    section = mapping.Section(name="s", unit="u", note="n", rows=(fine, wrong, below))
    cores = CoreRow(network="n", target="t", cores=9, most=8, whose="", apart=9, alone=7, neurons=6)
    table = MappingTable(sections=(section,), cores=(cores,))
    assert not table.holds
    assert "s (u): 2 of 3 hold" in table.lines()
    assert table.lines()[-1].endswith("ABOVE")
    assert sum(line.endswith("DIFFERS") for line in table.lines()) == 1
    assert table.to_dict()["holds"] is False
    assert MappingTable(sections=(), cores=()).holds


def test_mapping_goes_alone(capsys):
    assert main(["bench", "mapping", "W1"]) == 2
    assert "mapping goes alone" in capsys.readouterr().err
