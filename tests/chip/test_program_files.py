from dataclasses import replace

import numpy as np
import pytest

from snn2chip.chip.files import FORMAT, MEMORIES, load, save
from snn2chip.chip.map import map_circuit
from snn2chip.chip.program import Coding
from snn2chip.errors import Snn2ChipError
from snn2chip.npz import load_npz, save_npz
from tests.chip.circuits import small_sew
from tests.chip.contents import same
from tests.chip.tiny import TINY, target


def program(coding=Coding.GRADED):
    return map_circuit(small_sew(0), TINY, coding=coding).program


@pytest.mark.parametrize("coding", [Coding.BIAS, Coding.HOST, Coding.GRADED])
def test_a_program_comes_back(tmp_path, coding):
    saved = program(coding)
    save(saved, tmp_path / "program.npz")
    found = load(tmp_path / "program.npz")
    assert same(replace(saved, input_axons={}), replace(found, input_axons={}))
    assert list(found.input_axons) == list(saved.input_axons)
    assert all(same(found.input_axons[n], words) for n, words in saved.input_axons.items())
    assert found.schedule.delays == saved.schedule.delays


def test_a_program_without_cores_comes_back(tmp_path):
    empty = map_circuit(small_sew(0), target(synapse_words=1)).program
    assert empty.cores == ()
    save(empty, tmp_path / "program.npz")
    assert same(load(tmp_path / "program.npz"), empty)


def test_the_same_program_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save(program(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_words_that_tiles_share_are_stored_once(tmp_path):
    saved = program()
    save(saved, tmp_path / "program.npz")
    arrays, _ = load_npz(tmp_path / "program.npz", "program", version=FORMAT)
    stored = len(arrays["synapses"])
    assert stored < sum(len(c.synapses) for c in saved.cores)
    assert len(arrays["synapses_which"]) == len(saved.cores)


def rewritten(tmp_path, change, **header):
    """The file with arrays changed and a checksum that fits."""
    save(program(), tmp_path / "program.npz")
    arrays, head = load_npz(tmp_path / "program.npz", "program", version=FORMAT)
    path = tmp_path / "changed.npz"
    save_npz(path, change(dict(arrays)), {**head, **header})
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a | {"neurons_first": a["neurons_first"] + 1},
        lambda a: a | {"neurons_which": a["neurons_which"] + 999},
        lambda a: a | {"neurons_which": a["neurons_which"][1:]},
        lambda a: a | {"synapses": a["synapses"].astype(np.float64)},
        lambda a: {k: v for k, v in a.items() if k != "axon_map"},
        lambda a: a | {"input_map_which": a["input_map_which"][1:]},
        lambda a: a | {"groups_first": a["groups_first"][::-1]},
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, change):
    with pytest.raises(Snn2ChipError, match="file-garbled") as e:
        load(rewritten(tmp_path, change))
    assert e.value.exit_status == 2


def test_other_kinds_and_versions_are_refused(tmp_path):
    with pytest.raises(Snn2ChipError, match="file-version"):
        load(rewritten(tmp_path, dict, format=FORMAT - 1))
    with pytest.raises(Snn2ChipError, match="file-garbled"):
        load(rewritten(tmp_path, dict, kind="recording"))
    with pytest.raises(Snn2ChipError, match="file-garbled"):
        load(rewritten(tmp_path, dict, program={"is": "_Head"}))
    with pytest.raises(Snn2ChipError, match="file-unreadable"):
        load(tmp_path / "nothing.npz")


def test_every_memory_is_stored():
    assert set(MEMORIES) <= set(type(program().cores[0]).__slots__)
